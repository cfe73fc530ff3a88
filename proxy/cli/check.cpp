#include "proxy/cli/check.h"

#include "proxy/cli/limits.h"
#include "tls/file_facts.h"
#include "tls/inspect.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace pgmoat::cli {

namespace {

using Level = Finding::Level;
using Findings = std::vector<Finding>;

std::string quoted(const std::string& text) {
    return "\"" + text + "\"";
}

std::string date_of(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm broken_down{};
    ::gmtime_r(&time, &broken_down);
    std::array<char, 32> text{};
    (void)std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &broken_down);
    return text.data();
}

std::string joined(const std::vector<std::string>& texts) {
    std::string result;
    for (const std::string& text : texts)
        result += (result.empty() ? "" : ", ") + text;
    return result;
}

// Loading has refused every other mode and every key that does not fit.
void check_key(const tls::KeyPair& pair, Findings& findings) {
    struct stat status {};
    if (::stat(pair.key_file.c_str(), &status) != 0) return;
    std::array<char, 8> mode{};
    (void)std::snprintf(mode.data(), mode.size(), "%04o", status.st_mode & 07777U);
    findings.push_back({Level::ok,
                        "private key " + quoted(pair.key_file) + " has mode " + mode.data() +
                            " and fits certificate " + quoted(pair.certificate_file)});
}

std::string problem_of_chain(const tls::ChainFacts& facts) {
    for (std::size_t i = 0; i + 1 < facts.links.size(); ++i) {
        if (facts.links[i].issued_by_next) continue;
        return "certificate " + std::to_string(i + 1) + " (" + facts.links[i].subject +
               ") is not issued by the one behind it (" + facts.links[i + 1].subject +
               "): clients may not find the way to their root";
    }
    return {};
}

void check_chain(const std::string& name, const tls::ChainFacts& facts, Findings& findings) {
    const std::string problem = problem_of_chain(facts);
    if (!problem.empty()) {
        findings.push_back({Level::warning, name + ": " + problem});
    } else {
        findings.push_back(
            {Level::ok,
             name + ": chain of " + std::to_string(facts.links.size()) + ", leaf first, " +
                 (facts.links.back().self_signed ? "up to its root"
                                                 : "issued by " + facts.links.back().issuer)});
    }
    for (const tls::ChainLink& link : facts.links)
        if (link.weak_signature && !link.self_signed)
            findings.push_back(
                {Level::warning,
                 name + ": " + link.subject + " is signed with SHA-1 or MD5: clients refuse it"});
}

void check_dates(const std::string& name,
                 const tls::ChainFacts& facts,
                 std::int64_t now,
                 Findings& findings) {
    const std::string until = date_of(facts.not_after);
    if (now >= facts.not_after)
        findings.push_back({Level::error, name + " has expired: it was valid until " + until});
    else if (now < facts.not_before)
        findings.push_back(
            {Level::error,
             name + " is not yet valid: it will be from " + date_of(facts.not_before)});
    else if (facts.not_after - now < expiry_warning.count())
        findings.push_back({Level::warning, name + " expires soon: " + until});
    else
        findings.push_back({Level::ok, name + " is valid until " + until});
}

void check_names(const std::string& name, const tls::ChainFacts& facts, Findings& findings) {
    if (facts.has_alternative_names)
        findings.push_back({Level::ok, name + " is made out to " + joined(facts.names)});
    else
        findings.push_back({Level::warning,
                            name + " has no subjectAltName: only clients that still look at the "
                                   "common name can use sslmode=verify-full"});
}

void check_strength(const std::string& name, const tls::ChainFacts& facts, Findings& findings) {
    if (facts.key_type == "RSA" && facts.key_bits < rsa_bits_min)
        findings.push_back(
            {Level::warning,
             name + " has an RSA key of only " + std::to_string(facts.key_bits) + " bits"});
}

void check_pair(const tls::KeyPair& pair, std::int64_t now, Findings& findings) {
    const tls::ChainFacts facts = tls::inspect_chain(pair.certificate_file);
    const std::string name = "certificate " + quoted(pair.certificate_file);
    check_key(pair, findings);
    check_chain(name, facts, findings);
    check_dates(name, facts, now, findings);
    check_names(name, facts, findings);
    check_strength(name, facts, findings);
}

void check_lists(const tls::ServerSettings& settings, std::int64_t now, Findings& findings) {
    for (const auto& list : tls::inspect_lists(settings.crl_file, settings.crl_dir)) {
        const std::string name = "revocation list of " + list.issuer + " in " + quoted(list.file);
        if (list.next_update == 0)
            findings.push_back({Level::ok, name + " never expires"});
        else if (now >= list.next_update)
            findings.push_back({Level::error,
                                name + " has expired on " + date_of(list.next_update) +
                                    ": every client certificate of this CA is refused"});
        else
            findings.push_back({Level::ok, name + " is good until " + date_of(list.next_update)});
    }
}

void check_settings(const tls::ServerSettings& settings, Findings& findings) {
    const std::string& min = settings.min_protocol_version;
    const bool old = min == "TLSv1" || min == "TLSv1.1";
    findings.push_back(
        {old ? Level::warning : Level::ok,
         "ssl_min_protocol_version = " + min + (old ? ": versions below TLSv1.2 are broken" : "")});
    const std::vector<std::string> broken = tls::broken_ciphers(settings.ciphers);
    if (!broken.empty())
        findings.push_back(
            {Level::warning,
             "ssl_ciphers allows ciphers without encryption or authentication: " + joined(broken)});
}

std::vector<tls::KeyPair> all_pairs(const tls::ServerSettings& settings) {
    std::vector<tls::KeyPair> pairs;
    for (const auto& host : tls::hosts_of(settings))
        for (const auto& pair : host.pairs)
            if (std::find(pairs.begin(), pairs.end(), pair) == pairs.end()) pairs.push_back(pair);
    return pairs;
}

std::vector<std::string> authority_files(const tls::ServerSettings& settings) {
    std::vector<std::string> files;
    for (const auto& host : tls::hosts_of(settings))
        if (!host.ca_file.empty() &&
            std::find(files.begin(), files.end(), host.ca_file) == files.end())
            files.push_back(host.ca_file);
    return files;
}

// Never an error: one of several may be over and not be missed.
void check_authorities(const tls::ServerSettings& settings, std::int64_t now, Findings& findings) {
    for (const std::string& file : authority_files(settings)) {
        const auto first = tls::read_certificate_file(file, tls::WhichCertificate::first_to_expire);
        if (!first) continue;
        const std::string name = "authority " + quoted(first->subject_cn) + ", the first of " +
                                 quoted(file) + " to expire, ";
        const std::string until = date_of(first->not_after);
        if (now >= first->not_after)
            findings.push_back({Level::warning,
                                name + "has expired on " + until +
                                    ": client certificates that it has issued are refused"});
        else if (first->not_after - now < expiry_warning.count())
            findings.push_back({Level::warning, name + "does so soon: " + until});
        else
            findings.push_back({Level::ok, name + "is valid until " + until});
    }
}

// --- sslmodes -----------------------------------------------------------------------------------

// What the rules leave possible to some client or other.
struct Ways {
    bool plaintext = true;
    bool tls = true;
    bool certificate = false; // every rule for TLS wants one
};

bool is_for(hba::RecordType type, bool tls) {
    using hba::RecordType;
    return type == RecordType::host || type == RecordType::hostnogssenc ||
           type == (tls ? RecordType::hostssl : RecordType::hostnossl);
}

// Rules behind it are never reached.
bool matches_everybody(const hba::Rule& rule) {
    const auto is_all = [](const hba::NameMatch& name) {
        return name.kind == hba::NameMatch::Kind::all;
    };
    return std::any_of(rule.databases.begin(), rule.databases.end(), is_all) &&
           std::any_of(rule.users.begin(), rule.users.end(), is_all) &&
           std::holds_alternative<hba::AnyAddress>(rule.address) && !rule.sni;
}

std::vector<const hba::Rule*> rules_that_let_in(const hba::Rules& rules, bool tls) {
    std::vector<const hba::Rule*> found;
    for (const hba::Rule& rule : rules.rules) {
        if (!is_for(rule.type, tls)) continue;
        if (rule.method != hba::Method::reject) found.push_back(&rule);
        if (matches_everybody(rule)) break;
    }
    return found;
}

Ways ways_of(const hba::Rules* rules) {
    if (rules == nullptr) return {};
    const auto with_tls = rules_that_let_in(*rules, true);
    return {!rules_that_let_in(*rules, false).empty(),
            !with_tls.empty(),
            std::all_of(with_tls.begin(), with_tls.end(), [](const hba::Rule* rule) {
                return rule->client_cert != hba::ClientCert::off;
            })};
}

struct Row {
    const char* sslmode;
    std::string connects;
    const char* eavesdropping;
    const char* man_in_the_middle;
};

std::string names_of(const config::Config& config) {
    std::vector<std::string> names;
    for (const auto& pair : all_pairs(config.tls))
        for (const std::string& name : tls::inspect_chain(pair.certificate_file).names)
            if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    return joined(names);
}

constexpr const char* in_plaintext = "yes, in plaintext";

Row row_of_disable(const Ways& ways) {
    if (!ways.plaintext) return {"disable", "no: the rules refuse plaintext", "-", "-"};
    return {"disable", in_plaintext, "no", "no"};
}

Row row_of_allow(const Ways& ways, const std::string& in_tls) {
    if (ways.plaintext) return {"allow", in_plaintext, "no", "no"};
    return {"allow", in_tls + ", at the second attempt", "yes", "no: it begins in plaintext"};
}

Row row_of_prefer(const Ways& ways, const std::string& in_tls) {
    if (ways.tls) return {"prefer", in_tls, "yes", "no: TLS can be turned off on the way"};
    return {"prefer", std::string(in_plaintext) + ", at the second attempt", "no", "no"};
}

std::vector<Row> rows_with_tls(const config::Config& config, const Ways& ways) {
    const std::string certificate = ways.certificate ? ", with a client certificate" : "";
    const std::string in_tls = "yes, in TLS" + certificate;
    std::vector<Row> rows{
        row_of_disable(ways), row_of_allow(ways, in_tls), row_of_prefer(ways, in_tls)};
    if (!ways.tls) {
        for (const char* mode : {"require", "verify-ca", "verify-full"})
            rows.push_back({mode, "no: the rules refuse TLS", "-", "-"});
        return rows;
    }
    const std::string with_ca = "with the CA as sslrootcert" + certificate;
    rows.push_back(
        {"require", in_tls, "yes", "no: any certificate is taken (unless there is a root file)"});
    rows.push_back({"verify-ca", with_ca, "yes", "yes, if that CA is your own and no public one"});
    rows.push_back({"verify-full", with_ca + ", to " + names_of(config), "yes", "yes"});
    return rows;
}

std::vector<Row> rows_without_tls(const Ways& ways) {
    constexpr const char* refused = "no: pgmoat has no TLS here";
    std::vector<Row> rows;
    for (const char* mode : {"disable", "allow", "prefer"}) {
        rows.push_back(row_of_disable(ways));
        rows.back().sslmode = mode;
    }
    for (const char* mode : {"require", "verify-ca", "verify-full"})
        rows.push_back({mode, refused, "-", "-"});
    return rows;
}

std::vector<Row> rows_of(const config::Config& config, const Ways& ways) {
    if (!config.ssl) return rows_without_tls(ways);
    if (ways.plaintext || ways.tls) return rows_with_tls(config, ways);
    std::vector<Row> rows;
    for (const char* mode : {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
        rows.push_back({mode, "no: the rules refuse everybody", "-", "-"});
    return rows;
}

void add_table(const std::vector<Row>& rows, std::vector<std::string>& lines) {
    std::size_t width = std::string("connects").size();
    for (const Row& row : rows)
        width = std::max(width, row.connects.size());
    const auto add =
        [&](std::string mode, std::string connects, std::string spy, const std::string& middle) {
            mode.resize(12, ' ');
            connects.resize(width, ' ');
            spy.resize(20, ' ');
            lines.push_back("  " + mode + "  " + connects + "  " + spy + "  " + middle);
        };
    add("sslmode", "connects", "safe from listeners", "safe from a man in the middle");
    for (const Row& row : rows)
        add(row.sslmode, row.connects, row.eavesdropping, row.man_in_the_middle);
}

} // namespace

std::vector<Finding> check_tls(const config::Config& config, std::int64_t now) {
    Findings findings;
    if (!config.ssl) return findings;
    for (const auto& pair : all_pairs(config.tls))
        check_pair(pair, now, findings);
    check_authorities(config.tls, now, findings);
    check_lists(config.tls, now, findings);
    check_settings(config.tls, findings);
    return findings;
}

std::vector<std::string> explain_sslmodes(const config::Config& config,
                                          const std::vector<const hba::Rules*>& rules) {
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < config.listeners.size(); ++i) {
        const auto& listener = config.listeners[i];
        lines.push_back("listener \"" + listener.name + "\", clients over TCP:");
        if (listener.tls_mode != config::TlsMode::terminate)
            lines.emplace_back("  TLS is passed through: the server's own settings decide");
        else
            add_table(rows_of(config, ways_of(i < rules.size() ? rules[i] : nullptr)), lines);
    }
    return lines;
}

} // namespace pgmoat::cli
