// `pgmoat hba list`: the access rules as rows, like PostgreSQL's view pg_hba_file_rules, errors
// included.
#pragma once

#include <string>

namespace pgmoat::cli {

struct HbaListOptions {
    std::string config_file; // empty: nothing is known of upstreams, and roles can be asked
    std::string hba_file;    // instead of the listener's
    std::string listener;    // empty: the first one
    bool json = false;
};

// Exit code 0: the file can be used; 3: it holds errors.
[[nodiscard]] int list_hba(const HbaListOptions& options);

} // namespace pgmoat::cli
