// pgmoat's own connection to an upstream for role_query or auth_query: opened when first needed,
// kept, and opened again when it broke. The only file that uses libpq. Its startup packet is built
// from the configuration only; no parameter of a client is in it. Every wait is bounded and ends
// when the token is set; only libpq's name lookup can take longer. For one thread.
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

// Where to connect and what to ask. The values may contain passwords: never to be shown.
struct QuerySource {
    std::vector<std::pair<std::string, std::string>> conninfo; // later ones take precedence
    std::string query;                                         // $1 is the user name
    auto operator<=>(const QuerySource&) const = default;
};

// The required form of the answer, and how long it may take. `name` is the setting, for error
// messages.
struct QueryShape {
    const char* name;
    int columns;
    std::size_t rows_max;
    bool fixed_search_path; // to pg_catalog, so that unqualified names are the system's
    bool is_of_user = true; // the query has the parameter $1
    std::chrono::milliseconds login_timeout = role_login_timeout;
    std::chrono::milliseconds query_timeout = role_query_timeout;
};

struct QueryAnswer {
    using Row = std::vector<std::optional<std::string>>; // nothing: NULL
    std::vector<Row> rows;
    std::string error; // empty: success
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

    // Each returns an error; empty: none.
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
