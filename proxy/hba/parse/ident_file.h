// pg_ident.conf: turns the lines of a table file into mappings, all or none, with PostgreSQL's
// error texts. Called at load and by `pgmoat hba`. Pure. Source: PostgreSQL,
// src/backend/libpq/hba.c, parse_ident_line().
#pragma once

#include "proxy/config/table_file.h"
#include "proxy/hba/parse/hba_file.h"
#include "proxy/hba/rule.h"

#include <optional>
#include <string>
#include <vector>

namespace pgmoat::hba {

struct IdentFileLine {
    const config::TableLine* source; // of the TableFile passed in
    std::optional<IdentLine> mapping;
    std::string error; // in PostgreSQL's words; empty if there is a mapping
    std::string hint;
};

// One entry per line except comments, in order. `file` must outlive them.
[[nodiscard]] std::vector<IdentFileLine> parse_ident(const config::TableFile& file,
                                                     const HbaContext& context);

} // namespace pgmoat::hba
