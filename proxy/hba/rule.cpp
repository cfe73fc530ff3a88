#include "proxy/hba/rule.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace pgmoat::hba {

bool Rules::routes() const noexcept {
    return std::any_of(
        rules.begin(), rules.end(), [](const Rule& rule) { return !rule.upstream.empty(); });
}

namespace {

// In the order of PostgreSQL's manual.
constexpr std::array<std::string_view, 2> secret_options{"ldapbindpasswd", "radiussecrets"};

} // namespace

bool is_secret_option(std::string_view name) noexcept {
    return std::find(secret_options.begin(), secret_options.end(), name) != secret_options.end();
}

// Quotes may be anywhere in a token, so the text may not contain the option's name as one word
// (ldapbind"passwd"=...): then nothing of the line is shown.
std::string shown_text(const Rule& rule) {
    std::size_t end = std::string::npos;
    for (const std::string_view name : secret_options)
        end = std::min(end, rule.text.find(name));
    const bool has_secret =
        std::any_of(rule.options.begin(), rule.options.end(), [](const auto& option) {
            return is_secret_option(option.first);
        });
    if (end == std::string::npos) return has_secret ? "..." : rule.text;
    return rule.text.substr(0, end) + "...";
}

std::string_view word_of(RecordType type) noexcept {
    switch (type) {
    case RecordType::local: return "local";
    case RecordType::host: return "host";
    case RecordType::hostssl: return "hostssl";
    case RecordType::hostnossl: return "hostnossl";
    case RecordType::hostgssenc: return "hostgssenc";
    case RecordType::hostnogssenc: return "hostnogssenc";
    }
    return "";
}

std::string_view word_of(Method method) noexcept {
    switch (method) {
    case Method::trust: return "trust";
    case Method::reject: return "reject";
    case Method::scram_sha_256: return "scram-sha-256";
    case Method::md5: return "md5";
    case Method::password: return "password";
    case Method::gss: return "gss";
    case Method::sspi: return "sspi";
    case Method::ident: return "ident";
    case Method::peer: return "peer";
    case Method::ldap: return "ldap";
    case Method::radius: return "radius";
    case Method::cert: return "cert";
    case Method::pam: return "pam";
    case Method::bsd: return "bsd";
    case Method::oauth: return "oauth";
    }
    return "";
}

} // namespace pgmoat::hba
