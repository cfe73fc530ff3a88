#include "proxy/hba/parse/hba_file.h"

#include "proxy/config/problems.h"
#include "proxy/config/text.h"
#include "proxy/hba/parse/hba_line.h"
#include "proxy/hba/parse/ident_file.h"
#include "proxy/hba/parse/line_error.h"
#include "proxy/hba/parse/listener_checks.h"
#include "proxy/hba/parse/unreachable_rules.h"

#include <utility>

namespace pgmoat::hba {
namespace {

using config::Location;
using config::Problems;
using config::TableFile;
using config::TableLine;

HbaLine parse_one(const TableLine& source, const HbaContext& context) {
    HbaLine line{&source, {}, source.error, {}, {}};
    if (!line.error.empty()) return line;
    auto parsed = parse_hba_line(source, context);
    Complaint wrong;
    if (auto* error = std::get_if<LineError>(&parsed))
        wrong = std::move(*error);
    else
        wrong = check_for_listener(std::get<Rule>(parsed), context);
    if (wrong) {
        line.error = std::move(wrong->text);
        line.hint = std::move(wrong->hint);
        return line;
    }
    line.rule = std::get<Rule>(std::move(parsed));
    line.warning = warning_about(*line.rule, context);
    return line;
}

std::string described(const Rule& rule) {
    return "the one" + text_of(Location{rule.file, rule.line});
}

void load_hba(const TableFile& file, const HbaContext& context, Rules& rules, Problems& problems) {
    for (HbaLine& line : parse_hba(file, context)) {
        const Location location{line.source->file, line.source->number};
        if (!line.error.empty()) problems.error(line.error, location, line.hint);
        if (!line.warning.empty()) problems.warning(line.warning, location);
        if (line.rule) rules.rules.push_back(std::move(*line.rule));
    }
    for (const auto& [rule, behind] : unreachable_rules(rules.rules))
        problems.warning("record cannot match because " + described(rules.rules[behind]) +
                             " matches all that it would",
                         {rules.rules[rule].file, rules.rules[rule].line});
    if (problems.errors.empty() && rules.rules.empty()) {
        problems.errors.push_back(without_entries(rules.file));
    }
}

void load_ident(const TableFile& file,
                const HbaContext& context,
                Rules& rules,
                Problems& problems) {
    for (IdentFileLine& line : parse_ident(file, context)) {
        const Location location{line.source->file, line.source->number};
        if (!line.error.empty()) problems.error(line.error, location, line.hint);
        if (line.mapping) rules.ident.push_back(std::move(*line.mapping));
    }
}

// An empty file, and a problem, if it cannot be read.
TableFile read_file(const std::string& path, const config::FileSource& source, Problems& problems) {
    TableFile file = config::read_table_file(path, source);
    if (!file.error.empty()) problems.errors.push_back(file.error);
    problems.warnings.insert(problems.warnings.end(), file.notes.begin(), file.notes.end());
    return file;
}

} // namespace

std::vector<HbaLine> parse_hba(const TableFile& file, const HbaContext& context) {
    std::vector<HbaLine> lines;
    unsigned number = 0;
    for (const TableLine& source : file.lines) {
        HbaLine& line = lines.emplace_back(parse_one(source, context));
        if (line.rule) line.rule->number = ++number;
    }
    return lines;
}

std::variant<Rules, RuleErrors> load_rules(const std::string& hba_file,
                                           const std::string& ident_file,
                                           const HbaContext& context,
                                           const config::FileSource& source) {
    Problems problems;
    Rules rules;
    rules.file = hba_file;
    load_hba(read_file(hba_file, source, problems), context, rules, problems);
    if (!ident_file.empty())
        load_ident(read_file(ident_file, source, problems), context, rules, problems);
    if (!problems.errors.empty()) return RuleErrors{std::move(problems.errors)};
    rules.warnings = std::move(problems.warnings);
    return rules;
}

std::string without_entries(const std::string& hba_file) {
    return "configuration file " + config::in_quotes(hba_file) + " contains no entries";
}

} // namespace pgmoat::hba
