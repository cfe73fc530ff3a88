#include "proxy/admin/http_answer.h"

#include <algorithm>
#include <array>
#include <exception>

namespace pgmoat::admin {

namespace {

constexpr std::string_view plain_text = "text/plain; charset=utf-8";

// Prometheus 3 takes no scrape whose type lacks the version.
constexpr std::string_view prometheus_text = "text/plain; version=0.0.4; charset=utf-8";

HttpAnswer index_page(const HttpPages&);

HttpAnswer metrics_page(const HttpPages& pages) {
    return {200, std::string(prometheus_text), pages.metrics()};
}

// Whoever reads this has been answered by the loop that it asks about.
HttpAnswer health_page(const HttpPages&) {
    return plain_answer(200, "ok");
}

HttpAnswer ready_page(const HttpPages& pages) {
    return pages.ready() ? plain_answer(200, "ready") : plain_answer(503, "not ready");
}

struct Page {
    std::string_view path;
    std::string_view what;
    HttpAnswer (*answer)(const HttpPages&);
};

constexpr std::array<Page, 4> all_pages = {{
    {"/", "this page", index_page},
    {"/metrics", "metrics for Prometheus", metrics_page},
    {"/healthz", "200 while the process works", health_page},
    {"/readyz", "200 while connections are served, else 503", ready_page},
}};

HttpAnswer index_page(const HttpPages&) {
    std::string text = "pgmoat\n\n";
    for (const Page& page : all_pages) {
        text += std::string(page.path) + "  " + std::string(page.what) + "\n";
    }
    return {200, std::string(plain_text), text};
}

} // namespace

HttpAnswer plain_answer(unsigned status, std::string_view text) {
    return {status, std::string(plain_text), std::string(text) + "\n"};
}

HttpAnswer answer_http(std::string_view method, std::string_view target, const HttpPages& pages) {
    const std::string_view path = target.substr(0, target.find('?'));
    const auto page =
        std::find_if(all_pages.begin(), all_pages.end(), [path](const Page& candidate) {
            return candidate.path == path;
        });
    if (page == all_pages.end()) return plain_answer(404, "no such page; / lists them");
    if (method != "GET" && method != "HEAD") return plain_answer(405, "only GET and HEAD");
    try {
        return page->answer(pages);
    } catch (const std::exception&) {
        return plain_answer(500, "this page could not be made");
    }
}

} // namespace pgmoat::admin
