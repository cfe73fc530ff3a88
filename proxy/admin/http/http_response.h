// An answer as the bytes of an HTTP response. Every response carries the same headers for browsers:
// nothing from elsewhere, no frames, no guessing of types, no copies in caches.
#pragma once

#include "proxy/admin/http/http_answer.h"

#include <string>
#include <string_view>

namespace pgmoat::admin {

// The facts about the request that the response depends on.
struct HttpRequestFacts {
    bool http_1_0 = false;
    bool keep_alive = false;
    bool head_only = false; // Content-Length is sent, the body left out
    std::string_view accept_encoding;
};

[[nodiscard]] std::string make_response(const HttpAnswer& answer, const HttpRequestFacts& request);

} // namespace pgmoat::admin
