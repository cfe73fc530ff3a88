// A co_await never stands inside a condition or a ?: here: g++ 12 then destroys the awaited
// coroutine's frame through an uninitialised pointer.
#include "proxy/admin/http_connection.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/none.hpp>

#include <iterator>
#include <string_view>
#include <utility>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace pgmoat::admin {

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

using Parser = http::request_parser<http::empty_body>;
using Response = http::response<http::string_body>;

std::string_view view(beast::string_view text) {
    return {text.data(), text.size()};
}

bool has_too_many_fields(const Parser& parser) {
    const auto& fields = parser.get();
    return std::distance(fields.begin(), fields.end()) > http_header_fields_max;
}

HttpAnswer answer_to(const Parser& parser, const HttpPages& pages) {
    if (has_too_many_fields(parser)) return plain_answer(431, "too many header fields");
    const auto& request = parser.get();
    return answer_http(view(request.method_string()), view(request.target()), pages);
}

Response make_response(HttpAnswer answer, unsigned version, bool keep_alive) {
    Response response(static_cast<http::status>(answer.status), version);
    response.set(http::field::content_type, answer.content_type);
    response.set(http::field::cache_control, "no-store");
    response.set("X-Content-Type-Options", "nosniff");
    if (answer.status == 405) response.set(http::field::allow, "GET, HEAD");
    response.body() = std::move(answer.body);
    response.keep_alive(keep_alive);
    response.prepare_payload();
    return response;
}

// What a request that cannot be parsed is told; status 0: the connection is gone, nobody listens.
HttpAnswer answer_to_bad_request(const boost::system::error_code& error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return plain_answer(431, "the header is too large");
    }
    const bool went_away =
        error == http::error::end_of_stream || error == http::error::partial_message;
    const bool is_syntax = error.category() == http::make_error_code(http::error{}).category();
    if (is_syntax && !went_away) return plain_answer(400, "this is no HTTP request");
    return {0, {}, {}};
}

} // namespace

HttpConnection::HttpConnection(asio::ip::tcp::socket socket, const HttpPages& pages)
    : stream_(std::move(socket)), pages_(pages) {}

asio::awaitable<void> HttpConnection::serve(std::function<void()> served) {
    bool go_on = true;
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

// Sets the deadline that covers the whole request; the stream closes itself when it passes.
asio::awaitable<HttpConnection::Error> HttpConnection::wait_for_request() {
    const bool idle = !first_ && buffer_.size() == 0;
    first_ = false;
    if (idle) {
        stream_.expires_after(http_idle_time_max);
        const auto [error, bytes] =
            co_await stream_.async_read_some(buffer_.prepare(http_header_bytes_max), as_result);
        if (error) co_return error;
        buffer_.commit(bytes);
    }
    stream_.expires_after(http_request_time_max);
    co_return Error{};
}

asio::awaitable<bool> HttpConnection::answer_one_request() {
    Parser parser;
    parser.header_limit(http_header_bytes_max);
    parser.body_limit(boost::none); // no body is ever read
    const auto [error, header_bytes] =
        co_await http::async_read_header(stream_, buffer_, parser, as_result);
    if (closed_) co_return false;
    if (error) {
        co_await refuse(error);
        co_return false;
    }
    // A request with a body is answered without it, and the connection ends: what follows is no
    // request.
    HttpAnswer answer = answer_to(parser, pages_);
    const bool go_on = parser.keep_alive() && parser.is_done() && answer.status != 431;
    const bool head_only = parser.get().method() == http::verb::head;
    const Response response = make_response(std::move(answer), parser.get().version(), go_on);
    const Error write_error = co_await send(response, head_only);
    if (write_error) co_return false;
    if (!go_on) co_await discard_the_rest();
    co_return go_on;
}

asio::awaitable<void> HttpConnection::refuse(Error error) {
    HttpAnswer answer = answer_to_bad_request(error);
    if (answer.status == 0) co_return;
    constexpr unsigned http_1_1 = 11;
    const Response response = make_response(std::move(answer), http_1_1, false);
    constexpr bool head_only = false;
    const Error write_error = co_await send(response, head_only);
    if (!write_error) co_await discard_the_rest();
}

asio::awaitable<HttpConnection::Error> HttpConnection::send(const Response& response,
                                                            bool head_only) {
    http::response_serializer<http::string_body> serializer(response);
    if (head_only) {
        const auto [error, bytes] =
            co_await http::async_write_header(stream_, serializer, as_result);
        co_return error;
    }
    const auto [error, bytes] = co_await http::async_write(stream_, serializer, as_result);
    co_return error;
}

// Closing a socket that holds unread bytes resets the connection, and the reset may overtake the
// answer.
asio::awaitable<void> HttpConnection::discard_the_rest() {
    Error error;
    stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, error);
    std::size_t discarded = 0;
    while (!error && discarded < http_discarded_bytes_max) {
        buffer_.clear();
        const auto [read_error, bytes] =
            co_await stream_.async_read_some(buffer_.prepare(http_header_bytes_max), as_result);
        error = read_error;
        discarded += bytes;
    }
}

} // namespace pgmoat::admin
