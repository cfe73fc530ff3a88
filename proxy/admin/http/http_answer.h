// Which page answers which request. Pure except for the callbacks: uses no socket and no HTTP
// library.
#pragma once

#include "proxy/admin/http/http_body.h"
#include "proxy/admin/status/live_connections.h"
#include "proxy/admin/status/status.h"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace pgmoat::admin {

// The contents of the endpoint; the server fills it in. Called on the endpoint's thread; must not
// block.
struct HttpPages {
    std::function<std::string()> metrics; // Prometheus' text format
    std::function<bool()> ready;          // serving: started, not draining
    std::function<Status()> status;
    std::function<LiveConnections(std::size_t count_max)> connections;
    std::function<std::size_t()> connection_metrics_max; // 0: no such page
};

struct HttpAnswer {
    unsigned status = 200;
    std::string content_type;
    SharedBody body;
};

// Never throws: if a page throws, the answer is 500. HEAD gets the answer of GET, and the endpoint
// leaves out the body. No page changes anything, so there are no other methods.
[[nodiscard]] HttpAnswer
answer_http(std::string_view method, std::string_view target, const HttpPages& pages);

// False for the health checks, which probes request without a password and which reveal only yes or
// no.
[[nodiscard]] bool needs_user(std::string_view target);

// True for health checks and metrics, which probes and Prometheus request by any host name; they
// list no connections.
[[nodiscard]] bool is_for_any_host(std::string_view target);

// The path in a request's target.
[[nodiscard]] std::string_view path_of(std::string_view target);

// How old an answer for this path may be.
enum class Freshness { this_moment, a_moment_ago, any };
[[nodiscard]] Freshness freshness_of(std::string_view path);

// An answer that consists of one line of text.
[[nodiscard]] HttpAnswer plain_answer(unsigned status, std::string_view text);

} // namespace pgmoat::admin
