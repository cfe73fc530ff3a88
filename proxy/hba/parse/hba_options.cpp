#include "proxy/hba/parse/hba_options.h"

#include "proxy/config/text.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string_view>

namespace pgmoat::hba {
namespace {

using config::in_quotes;

constexpr Method pam[] = {Method::pam};
constexpr Method ldap[] = {Method::ldap};
constexpr Method radius[] = {Method::radius};
constexpr Method oauth[] = {Method::oauth};
constexpr Method sspi[] = {Method::sspi};
constexpr Method kerberos[] = {Method::gss, Method::sspi};
constexpr Method mapped[] = {
    Method::ident, Method::peer, Method::gss, Method::sspi, Method::cert, Method::oauth};

struct OptionRow {
    std::string_view name;
    std::span<const Method> methods;
    std::string_view methods_text; // in PostgreSQL's spelling and order
};

constexpr OptionRow option_rows[] = {
    {"map", mapped, "ident, peer, gssapi, sspi, cert, and oauth"},
    {"pamservice", pam, "pam"},
    {"pam_use_hostname", pam, "pam"},
    {"ldapurl", ldap, "ldap"},
    {"ldaptls", ldap, "ldap"},
    {"ldapscheme", ldap, "ldap"},
    {"ldapserver", ldap, "ldap"},
    {"ldapport", ldap, "ldap"},
    {"ldapbinddn", ldap, "ldap"},
    {"ldapbindpasswd", ldap, "ldap"},
    {"ldapsearchattribute", ldap, "ldap"},
    {"ldapsearchfilter", ldap, "ldap"},
    {"ldapbasedn", ldap, "ldap"},
    {"ldapprefix", ldap, "ldap"},
    {"ldapsuffix", ldap, "ldap"},
    {"krb_realm", kerberos, "gssapi and sspi"},
    {"include_realm", kerberos, "gssapi and sspi"},
    {"compat_realm", sspi, "sspi"},
    {"upn_username", sspi, "sspi"},
    {"radiusservers", radius, "radius"},
    {"radiusports", radius, "radius"},
    {"radiussecrets", radius, "radius"},
    {"radiusidentifiers", radius, "radius"},
    {"issuer", oauth, "oauth"},
    {"scope", oauth, "oauth"},
    {"validator", oauth, "oauth"},
    {"delegate_ident_mapping", oauth, "oauth"},
};

// If an option is repeated the last value counts, as in PostgreSQL.
const std::string* value_of(const Rule& rule, std::string_view name) {
    const std::string* value = nullptr;
    for (const auto& [option, text] : rule.options)
        if (option == name) value = &text;
    return value;
}

bool any_of(const Rule& rule, std::initializer_list<std::string_view> names) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
        return value_of(rule, name) != nullptr;
    });
}

Complaint take_client_cert(Rule& rule, const std::string& value) {
    if (rule.type != RecordType::hostssl)
        return complaint("clientcert can only be configured for \"hostssl\" rows");
    if (value != "verify-full" && value != "verify-ca")
        return complaint("invalid value for clientcert: " + in_quotes(value));
    if (value == "verify-ca" && rule.method == Method::cert) {
        return complaint(
            "clientcert only accepts \"verify-full\" when using \"cert\" authentication");
    }
    rule.client_cert = value == "verify-ca" ? ClientCert::verify_ca : ClientCert::verify_full;
    return {};
}

Complaint take_client_name(Rule& rule, const std::string& value) {
    if (rule.type != RecordType::hostssl)
        return complaint("clientname can only be configured for \"hostssl\" rows");
    if (value != "CN" && value != "DN")
        return complaint("invalid value for clientname: " + in_quotes(value));
    rule.client_name = value == "CN" ? ClientName::common_name : ClientName::distinguished_name;
    return {};
}

// atoi(), as PostgreSQL reads ports.
bool is_port(const std::string& text) {
    return std::strtol(text.c_str(), nullptr, 10) != 0;
}

Complaint check_value(const std::string& name, const std::string& value) {
    if (name == "ldapport" && !is_port(value))
        return complaint("invalid LDAP port number: " + in_quotes(value));
    return {};
}

Complaint requires_argument(const Rule& rule, std::string_view name) {
    if (value_of(rule, name) != nullptr) return {};
    return complaint("authentication method " + in_quotes(word_of(rule.method)) +
                     " requires argument " + in_quotes(name) + " to be set");
}

// An ldapurl has a base DN, even if it is empty.
Complaint check_ldap(const Rule& rule) {
    const bool has_base = any_of(rule, {"ldapbasedn", "ldapurl"});
    if (any_of(rule, {"ldapprefix", "ldapsuffix"})) {
        if (has_base ||
            any_of(rule,
                   {"ldapbinddn", "ldapbindpasswd", "ldapsearchattribute", "ldapsearchfilter"}))
            return complaint("cannot mix options for simple bind and search+bind modes");
    } else if (!has_base) {
        return complaint("authentication method \"ldap\" requires argument \"ldapbasedn\", "
                         "\"ldapprefix\", or \"ldapsuffix\" to be set");
    }
    if (any_of(rule, {"ldapsearchattribute"}) && any_of(rule, {"ldapsearchfilter"}))
        return complaint("cannot use ldapsearchattribute together with ldapsearchfilter");
    return {};
}

std::size_t items(const std::string* list) {
    if (list == nullptr || config::trim(*list).empty()) return 0;
    return 1 + static_cast<std::size_t>(std::count(list->begin(), list->end(), ','));
}

Complaint check_radius_count(const Rule& rule, std::string_view option, std::string_view what) {
    const std::size_t servers = items(value_of(rule, "radiusservers"));
    const std::size_t count = items(value_of(rule, option));
    if (count == 0 || count == 1 || count == servers) return {};
    return complaint("the number of RADIUS " + std::string(what) + " (" + std::to_string(count) +
                     ") must be 1 or the same as the number of RADIUS servers (" +
                     std::to_string(servers) + ")");
}

Complaint check_radius(const Rule& rule) {
    for (const std::string_view name : {"radiusservers", "radiussecrets"})
        if (auto wrong = requires_argument(rule, name)) return wrong;
    if (items(value_of(rule, "radiusservers")) == 0)
        return complaint("list of RADIUS servers cannot be empty");
    if (items(value_of(rule, "radiussecrets")) == 0)
        return complaint("list of RADIUS secrets cannot be empty");
    if (auto wrong = check_radius_count(rule, "radiussecrets", "secrets")) return wrong;
    if (auto wrong = check_radius_count(rule, "radiusports", "ports")) return wrong;
    return check_radius_count(rule, "radiusidentifiers", "identifiers");
}

Complaint check_oauth(const Rule& rule) {
    for (const std::string_view name : {"scope", "issuer"})
        if (auto wrong = requires_argument(rule, name)) return wrong;
    const std::string* delegated = value_of(rule, "delegate_ident_mapping");
    if (delegated != nullptr && *delegated == "1" && any_of(rule, {"map"}))
        return complaint("map cannot be used in combination with delegate_ident_mapping");
    return {};
}

} // namespace

Complaint take_option(Rule& rule, const std::string& name, const std::string& value) {
    if (name == "clientcert") return take_client_cert(rule, value);
    if (name == "clientname") return take_client_name(rule, value);
    const auto* row = std::find_if(std::begin(option_rows),
                                   std::end(option_rows),
                                   [&](const OptionRow& each) { return each.name == name; });
    if (row == std::end(option_rows))
        return complaint("unrecognized authentication option name: " + in_quotes(name));
    const auto& methods = row->methods;
    if (std::find(methods.begin(), methods.end(), rule.method) == methods.end()) {
        return complaint("authentication option " + in_quotes(name) +
                         " is only valid for authentication methods " +
                         std::string(row->methods_text));
    }
    if (name == "map") rule.map = value;
    return check_value(name, value);
}

Complaint check_options(const Rule& rule) {
    if (rule.method == Method::ldap) return check_ldap(rule);
    if (rule.method == Method::radius) return check_radius(rule);
    if (rule.method == Method::oauth) return check_oauth(rule);
    return {};
}

} // namespace pgmoat::hba
