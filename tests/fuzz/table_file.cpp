// Any text is a table of lines, each with fields or with an error.
#include "proxy/config/table_file.h"

#include "tests/unit/config/memory_files.h"

#include <cstdint>
#include <cstdlib>

using namespace pgmoat::config;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    // The same text is the file and the file that it may include.
    const MemoryFiles files({{"/c/x", text}, {"/c/d/a.conf", text}});
    const TableFile file = read_table_file("/c/x", files);
    require(file.error.empty() || file.lines.empty());
    for (const TableLine& line : file.lines) {
        require(line.number >= 1 && !line.file.empty());
        require(line.error.empty() != line.fields.empty());
        for (const TableField& field : line.fields)
            require(!field.empty());
    }
    return 0;
}
