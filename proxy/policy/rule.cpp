#include "proxy/policy/rule.h"

#include <algorithm>

namespace pgmoat::policy {

bool Rules::routes() const noexcept {
    return std::any_of(
        rules.begin(), rules.end(), [](const Rule& rule) { return !rule.upstream.empty(); });
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

} // namespace pgmoat::policy
