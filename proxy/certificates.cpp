#include "proxy/certificates.h"

#include "tls/file_facts.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

namespace pgmoat {

namespace {

using metrics::CertificateState;
using tls::WhichCertificate;

CertificateState* find(CertificateStates& states, const CertificateState& like) {
    const auto found = std::find_if(states.begin(), states.end(), [&like](const auto& state) {
        return state.role == like.role && state.name == like.name;
    });
    return found == states.end() ? nullptr : &*found;
}

// The lines of pg_hosts.conf where it takes the place of ssl_cert_file, else those settings as one.
std::vector<tls::HostSettings> hosts_of(const tls::ServerSettings& tls) {
    if (!tls.hosts.empty()) return tls.hosts;
    return {{{"*"},
             tls.pairs,
             tls.ca_file,
             tls.passphrase_command,
             tls.passphrase_command_supports_reload}};
}

class Inventory {
  public:
    void add(const char* role, const std::string& file, WhichCertificate which) {
        CertificateState state{role, file, std::nullopt, std::nullopt, true};
        // Hosts and upstreams may name the same file: it is read once.
        if (file.empty() || find(states_, state) != nullptr) return;
        if (auto facts = tls::read_certificate_file(file, which)) {
            state.facts = {facts->not_before,
                           facts->not_after,
                           std::move(facts->serial),
                           std::move(facts->subject_cn),
                           std::move(facts->issuer_cn),
                           std::move(facts->key_type),
                           std::move(facts->signature_algorithm)};
            state.load_failed = false;
        }
        add(std::move(state));
    }

    void add_lists(const std::string& file, const std::string& folder) {
        if (!file.empty()) add_list(file);
        if (folder.empty()) return;
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(folder, error))
            if (is_hashed_list(entry.path())) add_list(entry.path().string());
    }

    [[nodiscard]] CertificateStates take() {
        std::sort(states_.begin(), states_.end(), [](const auto& left, const auto& right) {
            return std::tie(left.role, left.name) < std::tie(right.role, right.name);
        });
        return std::move(states_);
    }

  private:
    // "1a2b3c4d.r0", as openssl rehash names it: OpenSSL reads no other file of the folder.
    static bool is_hashed_list(const std::filesystem::path& path) {
        return path.stem().string().size() == 8 && path.extension().string().starts_with(".r");
    }

    void add_list(const std::string& file) {
        const auto next_update = tls::read_next_update(file);
        CertificateState state{"crl", file, std::nullopt, std::nullopt, !next_update};
        if (next_update.value_or(0) != 0) state.next_update = next_update;
        add(std::move(state));
    }

    void add(CertificateState state) {
        if (find(states_, state) == nullptr) states_.push_back(std::move(state));
    }

    CertificateStates states_;
};

template <class Load>
bool fails(const Load& load) {
    try {
        load();
        return false;
    } catch (const tls::Error&) {
        return true;
    }
}

void blame(CertificateStates& found, const std::string& role, const std::string& file) {
    for (CertificateState& state : found)
        if (state.role == role && state.name == file) state.load_failed = true;
}

// Files that can be read may still be of no use: a key that belongs to another certificate.
void blame_what_cannot_be_used(CertificateStates& found,
                               const config::Config& config,
                               const tls::Loading& loading) {
    for (const tls::HostSettings& host : hosts_of(config.tls)) {
        for (const tls::KeyPair& pair : host.pairs) {
            tls::ServerSettings alone;
            alone.pairs = {pair};
            alone.passphrase_command = host.passphrase_command;
            alone.passphrase_command_supports_reload = host.passphrase_command_supports_reload;
            if (config.ssl && fails([&] { (void)tls::ServerContext::load(alone, loading); }))
                blame(found, "server", pair.certificate_file);
        }
    }
    if (!config.http_tls_cert_file.empty()) {
        tls::ServerSettings alone;
        alone.pairs = {{config.http_tls_cert_file, config.http_tls_key_file}};
        if (fails([&] { (void)tls::ServerContext::load(alone, loading); }))
            blame(found, "http", config.http_tls_cert_file);
    }
    for (const auto& [name, conninfo] : config.upstreams) {
        if (conninfo.sslmode == config::SslMode::disable) continue;
        const tls::ClientSettings settings = config::client_tls_settings(conninfo);
        if (fails([&] { (void)tls::ClientContext::load(settings); }))
            blame(found, "upstream_client", settings.certificate_file);
    }
}

bool any_failed(const CertificateStates& states) {
    return std::any_of(
        states.begin(), states.end(), [](const auto& state) { return state.load_failed; });
}

} // namespace

CertificateStates read_certificates(const config::Config& config) {
    Inventory inventory;
    if (config.ssl) {
        for (const tls::HostSettings& host : hosts_of(config.tls)) {
            for (const tls::KeyPair& pair : host.pairs)
                inventory.add("server", pair.certificate_file, WhichCertificate::leaf);
            inventory.add("client_ca", host.ca_file, WhichCertificate::first_to_expire);
        }
        inventory.add_lists(config.tls.crl_file, config.tls.crl_dir);
    }
    inventory.add("http", config.http_tls_cert_file, WhichCertificate::leaf);
    for (const auto& [name, conninfo] : config.upstreams) {
        if (conninfo.sslmode == config::SslMode::disable) continue;
        inventory.add("upstream_client", conninfo.sslcert, WhichCertificate::leaf);
        if (conninfo.sslrootcert != "system")
            inventory.add("upstream_ca", conninfo.sslrootcert, WhichCertificate::first_to_expire);
        inventory.add_lists(conninfo.sslcrl, conninfo.sslcrldir);
    }
    return inventory.take();
}

CertificateStates find_faults(const config::Config& refused, const tls::Loading& loading) {
    CertificateStates found = read_certificates(refused);
    if (!any_failed(found)) blame_what_cannot_be_used(found, refused, loading);
    std::erase_if(found, [](const auto& state) { return !state.load_failed; });
    return found;
}

void mark_faults(CertificateStates& in_use, const CertificateStates& faults) {
    for (CertificateState& state : in_use)
        state.load_failed = false;
    for (const CertificateState& fault : faults) {
        if (CertificateState* used = find(in_use, fault))
            used->load_failed = true;
        else
            in_use.push_back({fault.role, fault.name, std::nullopt, std::nullopt, true});
    }
}

} // namespace pgmoat
