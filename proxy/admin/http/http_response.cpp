#include "proxy/admin/http/http_response.h"

#include "proxy/admin/http/gzip.h"

namespace pgmoat::admin {

namespace {

constexpr std::string_view headers_for_browsers =
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src "
    "'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n";

std::string_view reason(unsigned status) {
    switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 421: return "Misdirected Request";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 503: return "Service Unavailable";
    default: return "Internal Server Error";
    }
}

std::string_view header_of(unsigned status) {
    switch (status) {
    case 401: return "WWW-Authenticate: Basic realm=\"pgmoat\", charset=\"UTF-8\"\r\n";
    case 405: return "Allow: GET, HEAD\r\n";
    case 429: return "Retry-After: 1\r\n";
    default: return {};
    }
}

} // namespace

std::string make_response(const HttpAnswer& answer, const HttpRequestFacts& request) {
    const bool compressed =
        accepts_gzip(request.accept_encoding) && !answer.body->compressed().empty();
    const std::string& body = compressed ? answer.body->compressed() : answer.body->text();
    std::string response = request.http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ";
    response += std::to_string(answer.status) + ' ';
    response += reason(answer.status);
    response += "\r\nContent-Type: " + answer.content_type +
                "\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\nVary: Accept-Encoding\r\nConnection: ";
    response += request.keep_alive ? "keep-alive\r\n" : "close\r\n";
    if (compressed) response += "Content-Encoding: gzip\r\n";
    response += header_of(answer.status);
    response += headers_for_browsers;
    response += "\r\n";
    if (!request.head_only) response += body;
    return response;
}

} // namespace pgmoat::admin
