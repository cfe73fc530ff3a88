// `pgmoat hba list`: the access rules as rows, like PostgreSQL's view pg_hba_file_rules, errors
// included.
#pragma once

#include <string>

namespace pgmoat::cli {

struct HbaListOptions {
    std::string config_file; // empty: any upstream exists, and roles can be looked up
    std::string hba_file;    // instead of the listener's file
    std::string listener;    // empty: the first one
    bool json = false;
};

// Exit code 0: the file is valid; 3: it has errors.
[[nodiscard]] int list_hba(const HbaListOptions& options);

} // namespace pgmoat::cli
