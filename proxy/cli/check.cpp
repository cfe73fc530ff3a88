#include "proxy/cli/check.h"

#include "proxy/cli/dates.h"
#include "proxy/cli/limits.h"
#include "proxy/config/text.h"
#include "tls/file_facts.h"
#include "tls/inspect.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace pgmoat::cli {

namespace {

using Level = Finding::Level;
using Findings = std::vector<Finding>;

// Loading has refused files with any other mode, and keys that do not match.
void check_key(const tls::KeyPair& pair, Findings& findings) {
    struct stat status {};
    if (::stat(pair.key_file.c_str(), &status) != 0) return;
    std::array<char, 8> mode{};
    (void)std::snprintf(mode.data(), mode.size(), "%04o", status.st_mode & 07777U);
    findings.push_back({Level::ok,
                        "private key " + config::in_quotes(pair.key_file) + " has mode " +
                            mode.data() + " and fits certificate " +
                            config::in_quotes(pair.certificate_file)});
}

std::string problem_of_chain(const tls::ChainFacts& facts) {
    for (std::size_t i = 0; i + 1 < facts.links.size(); ++i) {
        if (facts.links[i].issued_by_next) continue;
        return "certificate " + std::to_string(i + 1) + " (" + facts.links[i].subject +
               ") is not issued by the next one (" + facts.links[i + 1].subject +
               "): clients may not find the way to their root";
    }
    return {};
}

// Problems other than dates.
std::string problem_of_leaf(const tls::ChainFacts& facts) {
    const tls::ChainLink& leaf = facts.links.front();
    if (leaf.seems_self_signed && !leaf.self_signed)
        return "its issuer has the same name (" + leaf.issuer +
               ") but another key: OpenSSL takes it for self-signed, and no client can verify it "
               "(name the CA otherwise than the server)";
    if (!facts.for_servers) return "its key usage is not that of a server: no client can verify it";
    return {};
}

void check_chain(const std::string& name, const tls::ChainFacts& facts, Findings& findings) {
    const std::string problem = problem_of_chain(facts);
    const std::string problem_at_leaf = problem_of_leaf(facts);
    if (!problem_at_leaf.empty()) {
        findings.push_back({Level::error, name + ": " + problem_at_leaf});
    } else if (!problem.empty()) {
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
            findings.push_back({Level::warning,
                                name + ": " + link.subject +
                                    " is signed with SHA-1 or MD5: most clients refuse it"});
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
        findings.push_back({Level::ok, name + " is valid for " + config::joined(facts.names)});
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
    const std::string name = "certificate " + config::in_quotes(pair.certificate_file);
    check_key(pair, findings);
    check_chain(name, facts, findings);
    check_dates(name, facts, now, findings);
    check_names(name, facts, findings);
    check_strength(name, facts, findings);
}

void check_lists(const tls::ServerSettings& settings, std::int64_t now, Findings& findings) {
    for (const auto& list : tls::inspect_lists(settings.crl_file, settings.crl_dir)) {
        const std::string name =
            "revocation list of " + list.issuer + " in " + config::in_quotes(list.file);
        if (list.next_update == 0)
            findings.push_back({Level::ok, name + " never expires"});
        else if (now >= list.next_update)
            findings.push_back({Level::error,
                                name + " has expired on " + date_of(list.next_update) +
                                    ": every client certificate of this CA is refused"});
        else
            findings.push_back({Level::ok, name + " is valid until " + date_of(list.next_update)});
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
        findings.push_back({Level::warning,
                            "ssl_ciphers allows ciphers without encryption or authentication: " +
                                config::joined(broken)});
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

// Never an error: one of several CAs may have expired without being needed.
void check_authorities(const tls::ServerSettings& settings, std::int64_t now, Findings& findings) {
    for (const std::string& file : authority_files(settings)) {
        for (const std::string& leaf : tls::leaves_among_authorities(file))
            findings.push_back({Level::warning,
                                config::in_quotes(file) + " holds " + leaf +
                                    ", which is not a CA certificate: it can verify only itself"});
        const auto first = tls::read_certificate_file(file, tls::WhichCertificate::first_to_expire);
        if (!first) continue;
        const std::string name = "authority " + config::in_quotes(first->subject_cn) +
                                 ", the first of " + config::in_quotes(file) + " to expire, ";
        const std::string until = date_of(first->not_after);
        if (now >= first->not_after)
            findings.push_back({Level::warning,
                                name + "has expired on " + until +
                                    ": client certificates that it has issued are refused"});
        else if (first->not_after - now < expiry_warning.count())
            findings.push_back({Level::warning, name + "expires soon: " + until});
        else
            findings.push_back({Level::ok, name + "is valid until " + until});
    }
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

} // namespace pgmoat::cli
