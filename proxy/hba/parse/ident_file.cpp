#include "proxy/hba/parse/ident_file.h"

#include "proxy/config/text.h"
#include "proxy/hba/parse/line_error.h"
#include "proxy/hba/parse/listener_checks.h"
#include "proxy/hba/parse/names.h"
#include "proxy/hba/parse/regex.h"

#include <cstddef>
#include <utility>
#include <variant>

namespace pgmoat::hba {
namespace {

using config::TableLine;
using config::TableToken;

// \1 is replaced by what the first group matched in the system user.
bool is_filled_in(const NameMatch& name) {
    return name.kind == NameMatch::Kind::exact && name.text.find("\\1") != std::string::npos;
}

// For system users no keyword has a special meaning.
Complaint take_system_user(IdentLine& line, const TableToken& token) {
    auto name = parse_user({token.text, true});
    if (auto* wrong = std::get_if<LineError>(&name)) return std::move(*wrong);
    line.system_user = std::get<NameMatch>(std::move(name));
    return {};
}

Complaint take_database_user(IdentLine& line, const TableToken& token) {
    auto name = parse_user(token);
    if (auto* wrong = std::get_if<LineError>(&name)) return std::move(*wrong);
    line.database_user = std::get<NameMatch>(std::move(name));
    return {};
}

// RE2 and PostgreSQL may capture different parts of a name.
Complaint check_capture(const IdentLine& line) {
    if (line.system_user.kind != NameMatch::Kind::regex || !is_filled_in(line.database_user))
        return {};
    if (compile_regex(line.system_user.text).plain_capture) return {};
    return complaint("regular expression " + config::in_quotes(line.system_user.text) +
                         " cannot be used with \\1",
                     "It may have no alternatives, repeated groups or non-greedy quantifiers.");
}

std::variant<IdentLine, LineError> parse_line(const TableLine& source, const HbaContext& context) {
    for (std::size_t n = 0; n < 3; ++n) {
        if (n == source.fields.size()) return LineError{"missing entry at end of line", {}};
        if (source.fields[n].size() > 1) return LineError{"multiple values in ident field", {}};
    }
    IdentLine line;
    line.file = source.file;
    line.line = source.number;
    line.text = source.text;
    line.map = source.fields[0][0].text;
    if (auto wrong = take_system_user(line, source.fields[1][0])) return *wrong;
    if (auto wrong = take_database_user(line, source.fields[2][0])) return *wrong;
    if (auto wrong = check_capture(line)) return *wrong;
    if (auto wrong = check_roles(line.database_user, context)) return *wrong;
    return line;
}

} // namespace

std::vector<IdentFileLine> parse_ident(const config::TableFile& file, const HbaContext& context) {
    std::vector<IdentFileLine> lines;
    unsigned number = 0;
    for (const TableLine& source : file.lines) {
        IdentFileLine& line = lines.emplace_back(IdentFileLine{&source, {}, source.error, {}});
        if (!line.error.empty()) continue;
        auto parsed = parse_line(source, context);
        if (const auto* wrong = std::get_if<LineError>(&parsed)) {
            line.error = wrong->text;
            line.hint = wrong->hint;
            continue;
        }
        line.mapping = std::get<IdentLine>(std::move(parsed));
        line.mapping->number = ++number;
    }
    return lines;
}

} // namespace pgmoat::hba
