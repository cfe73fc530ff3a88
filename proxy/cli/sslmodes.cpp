#include "proxy/cli/sslmodes.h"

#include "proxy/config/hosts_file.h"
#include "proxy/config/text.h"
#include "tls/inspect.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

namespace pgmoat::cli {

namespace {

constexpr std::array modes{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"};
constexpr std::string_view any_host = "*";
constexpr std::string_view no_server_name = "/no_sni/";

// --- what is listened with ------------------------------------------------------------------------

// The TLS that clients of a listener get: pgmoat's own, or the server's, about which nothing is
// known.
struct Listening {
    const config::Config& config;
    bool passes_through;

    [[nodiscard]] bool has_tls() const { return passes_through || config.ssl; }
    [[nodiscard]] bool by_name() const { return !passes_through && !config.tls.hosts.empty(); }
    [[nodiscard]] std::vector<tls::HostSettings> hosts() const {
        return passes_through ? std::vector<tls::HostSettings>(1) : tls::hosts_of(config.tls);
    }
    [[nodiscard]] std::string tls_version() const {
        const std::string& max = config.tls.max_protocol_version;
        return passes_through || max.empty() ? "TLSv1.3" : max;
    }
};

// --- where a client connects to -----------------------------------------------------------------

// What a client meets that connects with a certain SNI, or with none.
struct Target {
    std::string title;                           // empty: there is only one target
    std::string server_name;                     // SNI; empty: none
    std::string host;                            // that the certificate must name; empty: unknown
    const tls::HostSettings* settings = nullptr; // none: the handshake fails
};

const tls::HostSettings* settings_of(const std::vector<tls::HostSettings>& hosts,
                                     std::string_view name) {
    const auto found = std::find_if(hosts.begin(), hosts.end(), [&](const auto& host) {
        return std::find(host.names.begin(), host.names.end(), name) != host.names.end();
    });
    return found == hosts.end() ? nullptr : &*found;
}

class Targets {
  public:
    Targets(const Listening& listening, const hba::Rules* rules)
        : hosts_(listening.hosts()), by_name_(listening.by_name()), rules_(rules) {}

    std::vector<Target> all() const {
        if (!by_name_ && server_names().empty()) return {{"", "", "", &hosts_.front()}};
        std::vector<Target> targets;
        for (const std::string& name : server_names())
            targets.push_back(to_host(name));
        targets.push_back(to("any other host name", "\x01", ""));
        targets.push_back(to("an IP address", "", ""));
        return targets;
    }
    Target to_host(const std::string& host) const {
        if (host.starts_with("*.")) {
            const std::string one_of_them = "any" + host.substr(1);
            return to(config::in_quotes(host), one_of_them, one_of_them);
        }
        const bool is_address = tls::is_address(host);
        return to(config::in_quotes(host), is_address ? "" : config::lower_case(host), host);
    }

  private:
    Target to(std::string title, std::string server_name, std::string host) const {
        const tls::HostSettings* settings = find(server_name);
        return {std::move(title), std::move(server_name), std::move(host), settings};
    }
    // As in tls/host_table.
    const tls::HostSettings* find(const std::string& server_name) const {
        if (!by_name_) return &hosts_.front();
        const auto* exact = settings_of(
            hosts_, server_name.empty() ? no_server_name : std::string_view(server_name));
        return exact != nullptr ? exact : settings_of(hosts_, any_host);
    }
    std::vector<std::string> server_names() const {
        std::vector<std::string> names;
        const auto add = [&names](const std::string& name) {
            if (name == any_host || name == no_server_name) return;
            if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
        };
        if (by_name_)
            for (const auto& host : hosts_)
                std::for_each(host.names.begin(), host.names.end(), add);
        if (rules_ != nullptr)
            for (const hba::Rule& rule : rules_->rules)
                if (rule.sni && !rule.sni_regex)
                    add(*rule.sni); // the names that an expression matches are unknown
        return names;
    }

    std::vector<tls::HostSettings> hosts_;
    bool by_name_;
    const hba::Rules* rules_;
};

// --- what the certificate is worth to a client that verifies it -----------------------------------

struct Shown {
    std::string problem; // for every chain; empty: at least one can be verified
    bool self_signed = false;
    std::vector<std::string> names; // in the certificate
    bool names_host = false;        // the requested one
};

Shown shown_at(const Target& target, std::int64_t now) {
    Shown shown;
    bool first = true;
    for (const auto& pair : target.settings->pairs) {
        const tls::ChainFacts facts = tls::inspect_chain(pair.certificate_file);
        const std::string problem = tls::verification_problem(facts, now);
        if (first || problem.empty()) shown.problem = problem;
        if (first) shown.self_signed = facts.links.front().self_signed;
        first = false;
        if (!problem.empty()) continue;
        for (const std::string& name : facts.names)
            if (std::find(shown.names.begin(), shown.names.end(), name) == shown.names.end())
                shown.names.push_back(name);
        shown.names_host =
            shown.names_host ||
            (!target.host.empty() && tls::names_host(pair.certificate_file, target.host));
    }
    return shown;
}

// --- one client ---------------------------------------------------------------------------------

enum class Tls { none, no_handshake, refused, let_in };

// The results of the two kinds of attempts of one client.
struct Attempts {
    bool plaintext;
    Tls tls;
};

enum class Way { in_tls, in_plaintext, refused };

struct Result {
    Way way = Way::refused;
    bool second = false;
    auto operator<=>(const Result&) const = default;
};

Result in_plaintext(const Attempts& attempts, bool second) {
    return attempts.plaintext ? Result{Way::in_plaintext, second} : Result{Way::refused, second};
}

Result in_tls(const Attempts& attempts, bool second) {
    return attempts.tls == Tls::let_in ? Result{Way::in_tls, second} : Result{Way::refused, second};
}

Result result_of(std::string_view mode, const Attempts& attempts) {
    if (mode == "disable") return in_plaintext(attempts, false);
    if (mode == "allow")
        return attempts.plaintext ? in_plaintext(attempts, false) : in_tls(attempts, true);
    if (mode == "prefer")
        // Without TLS the same connection goes on in plaintext.
        return attempts.tls == Tls::let_in ? in_tls(attempts, false)
                                           : in_plaintext(attempts, attempts.tls != Tls::none);
    return in_tls(attempts, false);
}

// --- all clients --------------------------------------------------------------------------------

using Results = std::set<Result>;

// Demands for ciphers and groups depend on the client, so each guess is tried with them met and
// with them not met.
std::vector<hba::Rules> with_demands_guessed(std::vector<hba::Rules> guesses) {
    const std::size_t count = guesses.size();
    for (std::size_t i = 0; i < count; ++i) {
        bool demands = false;
        hba::Rules met = guesses[i];
        for (hba::Rule& rule : met.rules) {
            demands =
                demands || !rule.demands.tls_ciphers.empty() || !rule.demands.tls_groups.empty();
            rule.demands.tls_ciphers.clear();
            rule.demands.tls_groups.clear();
        }
        if (demands) guesses.push_back(std::move(met));
    }
    return guesses;
}

class Clients {
  public:
    Clients(const Listening& listening, const hba::Rules* rules, const Who& who)
        : listening_(listening), has_rules_(rules != nullptr) {
        if (!has_rules_) return;
        guesses_ = with_demands_guessed(guesses_about(*rules, who));
        classes_ = client_classes(*rules, who);
    }

    // The results by mode for the clients that get in at all, with a certificate or without one.
    // Empty: no client gets in.
    std::map<std::string, Results> results(const Target& target, bool certificate) const {
        std::map<std::string, Results> results;
        const auto add = [&](const Attempts& attempts) {
            for (const char* mode : modes)
                results[mode].insert(result_of(mode, attempts));
        };
        if (!has_rules_) {
            add({true, tls_of(target, true)});
            return results;
        }
        for (const hba::Rules& guess : guesses_)
            for (const ClientClass& client : classes_) {
                const Attempts without = attempts_of(guess, client, target, false);
                const Attempts with = attempts_of(guess, client, target, true);
                const bool gets_in =
                    without.plaintext || without.tls == Tls::let_in || with.tls == Tls::let_in;
                if (gets_in) add(certificate ? with : without);
            }
        return results;
    }

  private:
    Tls tls_of(const Target& target, bool allowed) const {
        if (!listening_.has_tls()) return Tls::none;
        if (target.settings == nullptr) return Tls::no_handshake;
        return allowed ? Tls::let_in : Tls::refused;
    }

    Attempts attempts_of(const hba::Rules& guess,
                         const ClientClass& client,
                         const Target& target,
                         bool certificate) const {
        hba::Candidate candidate;
        candidate.address_text = client.address;
        candidate.address = hba::net_address_from(client.address);
        candidate.user = client.user;
        candidate.database = client.database;
        candidate.passthrough = listening_.passes_through;
        const bool plaintext = lets_in(guess, candidate);
        if (!listening_.has_tls() || target.settings == nullptr)
            return {plaintext, tls_of(target, false)};
        candidate.tls = true;
        candidate.tls_version = listening_.tls_version();
        candidate.server_name = target.server_name;
        candidate.has_ca = !target.settings->ca_file.empty();
        if (certificate && candidate.has_ca) {
            auto facts = std::make_shared<tls::CertificateFacts>();
            facts->common_name = client.user;
            facts->subject_rfc2253 = client.user;
            candidate.certificate = std::move(facts);
        }
        return {plaintext, tls_of(target, lets_in(guess, candidate))};
    }

    const Listening& listening_;
    bool has_rules_;
    std::vector<hba::Rules> guesses_;
    std::vector<ClientClass> classes_;
};

// --- the table ----------------------------------------------------------------------------------

struct Row {
    std::string mode;
    std::string certificate; // of the client
    std::string connects;
    std::string eavesdropping;
    std::string man_in_the_middle;
    bool operator==(const Row&) const = default;
};

bool has(const Results& results, Way way) {
    return std::any_of(
        results.begin(), results.end(), [way](const Result& result) { return result.way == way; });
}

std::string ways_of(const Results& results) {
    const bool tls = has(results, Way::in_tls);
    const bool plaintext = has(results, Way::in_plaintext);
    const bool refused = has(results, Way::refused);
    std::string text;
    if (!tls && !plaintext) return "no";
    if (tls && plaintext)
        text = refused ? "in TLS, in plaintext or not at all, as the rules decide"
                       : "in TLS or in plaintext, as the rules decide";
    else if (refused)
        text = std::string(tls ? "in TLS" : "in plaintext") + " or not at all, as the rules decide";
    else
        text = tls ? "yes, in TLS" : "yes, in plaintext";
    const bool second = std::all_of(results.begin(), results.end(), [](const Result& result) {
        return result.second || result.way == Way::refused;
    });
    return second ? text + ", at the second attempt" : text;
}

// Why no client connects this way.
std::string reason_for(std::string_view mode, const Listening& listening, const Target& target) {
    if (mode == "disable") return "the rules refuse plaintext";
    if (!listening.has_tls() && (mode == "allow" || mode == "prefer"))
        return "the rules refuse plaintext, and pgmoat has no TLS here";
    if (!listening.has_tls()) return "pgmoat has no TLS here";
    if (target.settings == nullptr)
        return target.server_name.empty() ? "no certificate for clients without a host name (SNI)"
                                          : "no certificate for this host name";
    return "the rules refuse TLS";
}

Row row_of(std::string_view mode,
           const Results& results,
           const Listening& listening,
           const Target& target) {
    Row row{std::string(mode), "", ways_of(results), "-", "-"};
    if (row.connects == "no") {
        row.connects += ": " + reason_for(mode, listening, target);
        return row;
    }
    const bool always_tls = !has(results, Way::in_plaintext);
    row.eavesdropping = always_tls ? "yes" : has(results, Way::in_tls) ? "not always" : "no";
    row.man_in_the_middle = "no";
    if (mode == "allow" && always_tls) row.man_in_the_middle = "no: it begins in plaintext";
    if (mode == "prefer" && has(results, Way::in_tls))
        row.man_in_the_middle = "no: an active attacker can disable TLS";
    if (mode == "require")
        row.man_in_the_middle = "no: any certificate is accepted (unless there is a root file)";
    return row;
}

// For verify-ca and verify-full, if TLS works at all.
void add_verification(Row& row, const Shown& shown, const Target& target) {
    if (row.connects.starts_with("no")) return;
    const bool full = row.mode == "verify-full";
    std::string problem = shown.problem;
    if (problem.empty() && full && !target.host.empty() && !shown.names_host)
        problem = "the certificate is not valid for " + config::in_quotes(target.host);
    if (problem.empty() && full && shown.names.empty()) problem = "the certificate names no host";
    if (!problem.empty()) {
        row.connects = "no: " + problem;
        row.eavesdropping = row.man_in_the_middle = "-";
        return;
    }
    row.connects += shown.self_signed ? ", with the certificate itself as sslrootcert"
                                      : ", with the CA as sslrootcert";
    if (full && target.host.empty()) row.connects += ", to " + config::joined(shown.names);
    row.man_in_the_middle = full ? "yes" : "only with a private CA";
}

// The same if the certificate is the server's, which is not known here.
void add_verification_by_server(Row& row) {
    if (row.connects.starts_with("no")) return;
    const bool full = row.mode == "verify-full";
    row.connects += ", if sslrootcert verifies the server's certificate";
    if (full) row.connects += " and it names the host";
    row.man_in_the_middle = full ? "yes" : "only with a private CA";
}

void add_rows_of_mode(std::string_view mode,
                      const std::map<std::string, Results>& without,
                      const std::map<std::string, Results>& with,
                      const Listening& listening,
                      const Target& target,
                      const Shown& shown,
                      std::vector<Row>& rows) {
    const auto made = [&](const std::map<std::string, Results>& results) {
        Row row = row_of(mode, results.at(std::string(mode)), listening, target);
        if (!mode.starts_with("verify")) return row;
        if (listening.passes_through)
            add_verification_by_server(row);
        else
            add_verification(row, shown, target);
        return row;
    };
    Row first = made(without);
    Row second = made(with);
    if (first == second) {
        rows.push_back(std::move(first));
        return;
    }
    first.certificate = "without";
    second.certificate = "with";
    rows.push_back(std::move(first));
    rows.push_back(std::move(second));
}

std::vector<Row> rows_of(const Listening& listening,
                         const Clients& clients,
                         const Target& target,
                         std::int64_t now) {
    const auto without = clients.results(target, false);
    const auto with = clients.results(target, true);
    std::vector<Row> rows;
    if (without.empty()) {
        for (const char* mode : modes)
            rows.push_back({mode, "", "no: the rules refuse every client", "-", "-"});
        return rows;
    }
    const bool shows_own = listening.config.ssl && !listening.passes_through;
    const Shown shown = shows_own && target.settings != nullptr ? shown_at(target, now) : Shown{};
    for (const char* mode : modes)
        add_rows_of_mode(mode, without, with, listening, target, shown, rows);
    return rows;
}

void add_table(const std::vector<Row>& rows, std::vector<std::string>& lines) {
    std::vector<Row> all{{"sslmode",
                          "",
                          "connects",
                          "protects against eavesdropping",
                          "protects against an active attacker"}};
    all.insert(all.end(), rows.begin(), rows.end());
    const bool certificates = std::any_of(
        rows.begin(), rows.end(), [](const Row& row) { return !row.certificate.empty(); });
    if (certificates) all.front().certificate = "client certificate";
    const auto width_of = [&all](std::string Row::*column) {
        std::size_t width = 0;
        for (const Row& row : all)
            width = std::max(width, (row.*column).size());
        return width;
    };
    const auto padded = [](std::string text, std::size_t width) {
        text.resize(std::max(width, text.size()), ' ');
        return text + "  ";
    };
    for (const Row& row : all)
        lines.push_back("  " + padded(row.mode, 12) +
                        (certificates ? padded(row.certificate, width_of(&Row::certificate)) : "") +
                        padded(row.connects, width_of(&Row::connects)) +
                        padded(row.eavesdropping, width_of(&Row::eavesdropping)) +
                        row.man_in_the_middle);
}

void add_listener(const config::Config& config,
                  const config::Listener& listener,
                  const hba::Rules* rules,
                  const ClientQuestion& question,
                  std::int64_t now,
                  std::vector<std::string>& lines) {
    const std::string head = "listener " + config::in_quotes(listener.name);
    if (listener.addresses.empty()) {
        lines.push_back(head + ": only Unix-domain sockets, which have no TLS");
        return;
    }
    const Listening listening{config, listener.tls_mode == config::TlsMode::passthrough};
    const Targets known(listening, rules);
    const std::vector<Target> targets =
        question.host.empty() ? known.all() : std::vector<Target>{known.to_host(question.host)};
    const Clients clients(listening, rules, question.who);
    // Hosts with the same table share it.
    std::vector<std::pair<std::string, std::vector<Row>>> tables;
    for (const Target& target : targets) {
        auto rows = rows_of(listening, clients, target, now);
        const auto same = std::find_if(tables.begin(), tables.end(), [&rows](const auto& table) {
            return table.second == rows;
        });
        if (same == tables.end())
            tables.emplace_back(target.title, std::move(rows));
        else
            same->first += ", " + target.title;
    }
    for (const auto& [title, rows] : tables) {
        const bool only_one = tables.size() == 1 && question.host.empty();
        lines.push_back(head + ", clients over TCP" +
                        (only_one || title.empty() ? "" : " that connect to " + title) +
                        (listening.passes_through ? ", TLS passed through to a server that offers "
                                                    "TLSv1.3 and lets every client in:"
                                                  : ":"));
        add_table(rows, lines);
    }
}

} // namespace

std::vector<std::string> explain_sslmodes(const config::Config& config,
                                          const std::vector<const hba::Rules*>& rules,
                                          const ClientQuestion& question,
                                          std::int64_t now) {
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < config.listeners.size(); ++i)
        add_listener(config,
                     config.listeners[i],
                     i < rules.size() ? rules[i] : nullptr,
                     question,
                     now,
                     lines);
    return lines;
}

} // namespace pgmoat::cli
