// Reads a file in the syntax of postgresql.conf, with its includes, into a list of settings in the
// order of the text. The only settings it interprets are include, include_if_exists and
// include_dir. Texts and limits are those of PostgreSQL's guc-file.l and conffiles.c.
#pragma once

#include "proxy/config/file_source.h"
#include "proxy/config/problems.h"

#include <string>
#include <vector>

namespace pgmoat::config {

struct Setting {
    std::string name; // in lower case: names are case-insensitive
    std::string name_as_written;
    std::string value;
    Location location;
};

// Returns what can be read even if there are errors, which are collected in `problems`.
[[nodiscard]] std::vector<Setting>
read_guc_file(const FileSource& source, const std::string& file, Problems& problems);

} // namespace pgmoat::config
