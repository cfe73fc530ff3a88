// A login on an upstream that answers role_query: made when first needed, kept, made anew when it
// broke. The only place that knows libpq. Every wait is bounded and ends when the token says so;
// only libpq's own name lookup can take longer. For one thread.
#pragma once

#include "proxy/lookups/roles.h"

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

struct pg_conn;   // libpq's
struct pg_result; // libpq's

namespace pgmoat::lookups {

class RoleConnection {
  public:
    explicit RoleConnection(RoleSource source) : source_(std::move(source)) {}

    [[nodiscard]] hba::UserRoles ask(const std::string& user, const std::stop_token& stop);

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
    std::string send(const std::string& user, const std::stop_token& stop, hba::UserRoles& answer);
    std::string take_result(const pg_result& result, hba::UserRoles& answer) const;
    std::string wait(short events, const Limit& limit) const;
    [[nodiscard]] std::string error() const;

    RoleSource source_;
    std::unique_ptr<pg_conn, Finish> connection_;
};

} // namespace pgmoat::lookups
