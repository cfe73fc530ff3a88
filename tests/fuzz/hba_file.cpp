// Any text is rules or a list of errors; rules can be listed, and no rule is loaded if there is an
// error.
#include "proxy/hba/parse/hba_file.h"

#include "proxy/hba/parse/hba_listing.h"
#include "proxy/hba/parse/listing_text.h"
#include "tests/unit/config/memory_files.h"

#include <cstdint>
#include <cstdlib>

using namespace pgmoat::hba;
using pgmoat::config::MemoryFiles;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void check(const std::vector<HbaLine>& lines) {
    for (const HbaLine& line : lines) {
        require(line.error.empty() == line.rule.has_value());
        if (!line.rule) continue;
        require(!line.rule->databases.empty() && !line.rule->users.empty());
        require(line.rule->number >= 1);
    }
    const auto rows = list_hba(lines);
    require(rows.size() == lines.size());
    require(!text_table(rows).empty() && !json_table(rows).empty());
}

} // namespace

// The first byte sets the context.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    HbaContext context;
    context.passthrough = (data[0] & 1) != 0;
    context.roles = (data[0] & 2) != 0;
    context.ssl = (data[0] & 4) != 0;
    context.upstreams = {"u"};
    const MemoryFiles files("/c/x", std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
    const auto file = pgmoat::config::read_table_file("/c/x", files);
    check(parse_hba(file, context));

    const auto loaded = load_rules("/c/x", "", context, files);
    if (const auto* wrong = std::get_if<RuleErrors>(&loaded))
        require(!wrong->messages.empty());
    else
        require(std::get<Rules>(loaded).rules.size() == file.lines.size());
    return 0;
}
