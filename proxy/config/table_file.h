// The tokenizer of all PostgreSQL table files (pg_hba.conf, pg_ident.conf, pg_hosts.conf): splits
// lines into fields; a field is a comma-separated list of tokens. Handles include records and
// @file; the caller gives the tokens a meaning. Source: PostgreSQL, src/backend/libpq/hba.c,
// next_token() and tokenize_auth_file().
#pragma once

#include "proxy/config/file_source.h"

#include <string>
#include <vector>

namespace pgmoat::config {

struct TableToken {
    std::string text;    // without its quotes
    bool quoted = false; // a quote came before its first character: then it is not a keyword
};
using TableField = std::vector<TableToken>; // never empty

struct TableLine {
    std::string file;
    unsigned number = 0; // of its first physical line
    std::string text;    // as in the file, continuation lines joined
    std::vector<TableField> fields;
    std::string error; // why it could not be read, in PostgreSQL's words; then there are no fields
};

// In the order of the files, with includes in place. Without comments and blank lines.
struct TableFile {
    std::vector<TableLine> lines;
    std::vector<std::string> notes; // "skipping missing authentication file ..."
    std::string error;              // the file itself could not be read; then there are no lines
};

// `path` is absolute or relative to the working directory; includes are relative to the file.
[[nodiscard]] TableFile read_table_file(const std::string& path, const FileSource& source);

} // namespace pgmoat::config
