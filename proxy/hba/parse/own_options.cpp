#include "proxy/hba/parse/own_options.h"

#include "metrics/labels.h"
#include "proxy/config/text.h"
#include "proxy/hba/limits.h"
#include "proxy/hba/parse/regex.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace pgmoat::hba {
namespace {

using config::in_quotes;
using config::lower_case;

constexpr std::string_view names[] = {
    "tls_min", "tls_ciphers", "tls_groups", "sni", "upstream", "max_connections"};

constexpr std::string_view tls_versions[] = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};

// Other names of groups, in lower case, and the names that connection facts use.
constexpr std::pair<std::string_view, std::string_view> group_aliases[] = {
    {"p-192", "prime192v1"},
    {"secp192r1", "prime192v1"},
    {"p-224", "secp224r1"},
    {"p-256", "prime256v1"},
    {"secp256r1", "prime256v1"},
    {"prime256v1", "prime256v1"},
    {"p-384", "secp384r1"},
    {"secp384r1", "secp384r1"},
    {"p-521", "secp521r1"},
    {"secp521r1", "secp521r1"},
    {"x25519", "X25519"},
    {"x448", "X448"},
    {"x25519mlkem768", "X25519MLKEM768"},
    {"secp256r1mlkem768", "SecP256r1MLKEM768"},
    {"secp384r1mlkem1024", "SecP384r1MLKEM1024"},
    {"mlkem512", "MLKEM512"},
    {"mlkem768", "MLKEM768"},
    {"mlkem1024", "MLKEM1024"},
};

Complaint invalid(const std::string& name, const std::string& value, std::string hint = {}) {
    return complaint("invalid value for " + name + ": " + in_quotes(value), std::move(hint));
}

std::optional<std::string> cipher_named(const std::string& text) {
    if (metrics::cipher_from(text) == metrics::Cipher::other) return std::nullopt;
    return text;
}

std::optional<std::string> group_named(const std::string& text) {
    const std::string lower = lower_case(text);
    const auto* alias = std::find_if(std::begin(group_aliases),
                                     std::end(group_aliases),
                                     [&](const auto& each) { return each.first == lower; });
    if (alias != std::end(group_aliases)) return std::string(alias->second);
    const metrics::Group group = metrics::group_from(text);
    if (group == metrics::Group::other || group == metrics::Group::none) return std::nullopt;
    return text;
}

Complaint take_version(Rule& rule, const std::string& value) {
    const auto* found =
        std::find_if(std::begin(tls_versions), std::end(tls_versions), [&](auto version) {
            return config::equal_ignoring_case(version, value);
        });
    if (found == std::end(tls_versions))
        return invalid("tls_min", value, "Available values: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.");
    rule.demands.tls_min = *found;
    return {};
}

// As OpenSSL's lists, separated by colons: a comma would end the token.
template <typename Named>
Complaint take_list(const std::string& name,
                    const std::string& value,
                    const std::string& what,
                    Named named,
                    std::vector<std::string>& list) {
    std::string_view rest = value;
    while (true) {
        const std::size_t colon = rest.find(':');
        const std::string item(rest.substr(0, colon));
        auto known = named(item);
        if (!known) {
            return invalid(
                name, value, in_quotes(item) + " is no " + what + " that pgmoat knows by name.");
        }
        list.push_back(std::move(*known));
        if (colon == std::string_view::npos) return {};
        rest.remove_prefix(colon + 1);
    }
}

Complaint take_server_name_regex(Rule& rule, const std::string& value) {
    CompiledRegex compiled = compile_regex(value.substr(1));
    if (!compiled.regex) return invalid("sni", value, compiled.error);
    rule.sni = value;
    rule.sni_regex = std::move(compiled.regex);
    return {};
}

// A name; *.example.com, where * is one label; or a regular expression after a slash.
Complaint take_server_name(Rule& rule, const std::string& value) {
    if (value.starts_with('/')) return take_server_name_regex(rule, value);
    constexpr std::string_view others = "-_.0123456789";
    const std::string name = lower_case(value);
    const std::string_view labels = std::string_view(name).substr(name.starts_with("*.") ? 2 : 0);
    const bool characters = std::all_of(labels.begin(), labels.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || others.find(c) != std::string_view::npos;
    });
    if (!characters || labels.empty() || name.size() > limits::server_name_bytes_max ||
        labels.front() == '.' || labels.back() == '.') {
        return invalid("sni",
                       value,
                       "Specify one host name in ASCII, *.DOMAIN, or a regular expression after a "
                       "slash.");
    }
    rule.sni = name;
    return {};
}

Complaint take_upstream(Rule& rule, const HbaContext& context, const std::string& value) {
    if (!context.upstreams.contains(value))
        return invalid("upstream", value, "There is no upstream of this name.");
    rule.upstream = value;
    return {};
}

Complaint take_connections(Rule& rule, const std::string& value) {
    int number = 0;
    const char* end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end || number < 1 ||
        number > limits::connections_max) {
        return invalid("max_connections",
                       value,
                       "Specify a number from 1 to " + std::to_string(limits::connections_max) +
                           ".");
    }
    rule.max_connections = number;
    return {};
}

bool may_be_tls(RecordType type) noexcept {
    return type == RecordType::host || type == RecordType::hostssl ||
           type == RecordType::hostnogssenc;
}

bool is_about_tls(std::string_view name) noexcept {
    return name.starts_with("tls_") || name == "sni";
}

// Refuses options on records where they could have no effect.
Complaint check_record_type(const Rule& rule, const std::string& name) {
    if (is_about_tls(name) && !may_be_tls(rule.type)) {
        return complaint(
            name + " can only be configured for \"host\", \"hostssl\" and \"hostnogssenc\" rows");
    }
    if (name != "sni" && rule.method == Method::reject)
        return complaint(name + " cannot be used with \"reject\"");
    const auto given = std::find_if(rule.options.begin(),
                                    rule.options.end(),
                                    [&](const auto& each) { return each.first == name; });
    if (given != rule.options.end()) return complaint(name + " is given twice");
    return {};
}

} // namespace

bool is_own_option(std::string_view name) noexcept {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

Complaint take_own_option(Rule& rule,
                          const HbaContext& context,
                          const std::string& name,
                          const std::string& value) {
    if (auto wrong = check_record_type(rule, name)) return wrong;
    if (name == "tls_min") return take_version(rule, value);
    if (name == "tls_ciphers")
        return take_list(name, value, "cipher", cipher_named, rule.demands.tls_ciphers);
    if (name == "tls_groups")
        return take_list(name, value, "group", group_named, rule.demands.tls_groups);
    if (name == "sni") return take_server_name(rule, value);
    if (name == "upstream") return take_upstream(rule, context, value);
    return take_connections(rule, value);
}

} // namespace pgmoat::hba
