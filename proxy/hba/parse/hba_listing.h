// The lines of an access rule file as rows, like PostgreSQL's view pg_hba_file_rules, including
// errors: for `pgmoat hba list` and the console; listing_text prints them. Pure. Source:
// PostgreSQL, src/backend/utils/adt/hbafuncs.c, fill_hba_line().
#pragma once

#include "proxy/hba/parse/hba_file.h"
#include "proxy/hba/rule.h"

#include <optional>
#include <string>
#include <vector>

namespace pgmoat::hba {

// Values that are NULL in the view are nothing or empty here.
struct HbaRow {
    std::optional<unsigned> rule_number;
    std::string file_name;
    unsigned line_number = 0;
    std::string type;
    std::vector<std::string> databases;
    std::vector<std::string> users;
    std::string address; // numeric, or a name or keyword
    std::string netmask;
    std::string auth_method;
    std::vector<std::string> options; // passwords and secrets are masked
    std::string error;
    std::string warning; // the view has no such column; hostssl without TLS is an error there
};

[[nodiscard]] HbaRow row_of(const Rule& rule);
[[nodiscard]] std::vector<HbaRow> list_hba(const std::vector<HbaLine>& lines);

} // namespace pgmoat::hba
