// The limits on clients, as the status page and its JSON show them.
#include "proxy/admin/status/status_json.h"
#include "proxy/admin/status/status_page.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <string>

using namespace pgmoat;
using namespace pgmoat::admin;

namespace {

Status limited() {
    Status status;
    status.limits.limits = {
        {"max_handshakes", "", 3, {}, 0, {}},
        {"login_rate_per_address", "5/1s", 5, 2, 7'000, {"10.0.0.1 (6990)", "::/64 (10)"}}};
    status.limits.addresses = {{"10.0.0.1", 2, 6'990, 4, true, 3}};
    status.limits.table_size = 16'384;
    status.limits.table_used = 1'234;
    status.limits.table_evicted = 9;
    return status;
}

// Replaces single quotes by double quotes.
std::string quoted(std::string text) {
    std::ranges::replace(text, '\'', '"');
    return text;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("The status page has a row for each limit, and for each address that meets one") {
    const std::string page = status_page(limited());
    CHECK(
        has(page,
            "<td class=\"code\">max_handshakes<td class=\"soft less\">no limit<td class=\"n\">3"));
    CHECK(has(
        page,
        "login_rate_per_address<td class=\"less\">5/1s<td class=\"n\">5<td class=\"n less\">2<td "
        "class=\"n\">7\u202F000"));
    CHECK(has(page, "10.0.0.1 (6990), ::/64 (10)"));
    CHECK(has(page, "delayed (3)"));
    CHECK(has(page, "1\u202F234 of 16\u202F384 remembered"));
    CHECK(has(status_page({}), "No address is connected or was refused."));
}

TEST_CASE("status.json has the same; what is unknown is absent") {
    const std::string json = status_json(limited());
    const std::string limits = quoted(
        "'limits':[{'name':'max_handshakes','setting':'','now':3,'refused':0,'most_refused':[]},"
        "{'name':'login_rate_per_address','setting':'5/1s','now':5,'addresses':2,"
        "'refused':7000,'most_refused':['10.0.0.1 (6990)','::/64 (10)']}]");
    const std::string addresses =
        quoted("'addresses':[{'address':'10.0.0.1','connections':2,'refused':6990,"
               "'failed_logins':4,'delayed':true,'waiting':3}]");
    const std::string table = quoted("'address_table':{'size':16384,'used':1234,'evicted':9}");
    CHECK(has(json, limits));
    CHECK(has(json, addresses));
    CHECK(has(json, table));
}
