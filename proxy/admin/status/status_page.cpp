#include "proxy/admin/status/status_page.h"

#include "proxy/admin/status/page_files.h"
#include "proxy/admin/status/status_tables.h"

#include <map>

namespace pgmoat::admin {

namespace {

using Places = std::map<std::string_view, std::string>;

std::optional<std::string_view> embedded(std::string_view name) {
    for (const PageFile& file : page_files())
        if (file.name == name) return file.text;
    return std::nullopt;
}

// A place without content stays empty. Content is not searched for places again.
std::string filled(std::string_view rest, const Places& places) {
    std::string out;
    for (;;) {
        const std::size_t begin = rest.find("{{");
        const std::size_t end = rest.find("}}", begin);
        out += rest.substr(0, begin);
        if (begin == std::string_view::npos || end == std::string_view::npos) return out;
        const auto place = places.find(rest.substr(begin + 2, end - begin - 2));
        if (place != places.end()) out += place->second;
        rest.remove_prefix(end + 2);
    }
}

} // namespace

std::string status_page(const Status& status) {
    Places places{{"state", state_line(status)},
                  {"tiles", tiles(status)},
                  {"versions", share_rows(status.shares.versions)},
                  {"ciphers", share_rows(status.shares.ciphers)},
                  {"groups", share_rows(status.shares.groups)},
                  {"certificates", certificate_rows(status)},
                  {"failures", failure_rows(status)},
                  {"listeners", listener_rows(status)},
                  {"upstreams", upstream_rows(status)},
                  {"roles", role_rows(status)},
                  {"rules", rule_rows(status)},
                  {"limits", limit_rows(status)},
                  {"addresses", address_rows(status)},
                  {"address_note", address_note(status)},
                  {"refusals", refusal_rows(status)},
                  {"connections", connection_rows(status)},
                  {"connections_note", connections_note(status)},
                  {"facts", facts_line(status)}};
    if (embedded("uplot.js")) {
        places["chart_styles"] = "<link rel=\"stylesheet\" href=\"uplot.css\">\n";
        places["chart_script"] = "<script src=\"uplot.js\" defer></script>\n";
        places["licences"] = " <a href=\"uplot-license.txt\">licence of the charts</a>";
    }
    return filled(embedded("index.html").value_or("no page"), places);
}

std::optional<std::string_view> page_file(std::string_view name) {
    if (name == "index.html") return std::nullopt; // a template
    return embedded(name);
}

} // namespace pgmoat::admin
