// Rules from text in memory, for the tests of this folder.
#pragma once

#include "proxy/config/table_file.h"
#include "proxy/hba/parse/hba_file.h"
#include "tests/unit/config/memory_files.h"

#include <string>
#include <vector>

namespace pgmoat::hba {

// A file, its lines and the result of parsing it.
struct ParsedHba {
    explicit ParsedHba(const std::string& text, const HbaContext& context = {})
        : file(config::read_table_file("/c/hba", config::MemoryFiles("/c/hba", text))),
          lines(parse_hba(file, context)) {}

    // The error of the only line, followed by its hint, or nothing.
    [[nodiscard]] std::string error() const {
        const HbaLine& line = lines.at(0);
        return line.hint.empty() ? line.error : line.error + " (" + line.hint + ")";
    }
    [[nodiscard]] const Rule& rule() const { return lines.at(0).rule.value(); }

    config::TableFile file;
    std::vector<HbaLine> lines;
};

} // namespace pgmoat::hba
