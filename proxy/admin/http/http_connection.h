// One client of the HTTP endpoint: reads and answers requests until the client, a deadline or a
// limit ends it. Errors are values here; a client that disconnects is not an exception.
#pragma once

#include "proxy/admin/http/http_access.h"
#include "proxy/admin/http/http_answer.h"
#include "proxy/admin/http/http_stream.h"
#include "proxy/admin/http/recent_answers.h"
#include "proxy/admin/limits.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/system/error_code.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::admin {

// What is served, and to whom. A reload changes the latter. For the endpoint's thread only.
struct HttpSite {
    HttpPages pages;
    HttpAccess access;
    HttpAuthenticator authenticator;
    boost::asio::any_io_executor password_checks; // another thread's
    RecentAnswers answers{};
};

class HttpConnection {
  public:
    // `site` must outlive the connection.
    HttpConnection(boost::asio::ip::tcp::socket socket, HttpSite& site);

    // Returns when the connection has ended. `served` is called after each answered request.
    [[nodiscard]] boost::asio::awaitable<void> serve(std::function<void()> served);

    // Makes serve() return soon; calls no more pages.
    void close();

  private:
    using Error = boost::system::error_code;
    using Parser = boost::beast::http::request_parser<boost::beast::http::empty_body>;

    [[nodiscard]] boost::asio::awaitable<Error> wait_for_request();
    [[nodiscard]] boost::asio::awaitable<bool> answer_one_request(); // true: there may be another
    [[nodiscard]] boost::asio::awaitable<Error> read_header(Parser& parser);
    [[nodiscard]] boost::asio::awaitable<Error> read_more();
    [[nodiscard]] boost::asio::awaitable<HttpAnswer> answer_to(const Parser& parser);
    // Nothing: the user may read the page.
    [[nodiscard]] boost::asio::awaitable<std::optional<HttpAnswer>>
    ask_for_password(std::string_view authorization);
    [[nodiscard]] boost::asio::awaitable<void> refuse(Error error);
    [[nodiscard]] boost::asio::awaitable<void> discard_the_rest();

    HttpStream stream_;
    std::string client_; // guesses are counted by this
    // Also holds bytes after a request: the next one of a pipeline.
    boost::beast::flat_buffer buffer_{2 * http_header_bytes_max};
    HttpSite& site_;
    bool first_ = true;
    bool closed_ = false;
};

} // namespace pgmoat::admin
