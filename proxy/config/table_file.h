// The tokenizer of all PostgreSQL table files (pg_hba.conf, pg_ident.conf, pg_hosts.conf): lines of
// fields, a field is a comma list of tokens. Knows include records and @file, but no meaning.
// Source: PostgreSQL, src/backend/libpq/hba.c, next_token() and tokenize_auth_file().
#pragma once

#include "proxy/config/file_source.h"

#include <string>
#include <vector>

namespace pgmoat::config {

struct TableToken {
    std::string text;    // without its quotes
    bool quoted = false; // a quote stood before its first character: keywords lose their meaning
};
using TableField = std::vector<TableToken>; // never empty

struct TableLine {
    std::string file;
    unsigned number = 0; // of the first physical line
    std::string text;    // as it stands there, continuation lines joined
    std::vector<TableField> fields;
    std::string error; // why it could not be read, in PostgreSQL's words; then no fields
};

// In the order of the files, includes in their place. Comments and blank lines are left out.
struct TableFile {
    std::vector<TableLine> lines;
    std::vector<std::string> notes; // "skipping missing authentication file ..."
    std::string error;              // the file itself could not be read; then no lines
};

// `path` is absolute or relative to the working directory; what it includes is relative to it.
[[nodiscard]] TableFile read_table_file(const std::string& path, const FileSource& source);

} // namespace pgmoat::config
