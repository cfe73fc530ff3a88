// A login of pgmoat's own on an upstream that answers role_query or auth_query: made when first
// needed, kept, made again when it broke. The only place that knows libpq. Its start-up packet is
// built from the configuration alone: no parameter of any client is in it. Every wait is bounded
// and ends when the token says so; only libpq's own name lookup can take longer. For one thread.
#pragma once

#include "proxy/lookups/limits.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

struct pg_conn;   // libpq's
struct pg_result; // libpq's

namespace pgmoat::lookups {

// Whom to ask, and what. The values may hold passwords: never to be shown.
struct QuerySource {
    std::vector<std::pair<std::string, std::string>> conninfo; // later ones win
    std::string query;                                         // $1 is the user
    auto operator<=>(const QuerySource&) const = default;
};

// What the answer must look like; `name` is the setting, for the errors. And how long it may take.
struct QueryShape {
    const char* name;
    int columns;
    std::size_t rows_max;
    bool fixed_search_path; // pg_catalog: an unqualified name means the system's
    bool is_of_user = true; // the query has the parameter $1
    std::chrono::milliseconds login_timeout = role_login_timeout;
    std::chrono::milliseconds query_timeout = role_query_timeout;
};

struct QueryAnswer {
    using Row = std::vector<std::optional<std::string>>; // nothing: NULL
    std::vector<Row> rows;
    std::string error; // empty: there is an answer
};

class QueryConnection {
  public:
    QueryConnection(QuerySource source, const QueryShape& shape)
        : source_(std::move(source)), shape_(shape) {}

    [[nodiscard]] QueryAnswer ask(const std::string& user, const std::stop_token& stop);

  private:
    using Clock = std::chrono::steady_clock;
    struct Finish {
        void operator()(pg_conn* connection) const noexcept;
        void operator()(pg_result* result) const noexcept;
    };
    struct Limit {
        const std::stop_token& stop;
        Clock::time_point until;
    };

    // Each gives what went wrong; empty: nothing.
    std::string log_in(const std::stop_token& stop);
    std::string send(const std::string& user, const std::stop_token& stop, QueryAnswer& answer);
    std::string take_result(const pg_result& result, QueryAnswer& answer) const;
    std::string wait(short events, const Limit& limit) const;
    [[nodiscard]] std::string error() const;

    QuerySource source_;
    QueryShape shape_;
    std::unique_ptr<pg_conn, Finish> connection_;
};

} // namespace pgmoat::lookups
