// Any text is mappings or errors, and any mapping's expressions can be matched with any name.
#include "proxy/hba/parse/ident_file.h"

#include "tests/unit/config/memory_files.h"

#include <re2/re2.h>

#include <cstdint>
#include <cstdlib>

using namespace pgmoat::hba;
using pgmoat::config::MemoryFiles;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void check(const NameMatch& name, const std::string& subject) {
    require((name.kind == NameMatch::Kind::regex) == (name.regex != nullptr));
    if (name.regex) static_cast<void>(re2::RE2::PartialMatch(subject, *name.regex));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto file = pgmoat::config::read_table_file("/c/x", MemoryFiles("/c/x", text));
    HbaContext context;
    context.roles = true;
    for (const IdentFileLine& line : parse_ident(file, context)) {
        require(line.error.empty() == line.mapping.has_value());
        if (!line.mapping) continue;
        check(line.mapping->system_user, line.mapping->text);
        check(line.mapping->database_user, line.mapping->text);
    }
    return 0;
}
