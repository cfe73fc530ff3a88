// No co_await in an arm of `?:` here: g++ 12 destroys its result twice, if that owns something. In
// other conditions (if, while, &&) it is safe.
#include "proxy/admin/http/http_connection.h"

#include "proxy/admin/http/http_host.h"
#include "proxy/admin/http/http_response.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/none.hpp>

#include <algorithm>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace pgmoat::admin {

namespace {

std::string_view view(beast::string_view text) {
    return {text.data(), text.size()};
}

// The answer to a request that cannot be parsed; status 0: the client has disconnected, no answer.
HttpAnswer answer_to_bad_request(const boost::system::error_code& error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
        return plain_answer(431, "the header is too large");
    const bool is_syntax = error.category() == http::make_error_code(http::error{}).category();
    if (is_syntax) return plain_answer(400, "malformed HTTP request");
    return {0, {}, {}};
}

// RFC 9112, section 3.2: a request without a Host header, with two, or with an empty one gets 400.
// A proxy in front of us might use the other one of two. Empty: no error.
template <typename Request>
std::string wrong_host(const Request& request) {
    const std::size_t count = request.count(http::field::host);
    if (count > 1) return "more than one Host header";
    if (count == 0) return request.version() >= 11 ? "no Host header" : "";
    const std::string_view host = view(request[http::field::host]);
    const bool is_name = !host.empty() && host.find_first_of(" \t,/@?#\\") == host.npos;
    return is_name ? "" : "invalid Host header";
}

asio::awaitable<bool> check_password(HttpPassword password) {
    co_return is_right(password);
}

template <typename Parser>
HttpRequestFacts facts_of(const Parser& parser) {
    const auto& request = parser.get();
    HttpRequestFacts facts;
    facts.http_1_0 = request.version() == 10;
    facts.head_only = request.method() == http::verb::head;
    facts.accept_encoding = view(request[http::field::accept_encoding]);
    return facts;
}

} // namespace

HttpConnection::HttpConnection(asio::ip::tcp::socket socket, HttpSite& site)
    : stream_(std::move(socket), site.access.tls.get()), client_(stream_.network()), site_(site) {}

asio::awaitable<void> HttpConnection::serve(std::function<void()> served) {
    stream_.expires_after(http_request_time_max);
    const Error failed = co_await stream_.handshake();
    bool go_on = !failed;
    while (go_on) {
        const Error error = co_await wait_for_request();
        if (error) co_return;
        go_on = co_await answer_one_request();
        if (go_on) served();
    }
}

void HttpConnection::close() {
    closed_ = true;
    stream_.close();
}

// Sets the deadline that covers the whole request (of the first one: the handshake too); the stream
// closes itself when it passes.
asio::awaitable<HttpConnection::Error> HttpConnection::wait_for_request() {
    const bool first = std::exchange(first_, false);
    if (first) co_return Error{};
    if (buffer_.size() == 0) {
        stream_.expires_after(http_idle_time_max);
        const Error error = co_await read_more();
        if (error) co_return error;
    }
    stream_.expires_after(http_request_time_max);
    co_return Error{};
}

asio::awaitable<bool> HttpConnection::answer_one_request() {
    Parser parser;
    parser.header_limit(http_header_bytes_max);
    parser.body_limit(boost::none); // no body is ever read
    const Error error = co_await read_header(parser);
    if (closed_) co_return false;
    if (error) {
        co_await refuse(error);
        co_return false;
    }
    // A request with a body is answered without reading it, and the connection ends, since the
    // bytes that follow are not a request.
    const HttpAnswer answer = co_await answer_to(parser);
    if (closed_) co_return false;
    HttpRequestFacts facts = facts_of(parser);
    facts.keep_alive = parser.keep_alive() && parser.is_done() && answer.status != 431;
    const std::string response = make_response(answer, facts);
    const Error write_error = co_await stream_.write(response);
    if (write_error) co_return false;
    if (!facts.keep_alive) co_await discard_the_rest();
    co_return facts.keep_alive;
}

asio::awaitable<HttpConnection::Error> HttpConnection::read_header(Parser& parser) {
    while (!parser.is_header_done()) {
        Error error;
        const std::size_t taken = parser.put(buffer_.data(), error);
        buffer_.consume(taken);
        if (error && error != http::error::need_more) co_return error;
        if (error) error = co_await read_more();
        if (error) co_return error;
    }
    co_return Error{};
}

asio::awaitable<HttpConnection::Error> HttpConnection::read_more() {
    const std::size_t room = buffer_.max_size() - buffer_.size();
    if (room == 0) co_return make_error_code(http::error::buffer_overflow);
    const auto space = buffer_.prepare(std::min<std::size_t>(room, http_header_bytes_max));
    const std::span<std::uint8_t> into(static_cast<std::uint8_t*>(space.data()), space.size());
    const auto [error, bytes] = co_await stream_.read_some(into);
    buffer_.commit(bytes);
    co_return error;
}

asio::awaitable<HttpAnswer> HttpConnection::answer_to(const Parser& parser) {
    const auto& request = parser.get();
    if (std::distance(request.begin(), request.end()) > http_header_fields_max)
        co_return plain_answer(431, "too many header fields");
    if (const std::string wrong = wrong_host(request); !wrong.empty())
        co_return plain_answer(400, wrong);
    const std::string target(view(request.target()));
    const bool open = !site_.access.users;
    if (open && !is_for_any_host(target) &&
        !is_own_host(view(request[http::field::host]), site_.access.listen))
        co_return plain_answer(421,
                               "host name not allowed: use an IP address or set http_users_file");
    if (needs_user(target)) {
        const auto refused = co_await ask_for_password(view(request[http::field::authorization]));
        if (refused) co_return *refused;
    }
    co_return site_.answers.answer(
        view(request.method_string()), target, site_.pages, RecentAnswers::Clock::now());
}

asio::awaitable<std::optional<HttpAnswer>>
HttpConnection::ask_for_password(std::string_view authorization) {
    using Answer = HttpAuthenticator::Answer;
    const auto now = HttpAuthenticator::Clock::now();
    Answer answer = site_.authenticator.recall(authorization, client_, now);
    if (answer == Answer::to_be_checked) {
        // A reload may replace the authenticator in the meantime.
        const HttpPassword password = site_.authenticator.password_of(authorization);
        const bool right = co_await asio::co_spawn(
            site_.password_checks, check_password(password), asio::use_awaitable);
        if (right) site_.authenticator.remember(password);
        answer = right ? Answer::welcome : Answer::unknown;
    }
    if (answer == Answer::unknown) co_return plain_answer(401, "authentication required");
    if (answer == Answer::too_busy)
        co_return plain_answer(429, "too many authentication attempts, retry later");
    co_return std::nullopt;
}

asio::awaitable<void> HttpConnection::refuse(Error error) {
    const HttpAnswer answer = answer_to_bad_request(error);
    if (answer.status == 0) co_return;
    const std::string response = make_response(answer, HttpRequestFacts{});
    const Error write_error = co_await stream_.write(response);
    if (!write_error) co_await discard_the_rest();
}

// Closing a socket that holds unread bytes resets the connection, and the reset may overtake the
// answer.
asio::awaitable<void> HttpConnection::discard_the_rest() {
    Error error = co_await stream_.finish();
    std::size_t discarded = 0;
    while (!error && discarded < http_discarded_bytes_max) {
        buffer_.clear();
        error = co_await read_more();
        discarded += buffer_.size();
    }
}

} // namespace pgmoat::admin
