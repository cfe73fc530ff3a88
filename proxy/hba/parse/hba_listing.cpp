#include "proxy/hba/parse/hba_listing.h"

#include "proxy/hba/parse/names.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

namespace pgmoat::hba {
namespace {

void fill_address(const Rule& rule, HbaRow& row) {
    if (rule.type == RecordType::local) return;
    const auto* range = std::get_if<AddressRange>(&rule.address);
    row.address = range == nullptr ? rule.address_text : text_of(range->base);
    if (range != nullptr) row.netmask = text_of(range->mask);
}

std::vector<std::string> texts_of(const std::vector<NameMatch>& names) {
    std::vector<std::string> texts;
    for (const NameMatch& name : names)
        texts.push_back(text_of(name));
    return texts;
}

bool is_given(const Rule& rule, std::string_view option) {
    return std::any_of(rule.options.begin(), rule.options.end(), [&](const auto& each) {
        return each.first == option;
    });
}

// Options implied by the method, then the others as written. PostgreSQL has another order and omits
// clientname.
std::vector<std::string> options_of(const Rule& rule) {
    std::vector<std::string> options;
    const bool has_realm = rule.method == Method::gss || rule.method == Method::sspi;
    if (has_realm && !is_given(rule, "include_realm")) options.emplace_back("include_realm=true");
    for (const auto& [name, value] : rule.options)
        options.push_back(name + "=" + (is_secret_option(name) ? "********" : value));
    if (rule.method == Method::cert && !is_given(rule, "clientcert"))
        options.emplace_back("clientcert=verify-full");
    return options;
}

} // namespace

HbaRow row_of(const Rule& rule) {
    HbaRow row;
    row.rule_number = rule.number;
    row.file_name = rule.file;
    row.line_number = rule.line;
    row.type = word_of(rule.type);
    row.databases = texts_of(rule.databases);
    row.users = texts_of(rule.users);
    fill_address(rule, row);
    row.auth_method = word_of(rule.method);
    row.options = options_of(rule);
    return row;
}

std::vector<HbaRow> list_hba(const std::vector<HbaLine>& lines) {
    std::vector<HbaRow> rows;
    for (const HbaLine& line : lines) {
        HbaRow row;
        if (line.rule) row = row_of(*line.rule);
        row.file_name = line.source->file;
        row.line_number = line.source->number;
        row.error = line.error;
        row.warning = line.warning;
        rows.push_back(std::move(row));
    }
    return rows;
}

} // namespace pgmoat::hba
