// What a rule's method promises: the whole table, with all methods.
#include "proxy/hba/evaluate/refuse.h"
#include "proxy/hba/method_promise.h"
#include "tests/support/catch.h"

#include <array>
#include <set>

using namespace pgmoat;
using hba::Method;
using hba::RecordType;
using protocol::ServerMethod;

namespace {

constexpr std::array all_server_methods{ServerMethod::none,
                                        ServerMethod::password,
                                        ServerMethod::md5,
                                        ServerMethod::gss,
                                        ServerMethod::sspi,
                                        ServerMethod::scram,
                                        ServerMethod::oauth,
                                        ServerMethod::other};

hba::Rule rule_of(RecordType type, Method method) {
    hba::Rule rule;
    rule.file = "pg_hba.conf";
    rule.line = 3;
    rule.text = "host all all all x";
    rule.type = type;
    rule.method = method;
    return rule;
}

} // namespace

TEST_CASE("a rule's method is satisfied by what proves at least as much") {
    using S = ServerMethod;
    const std::set<S> everything(all_server_methods.begin(), all_server_methods.end());
    struct Case {
        RecordType type;
        Method method;
        std::set<S> enough;
    };
    const Case cases[] = {
        {RecordType::host, Method::trust, everything},
        {RecordType::host, Method::reject, {}},
        {RecordType::host, Method::scram_sha_256, {S::scram}},
        {RecordType::local, Method::scram_sha_256, {S::scram}},
        {RecordType::host, Method::md5, {S::md5, S::scram}},
        {RecordType::host, Method::password, {S::password, S::md5, S::scram}},
        {RecordType::host, Method::gss, {S::gss}},
        {RecordType::host, Method::sspi, {S::sspi}},
        {RecordType::host,
         Method::ident,
         {S::password, S::md5, S::gss, S::sspi, S::scram, S::oauth}},
        {RecordType::local, Method::ident, everything},
        {RecordType::local, Method::peer, everything},
        {RecordType::host, Method::ldap, {S::password}},
        {RecordType::host, Method::radius, {S::password}},
        {RecordType::host, Method::pam, {S::password}},
        {RecordType::host, Method::bsd, {S::password}},
        {RecordType::hostssl, Method::cert, everything},
        {RecordType::host, Method::oauth, {S::oauth}},
    };
    std::set<Method> seen;
    for (const Case& each : cases) {
        seen.insert(each.method);
        const auto accepted = hba::methods_that_satisfy(rule_of(each.type, each.method));
        for (const S asked : all_server_methods) {
            INFO(hba::word_of(each.method) << ", server: " << name_of(asked));
            CHECK(accepted.contains(asked) == each.enough.contains(asked));
        }
    }
    CHECK(seen.size() == static_cast<std::size_t>(Method::oauth) + 1);
}

TEST_CASE("only trust, and what pgmoat checks itself, lets in without a request of the server") {
    for (int method = 0; method <= static_cast<int>(Method::oauth); ++method) {
        const auto which = static_cast<Method>(method);
        const bool checked_here = which == Method::cert || which == Method::peer;
        CHECK(hba::methods_that_satisfy(rule_of(RecordType::host, which))
                  .contains(ServerMethod::none) == (checked_here || which == Method::trust));
    }
}

TEST_CASE("a certificate in addition to a password method is not enough") {
    hba::Rule rule = rule_of(RecordType::hostssl, Method::scram_sha_256);
    rule.client_cert = hba::ClientCert::verify_full;
    CHECK_FALSE(hba::methods_that_satisfy(rule).contains(ServerMethod::none));
}

TEST_CASE("the refusal names the rule, what it wants, and what the server asked for") {
    const auto rule = rule_of(RecordType::host, Method::scram_sha_256);
    const auto refusal = hba::refuse_for_lack_of_proof(rule, ServerMethod::none);
    CHECK(refusal.refuses());
    CHECK(refusal.sqlstate == "28000");
    CHECK(refusal.message ==
          "pg_hba.conf requires authentication method \"scram-sha-256\", but the "
          "server does not ask for it");
    CHECK(
        refusal.log_detail ==
        "The server lets the client in without authentication. Change the server's pg_hba.conf to "
        "\"scram-sha-256\", or the method of this rule (\"trust\" if no proof is wanted).\n"
        "Connection matched file \"pg_hba.conf\" line 3: \"host all all all x\"");
    CHECK(hba::refuse_for_lack_of_proof(rule, ServerMethod::md5)
              .log_detail.starts_with("The server asks for \"md5\". "));
    CHECK(hba::refuse_for_lack_of_proof(rule, ServerMethod::other)
              .log_detail.starts_with("The server asks for an unknown method. "));
}
