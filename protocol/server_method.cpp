#include "protocol/server_method.h"

#include "protocol/scram_server.h"

#include <algorithm>

namespace pgmoat::protocol {

std::string_view name_of(ServerMethod method) noexcept {
    switch (method) {
    case ServerMethod::none: return "no authentication";
    case ServerMethod::password: return "password";
    case ServerMethod::md5: return "md5";
    case ServerMethod::gss: return "gss";
    case ServerMethod::sspi: return "sspi";
    case ServerMethod::scram: return "scram-sha-256";
    case ServerMethod::oauth: return "oauth";
    case ServerMethod::other: return "an unknown method";
    }
    return "";
}

ServerMethod method_of(const std::vector<std::string>& sasl_mechanisms) noexcept {
    const auto all_are = [&](auto is_one) {
        return !sasl_mechanisms.empty() &&
               std::all_of(sasl_mechanisms.begin(), sasl_mechanisms.end(), is_one);
    };
    if (all_are([](std::string_view name) {
            return name == scram_mechanism || name == scram_plus_mechanism;
        }))
        return ServerMethod::scram;
    if (all_are([](std::string_view name) { return name == "OAUTHBEARER"; }))
        return ServerMethod::oauth;
    return ServerMethod::other;
}

} // namespace pgmoat::protocol
