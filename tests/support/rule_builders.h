// Builds rules and connections for tests, without the file parser. Names are written as in
// pg_hba.conf: all, sameuser, samerole, replication, +role, /regex; anything else is exact.
#pragma once

#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/hba/parse/regex.h"
#include "proxy/hba/rule.h"

#include <re2/re2.h>

#include <arpa/inet.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace pgmoat::tests {

inline hba::NameMatch name_match(const std::string& token) {
    using Kind = hba::NameMatch::Kind;
    if (token == "all") return {Kind::all, token, nullptr};
    if (token == "sameuser") return {Kind::same_user, token, nullptr};
    if (token == "samerole") return {Kind::same_role, token, nullptr};
    if (token == "replication") return {Kind::replication, token, nullptr};
    if (token.starts_with('+')) return {Kind::role, token.substr(1), nullptr};
    if (!token.starts_with('/')) return {Kind::exact, token, nullptr};
    return {Kind::regex, token.substr(1), std::make_shared<re2::RE2>(token.substr(1))};
}

inline hba::NetAddress address_of(const std::string& text) {
    hba::NetAddress address;
    address.family = text.find(':') == std::string::npos ? hba::Family::ipv4 : hba::Family::ipv6;
    const int family = address.family == hba::Family::ipv4 ? AF_INET : AF_INET6;
    inet_pton(family, text.c_str(), address.bytes.data());
    return address;
}

// "10.0.0.0/8"
inline hba::AddressRange range_of(const std::string& cidr) {
    const std::size_t slash = cidr.find('/');
    hba::AddressRange range{address_of(cidr.substr(0, slash)), {}};
    range.mask.family = range.base.family;
    const int length = std::stoi(cidr.substr(slash + 1));
    for (int bit = 0; bit < length; ++bit) {
        auto& byte = range.mask.bytes[static_cast<std::size_t>(bit / 8)];
        byte = static_cast<std::uint8_t>(byte | 0x80U >> (bit % 8));
    }
    return range;
}

// `host all all all trust` by default.
class RuleBuilder {
  public:
    explicit RuleBuilder(hba::RecordType type = hba::RecordType::host) {
        rule_.type = type;
        rule_.databases = {name_match("all")};
        rule_.users = {name_match("all")};
        rule_.address = hba::AnyAddress{};
    }
    RuleBuilder& databases(std::initializer_list<std::string> tokens) {
        return set(rule_.databases, tokens);
    }
    RuleBuilder& users(std::initializer_list<std::string> tokens) {
        return set(rule_.users, tokens);
    }
    RuleBuilder& from(const std::string& cidr) { return address(range_of(cidr)); }
    RuleBuilder& from_host(const std::string& name) { return address(hba::HostName{name}); }
    RuleBuilder& address(hba::AddressMatch address) {
        rule_.address = std::move(address);
        return *this;
    }
    RuleBuilder& method(hba::Method method) {
        rule_.method = method;
        if (method == hba::Method::cert) rule_.client_cert = hba::ClientCert::verify_full;
        return *this;
    }
    RuleBuilder& client_cert(hba::ClientCert wanted) {
        rule_.client_cert = wanted;
        return *this;
    }
    RuleBuilder& client_name(hba::ClientName name) {
        rule_.client_name = name;
        return *this;
    }
    RuleBuilder& map(const std::string& name) {
        rule_.map = name;
        return *this;
    }
    RuleBuilder& sni(const std::string& name) {
        rule_.sni = name;
        rule_.sni_regex =
            name.starts_with('/') ? hba::compile_regex(name.substr(1)).regex : nullptr;
        return *this;
    }
    RuleBuilder& upstream(const std::string& name) {
        rule_.upstream = name;
        return *this;
    }
    RuleBuilder& demands(hba::Demands demands) {
        rule_.demands = std::move(demands);
        return *this;
    }
    // The line in the file.
    RuleBuilder& text(const std::string& text) {
        rule_.text = text;
        return *this;
    }
    operator hba::Rule() const { return rule_; } // NOLINT: the conversion is intended

  private:
    RuleBuilder& set(std::vector<hba::NameMatch>& names,
                     std::initializer_list<std::string> tokens) {
        names.clear();
        for (const std::string& token : tokens)
            names.push_back(name_match(token));
        return *this;
    }

    hba::Rule rule_;
};

// Numbered in order: rule n is line n of "pg_hba.conf".
inline hba::Rules rules_of(std::vector<hba::Rule> list) {
    hba::Rules rules;
    rules.file = "pg_hba.conf";
    rules.rules = std::move(list);
    unsigned number = 0;
    for (hba::Rule& rule : rules.rules) {
        rule.file = rules.file;
        rule.number = rule.line = ++number;
        if (rule.text.empty()) rule.text = "line " + std::to_string(number);
    }
    rules.index = std::make_shared<const hba::RuleIndex>(rules.rules);
    return rules;
}

inline hba::IdentLine ident_line(const std::string& map,
                                 const std::string& system_user,
                                 const std::string& database_user) {
    hba::IdentLine line;
    line.map = map;
    line.system_user = name_match(system_user);
    line.database_user = name_match(database_user);
    return line;
}

// By default, alice connects to the database sales from 10.0.0.1 without TLS.
class CandidateBuilder {
  public:
    CandidateBuilder() {
        from("10.0.0.1");
        candidate_.user = "alice";
        candidate_.database = "sales";
    }
    CandidateBuilder& from(const std::string& address) {
        candidate_.address = address_of(address);
        candidate_.address_text = address;
        return *this;
    }
    CandidateBuilder& unix_socket() {
        candidate_.address = {};
        candidate_.address_text = "[local]";
        return *this;
    }
    CandidateBuilder& system_user(const std::string& name) {
        candidate_.system_user = name;
        return unix_socket();
    }
    CandidateBuilder& peer_uid(std::uint32_t uid) {
        candidate_.peer_uid = uid;
        return unix_socket();
    }
    CandidateBuilder& user(const std::string& name) {
        candidate_.user = name;
        return *this;
    }
    CandidateBuilder& database(const std::string& name) {
        candidate_.database = name;
        return *this;
    }
    CandidateBuilder& physical_replication() {
        candidate_.replication = protocol::Replication::physical;
        candidate_.database.clear();
        return *this;
    }
    CandidateBuilder& logical_replication() {
        candidate_.replication = protocol::Replication::logical;
        return *this;
    }
    CandidateBuilder& tls(const std::string& version = "TLSv1.3",
                          const std::string& cipher = "TLS_AES_256_GCM_SHA384",
                          const std::string& group = "X25519") {
        candidate_.tls = true;
        candidate_.tls_version = version;
        candidate_.tls_cipher = cipher;
        candidate_.tls_group = group;
        return *this;
    }
    CandidateBuilder& gss() {
        candidate_.gss = true;
        return *this;
    }
    CandidateBuilder& server_name(const std::string& name) {
        candidate_.server_name = name;
        return *this;
    }
    CandidateBuilder& ca() {
        candidate_.has_ca = true;
        return *this;
    }
    CandidateBuilder& certificate(const std::string& common_name, const std::string& dn = "") {
        tls::CertificateFacts facts;
        facts.common_name = common_name;
        facts.subject_rfc2253 = dn;
        candidate_.certificate = std::make_shared<const tls::CertificateFacts>(std::move(facts));
        return tls().ca();
    }
    CandidateBuilder& passthrough() {
        candidate_.passthrough = true;
        candidate_.user.clear();
        candidate_.database.clear();
        return *this;
    }
    operator hba::Candidate() const { return candidate_; } // NOLINT: the conversion is intended

  private:
    hba::Candidate candidate_;
};

// Answers the questions of an evaluation, and records them.
struct Oracle {
    hba::ClientHostName host_name;
    hba::UserRoles roles;
    hba::OwnInterfaces interfaces;
    hba::SystemUser system_user;
    std::vector<hba::Question> asked;

    void answer(hba::Evaluation& evaluation, hba::Question question) {
        asked.push_back(question);
        switch (question) {
        case hba::Question::client_host_name: return evaluation.answer(host_name);
        case hba::Question::user_roles: return evaluation.answer(roles);
        case hba::Question::own_interfaces: return evaluation.answer(interfaces);
        case hba::Question::system_user: return evaluation.answer(system_user);
        }
    }
};

inline hba::Decision
decide(const hba::Rules& rules, const hba::Candidate& candidate, Oracle& oracle) {
    hba::Evaluation evaluation(rules, candidate);
    for (;;) {
        const auto step = evaluation.next();
        if (const auto* decision = std::get_if<hba::Decision>(&step)) return *decision;
        oracle.answer(evaluation, std::get<hba::Question>(step));
    }
}

inline hba::Decision decide(const hba::Rules& rules, const hba::Candidate& candidate) {
    Oracle oracle;
    return decide(rules, candidate, oracle);
}

// The number of the rule that decided; 0: none.
inline unsigned deciding_rule(const hba::Decision& decision) {
    return decision.rule == nullptr ? 0 : decision.rule->number;
}

} // namespace pgmoat::tests
