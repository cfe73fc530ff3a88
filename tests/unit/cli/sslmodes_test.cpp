// The table of sslmodes; tests/integration/test_explain.py compares it with real clients.
#include "proxy/cli/sslmodes.h"
#include "tests/support/catch.h"
#include "tests/support/rule_builders.h"
#include "tests/support/tls_pair.h"

#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

using namespace pgmoat;
using namespace pgmoat::cli;

namespace {

struct Checked {
    Checked() {
        config.ssl = true;
        config.tls = certificates.server_settings();
        config.listeners.resize(1);
        config.listeners[0].name = "default";
        config.listeners[0].addresses = {"*"};
    }
    test::CertificateFolder certificates;
    config::Config config;
};

std::vector<std::string> explain(const Checked& checked,
                                 const hba::Rules* rules = nullptr,
                                 const ClientQuestion& question = {}) {
    return explain_sslmodes(checked.config, {rules}, question, std::time(nullptr) + 60);
}

bool has_line(const std::vector<std::string>& lines, const std::vector<std::string>& parts) {
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
        return std::all_of(parts.begin(), parts.end(), [&](const std::string& part) {
            return line.find(part) != std::string::npos;
        });
    });
}

} // namespace

TEST_CASE("the table of sslmodes says who connects and who can listen in") {
    Checked checked;
    const auto with_tls = explain(checked);
    CHECK(has_line(with_tls, {"disable", "plaintext", "no"}));
    CHECK(has_line(with_tls, {"verify-full", "db.example.com", "yes"}));
    CHECK(has_line(with_tls, {"prefer", "an active attacker can disable TLS"}));
    checked.config.ssl = false;
    CHECK(has_line(explain(checked), {"require", "has no TLS"}));
    checked.config.listeners[0].tls_mode = config::TlsMode::passthrough;
    CHECK(has_line(explain(checked), {"passed through to a server that offers TLSv1.3"}));
}

TEST_CASE("where TLS is passed through, the rules are what is known") {
    Checked checked;
    checked.config.ssl = false;
    checked.config.listeners[0].tls_mode = config::TlsMode::passthrough;
    hba::Rules rules;
    rules.rules = {tests::RuleBuilder(hba::RecordType::hostssl)};
    const auto tls_only = explain(checked, &rules);
    CHECK(has_line(tls_only, {"disable", "no: the rules refuse plaintext"}));
    CHECK(has_line(tls_only, {"allow", "yes, in TLS, at the second attempt"}));
    CHECK(has_line(tls_only,
                   {"verify-full",
                    "if sslrootcert verifies the server's certificate and it names "
                    "the host"}));
    rules.rules[0].sni = "a.example";
    CHECK(has_line(explain(checked, &rules), {"that connect to \"a.example\", TLS passed"}));
    ClientQuestion question;
    question.host = "b.example";
    CHECK(has_line(explain(checked, &rules, question), {"no: the rules refuse every client"}));
    rules.rules[0].sni.reset();
    rules.rules[0].demands.tls_min = "TLSv1.3";
    CHECK(has_line(explain(checked, &rules), {"require", "yes, in TLS"}));
}

TEST_CASE("the table of sslmodes knows which rules there are") {
    using hba::RecordType;
    Checked checked;
    const auto rule = [](RecordType type, hba::Method method) {
        hba::Rule made;
        made.type = type;
        made.method = method;
        made.databases.resize(1);
        made.databases[0].kind = hba::NameMatch::Kind::all;
        made.users = made.databases;
        return made;
    };
    const auto lines = [&](std::vector<hba::Rule> list) {
        hba::Rules rules;
        rules.rules = std::move(list);
        return explain(checked, &rules);
    };
    const auto tls_only = lines({rule(RecordType::hostssl, hba::Method::scram_sha_256)});
    CHECK(has_line(tls_only, {"disable", "no: the rules refuse plaintext"}));
    CHECK(has_line(tls_only, {"allow", "yes, in TLS, at the second attempt"}));
    CHECK(has_line(tls_only, {"require", "yes, in TLS"}));
    CHECK(lines({rule(RecordType::hostnossl, hba::Method::reject),
                 rule(RecordType::host, hba::Method::scram_sha_256)}) == tls_only);

    const auto plain_only = lines({rule(RecordType::hostnossl, hba::Method::scram_sha_256)});
    CHECK(has_line(plain_only, {"disable", "yes, in plaintext"}));
    CHECK(has_line(plain_only, {"prefer", "yes, in plaintext, at the second attempt"}));
    CHECK(has_line(plain_only, {"verify-full", "no: the rules refuse TLS"}));

    hba::Rule with_certificate = rule(RecordType::host, hba::Method::cert);
    with_certificate.client_cert = hba::ClientCert::verify_full;
    checked.config.tls.ca_file = checked.certificates.certificate("root");
    const auto wants_certificate = lines({with_certificate});
    CHECK(has_line(wants_certificate, {"require", "without", "no: the rules refuse TLS"}));
    CHECK(has_line(wants_certificate, {"require", "with ", "yes, in TLS"}));
    CHECK(has_line(lines({}), {"prefer", "no: the rules refuse every client"}));
}

TEST_CASE("hosts that get other certificates, or none, have tables of their own") {
    Checked checked;
    tls::HostSettings host;
    host.names = {"a.example"};
    host.pairs = {checked.certificates.pair("server")};
    checked.config.tls.hosts = {host};
    const auto lines = explain(checked);
    CHECK(has_line(lines, {"clients over TCP that connect to \"a.example\":"}));
    CHECK(has_line(lines, {"clients over TCP that connect to any other host name"}));
    CHECK(has_line(lines, {"prefer", "yes, in plaintext, at the second attempt"}));
    CHECK(has_line(lines, {"require", "no: no certificate for clients without a host name (SNI)"}));

    ClientQuestion question;
    question.host = "A.example";
    CHECK(has_line(explain(checked, nullptr, question), {"prefer", "yes, in TLS"}));
    CHECK(has_line(explain(checked, nullptr, question),
                   {"verify-full", "no: the certificate is not valid for \"A.example\""}));
    question.host = "10.0.0.1";
    CHECK(has_line(explain(checked, nullptr, question), {"prefer", "yes, in plaintext"}));
}

TEST_CASE("results that differ between clients are shown as such; for a single client they do not "
          "differ") {
    Checked checked;
    hba::Rules rules;
    rules.rules = {tests::RuleBuilder(hba::RecordType::hostssl).users({"alice"}),
                   tests::RuleBuilder(hba::RecordType::hostnossl).users({"bob"}),
                   tests::RuleBuilder(hba::RecordType::host).users({"+staff"})};
    CHECK(has_line(explain(checked, &rules),
                   {"prefer", "in TLS or in plaintext, as the rules decide"}));
    CHECK(has_line(explain(checked, &rules),
                   {"require", "in TLS or not at all, as the rules decide"}));
    ClientQuestion question;
    question.who.user = "bob";
    question.who.database = "x";
    rules.rules.pop_back();
    CHECK(has_line(explain(checked, &rules, question), {"prefer", "yes, in plaintext"}));
    CHECK(has_line(explain(checked, &rules, question), {"require", "no: the rules refuse TLS"}));
}
