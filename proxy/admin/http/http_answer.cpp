#include "proxy/admin/http/http_answer.h"

#include "proxy/admin/limits.h"
#include "proxy/admin/status/connection_pages.h"
#include "proxy/admin/status/status_json.h"
#include "proxy/admin/status/status_page.h"

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <optional>

namespace pgmoat::admin {

namespace {

constexpr std::string_view plain_text = "text/plain; charset=utf-8";
constexpr std::string_view json_text = "application/json";
constexpr std::string_view html_text = "text/html; charset=utf-8";

// Prometheus 3 refuses a scrape whose type has no version.
constexpr std::string_view prometheus_text = "text/plain; version=0.0.4; charset=utf-8";

HttpAnswer answer_of(std::string_view type, std::string body) {
    return {200, std::string(type), std::make_shared<HttpBody>(std::move(body))};
}

HttpAnswer not_found() {
    return plain_answer(404, "not found");
}

HttpAnswer status_html(const HttpPages& pages) {
    return answer_of(html_text, status_page(pages.status()));
}

HttpAnswer status_page_json(const HttpPages& pages) {
    return answer_of(json_text, status_json(pages.status()));
}

HttpAnswer connections_page(const HttpPages& pages) {
    return answer_of(json_text, connections_json(pages.connections(connections_json_max)));
}

HttpAnswer metrics_page(const HttpPages& pages) {
    return answer_of(prometheus_text, pages.metrics());
}

HttpAnswer connection_metrics_page(const HttpPages& pages) {
    const std::size_t count_max = pages.connection_metrics_max();
    if (count_max == 0) return plain_answer(404, "connection_metrics_max is 0");
    return answer_of(prometheus_text, connection_metrics(pages.connections(count_max)));
}

// The event loop that answers is the one whose health is asked about.
HttpAnswer health_page(const HttpPages&) {
    return plain_answer(200, "ok");
}

HttpAnswer ready_page(const HttpPages& pages) {
    return pages.ready() ? plain_answer(200, "ready") : plain_answer(503, "not ready");
}

struct Page {
    std::string_view path;
    HttpAnswer (*answer)(const HttpPages&);
    Freshness freshness = Freshness::this_moment;
    bool needs_user = true;
    bool for_any_host = false;
};

constexpr std::array<Page, 7> all_pages = {{
    {"/", status_html, Freshness::a_moment_ago},
    {"/status.json", status_page_json, Freshness::a_moment_ago},
    {"/connections.json", connections_page, Freshness::a_moment_ago},
    {"/metrics", metrics_page, Freshness::this_moment, true, true},
    {"/metrics/connections", connection_metrics_page, Freshness::a_moment_ago},
    {"/healthz", health_page, Freshness::this_moment, false, true},
    {"/readyz", ready_page, Freshness::this_moment, false, true},
}};

const Page* find_page(std::string_view path) {
    const auto page =
        std::find_if(all_pages.begin(), all_pages.end(), [path](const Page& candidate) {
            return candidate.path == path;
        });
    return page == all_pages.end() ? nullptr : &*page;
}

std::string_view type_of_file(std::string_view name) {
    if (name.ends_with(".css")) return "text/css; charset=utf-8";
    if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
    return plain_text;
}

// Files that the status page uses.
HttpAnswer file_answer(std::string_view path) {
    const auto text = path.starts_with('/') ? page_file(path.substr(1)) : std::nullopt;
    if (!text) return not_found();
    return answer_of(type_of_file(path), std::string(*text));
}

} // namespace

HttpAnswer plain_answer(unsigned status, std::string_view text) {
    return {status, std::string(plain_text), std::make_shared<HttpBody>(std::string(text) + "\n")};
}

HttpAnswer answer_http(std::string_view method, std::string_view target, const HttpPages& pages) {
    const std::string_view path = path_of(target);
    const bool reads = method == "GET" || method == "HEAD";
    try {
        const Page* const page = find_page(path);
        if (page == nullptr) {
            HttpAnswer file = file_answer(path);
            if (reads || file.status == 404) return file;
        }
        if (!reads) return plain_answer(405, "only GET and HEAD");
        return page->answer(pages);
    } catch (const std::exception&) {
        return plain_answer(500, "internal error");
    }
}

std::string_view path_of(std::string_view target) {
    return target.substr(0, target.find('?'));
}

// A path that is not a page is a file, or nothing.
Freshness freshness_of(std::string_view path) {
    const Page* const page = find_page(path);
    return page == nullptr ? Freshness::any : page->freshness;
}

bool needs_user(std::string_view target) {
    const Page* const page = find_page(path_of(target));
    return page == nullptr || page->needs_user;
}

bool is_for_any_host(std::string_view target) {
    const Page* const page = find_page(path_of(target));
    return page != nullptr && page->for_any_host;
}

} // namespace pgmoat::admin
