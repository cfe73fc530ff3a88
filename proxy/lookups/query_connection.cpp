#include "proxy/lookups/query_connection.h"

#include "proxy/lookups/limits.h"
#include "proxy/lookups/own_header.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

namespace pgmoat::lookups {

namespace {

std::string milliseconds(std::chrono::milliseconds time) {
    return std::to_string(time.count());
}

// An upstream may use keywords of a newer libpq than the one we run with; those are left out.
std::set<std::string> known_keywords() {
    std::set<std::string> known;
    PQconninfoOption* const options = PQconndefaults();
    for (const PQconninfoOption* option = options; option && option->keyword; ++option)
        known.insert(option->keyword);
    PQconninfoFree(options);
    return known;
}

std::string options_of(const QueryShape& shape) {
    std::string options = "-c statement_timeout=" + milliseconds(shape.query_timeout);
    if (shape.fixed_search_path) options += " -c search_path=pg_catalog";
    return options;
}

PGconn* start(const QuerySource& source, const QueryShape& shape) {
    std::vector<std::pair<std::string, std::string>> pairs{
        {"tcp_user_timeout", milliseconds(role_connect_timeout)},
        {"options", options_of(shape)},
        {"application_name", "pgmoat"},
        {"gssencmode", "disable"}, // as to every upstream
    };
    const std::set<std::string> known = known_keywords();
    std::copy_if(source.conninfo.begin(),
                 source.conninfo.end(),
                 std::back_inserter(pairs),
                 [&](const auto& pair) { return known.contains(pair.first); });
    std::vector<const char*> keywords;
    std::vector<const char*> values;
    for (const auto& [keyword, value] : pairs) {
        keywords.push_back(keyword.c_str());
        values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    return PQconnectStartParams(keywords.data(), values.data(), 0);
}

// The upstream's, unless the query's own conninfo sets it.
protocol::Bytes header_of(const QuerySource& source) {
    auto version = config::ProxyProtocol::off;
    for (const auto& [keyword, value] : source.conninfo)
        if (keyword == "proxy_protocol")
            version = config::proxy_protocol_from(value).value_or(config::ProxyProtocol::off);
    return own_header(version);
}

// Called between libpq's connect() and its first message. If the socket could not be connected,
// libpq itself goes on to the next address.
std::string send_header(PGconn& connection, const protocol::Bytes& header) {
    pollfd socket{PQsocket(&connection), POLLOUT, 0};
    if (::poll(&socket, 1, 0) <= 0 || (socket.revents & (POLLERR | POLLHUP)) != 0) return {};
    const ssize_t sent = ::send(socket.fd, header.data(), header.size(), MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(header.size())) return {};
    return "could not send the PROXY protocol header";
}

// libpq's messages may have several lines, and end with a line feed.
std::string as_one_line(std::string text) {
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
    return text.empty() ? "no reason given" : text;
}

} // namespace

void QueryConnection::Finish::operator()(pg_conn* connection) const noexcept {
    PQfinish(connection);
}

void QueryConnection::Finish::operator()(pg_result* result) const noexcept {
    PQclear(result);
}

// A kept connection may be dead: then the query is repeated once, on a new one.
QueryAnswer QueryConnection::ask(const std::string& user, const std::stop_token& stop) {
    QueryAnswer answer;
    for (bool again = connection_ != nullptr;; again = false) {
        if (!connection_) answer.error = log_in(stop);
        if (answer.error.empty()) answer.error = send(user, stop, answer);
        if (answer.error.empty()) return answer;
        answer.rows.clear();
        if (!connection_) return answer;
        const bool broken = PQstatus(connection_.get()) == CONNECTION_BAD;
        // A connection in the middle of a result cannot be used again either.
        if (PQtransactionStatus(connection_.get()) != PQTRANS_IDLE) connection_.reset();
        if (!again || !broken || stop.stop_requested()) return answer;
        answer.error.clear();
    }
}

std::string QueryConnection::log_in(const std::stop_token& stop) {
    const Limit limit{stop, Clock::now() + shape_.login_timeout};
    connection_.reset(start(source_, shape_));
    if (!connection_) return "out of memory";
    const protocol::Bytes header = header_of(source_);
    const auto connecting = [&] { return PQstatus(connection_.get()) == CONNECTION_STARTED; };
    if (!header.empty() && !connecting() && PQstatus(connection_.get()) != CONNECTION_BAD) {
        connection_.reset(); // libpq has already sent something
        return "a PROXY protocol header cannot be sent over a Unix-domain socket: set "
               "proxy_protocol=off";
    }
    // libpq's documentation says to begin as if it had returned PGRES_POLLING_WRITING.
    for (PostgresPollingStatusType status = PGRES_POLLING_WRITING; status != PGRES_POLLING_OK;
         status = PQconnectPoll(connection_.get())) {
        std::string wrong;
        if (status == PGRES_POLLING_FAILED || PQstatus(connection_.get()) == CONNECTION_BAD)
            wrong = error();
        else
            wrong = wait(status == PGRES_POLLING_READING ? POLLIN : POLLOUT, limit);
        if (wrong.empty() && !header.empty() && connecting())
            wrong = send_header(*connection_, header);
        if (wrong.empty()) continue;
        connection_.reset();
        return wrong;
    }
    return {};
}

std::string
QueryConnection::send(const std::string& user, const std::stop_token& stop, QueryAnswer& answer) {
    PGconn* const connection = connection_.get();
    const Limit limit{stop, Clock::now() + shape_.query_timeout + stop_poll};
    const char* const parameter = user.c_str();
    if (PQsendQueryParams(connection,
                          source_.query.c_str(),
                          shape_.is_of_user ? 1 : 0,
                          nullptr,
                          &parameter,
                          nullptr,
                          nullptr,
                          0) == 0)
        return error();
    std::string wrong;
    for (;;) {
        while (PQisBusy(connection) != 0) {
            std::string stuck = wait(POLLIN, limit);
            if (stuck.empty() && PQconsumeInput(connection) == 0) stuck = error();
            if (!stuck.empty()) return stuck;
        }
        const std::unique_ptr<pg_result, Finish> result(PQgetResult(connection));
        if (!result) return wrong;
        if (wrong.empty()) wrong = take_result(*result, answer);
    }
}

std::string QueryConnection::take_result(const pg_result& result, QueryAnswer& answer) const {
    const ExecStatusType status = PQresultStatus(&result);
    if (status == PGRES_FATAL_ERROR) return as_one_line(PQresultErrorMessage(&result));
    if (status != PGRES_TUPLES_OK || PQnfields(&result) != shape_.columns)
        return std::string(shape_.name) + " must give " +
               (shape_.columns == 1 ? "one column" : std::to_string(shape_.columns) + " columns");
    const int rows = PQntuples(&result);
    if (static_cast<std::size_t>(rows) > shape_.rows_max)
        return std::string(shape_.name) + " gives more than " + std::to_string(shape_.rows_max) +
               (shape_.rows_max == 1 ? " row" : " rows");
    for (int row = 0; row < rows; ++row) {
        QueryAnswer::Row& values = answer.rows.emplace_back();
        for (int column = 0; column < shape_.columns; ++column) {
            values.emplace_back();
            if (PQgetisnull(&result, row, column) != 0) continue;
            values.back().emplace(PQgetvalue(&result, row, column),
                                  static_cast<std::size_t>(PQgetlength(&result, row, column)));
        }
    }
    return {};
}

std::string QueryConnection::wait(short events, const Limit& limit) const {
    for (;;) {
        if (limit.stop.stop_requested()) return "shutting down";
        if (Clock::now() >= limit.until) return "timeout expired";
        pollfd socket{PQsocket(connection_.get()), events, 0};
        const int ready = ::poll(&socket, 1, static_cast<int>(stop_poll.count()));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return std::generic_category().message(errno);
    }
}

std::string QueryConnection::error() const {
    return as_one_line(PQerrorMessage(connection_.get()));
}

} // namespace pgmoat::lookups
