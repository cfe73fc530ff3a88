#include "proxy/hba/method_promise.h"

namespace pgmoat::hba {

using protocol::ServerMethod;
using protocol::ServerMethods;

ServerMethods methods_that_satisfy(const Rule& rule) noexcept {
    constexpr ServerMethods any_proof{ServerMethod::password,
                                      ServerMethod::md5,
                                      ServerMethod::gss,
                                      ServerMethod::sspi,
                                      ServerMethod::scram,
                                      ServerMethod::oauth};
    switch (rule.method) {
    case Method::scram_sha_256: return {ServerMethod::scram};
    case Method::md5: return {ServerMethod::md5, ServerMethod::scram};
    case Method::password: return {ServerMethod::password, ServerMethod::md5, ServerMethod::scram};
    case Method::ldap:
    case Method::radius:
    case Method::pam:
    case Method::bsd: return {ServerMethod::password};
    case Method::gss: return {ServerMethod::gss};
    case Method::sspi: return {ServerMethod::sspi};
    case Method::oauth: return {ServerMethod::oauth};
    case Method::ident: return rule.type == RecordType::local ? ServerMethods::all() : any_proof;
    case Method::trust:
    case Method::cert:
    case Method::peer: return ServerMethods::all();
    case Method::reject: return {}; // refuses all clients
    }
    return {};
}

} // namespace pgmoat::hba
