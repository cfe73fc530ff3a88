#include "proxy/server/certificate_gauges.h"

#include "tls/file_facts.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

namespace pgmoat::server {

namespace {

using metrics::CertificateState;
using tls::WhichCertificate;

CertificateState* find(CertificateStates& states, const CertificateState& like) {
    const auto found = std::find_if(states.begin(), states.end(), [&like](const auto& state) {
        return state.role == like.role && state.name == like.name;
    });
    return found == states.end() ? nullptr : &*found;
}

metrics::CertificateFacts to_metric(const tls::FileCertificate& certificate) {
    return {certificate.not_before,
            certificate.not_after,
            certificate.serial,
            certificate.subject_cn,
            certificate.issuer_cn,
            certificate.key_type,
            certificate.signature_algorithm};
}

class Inventory {
  public:
    void add(const char* role, const std::string& file, WhichCertificate which) {
        CertificateState state{role, file, std::nullopt, std::nullopt, true};
        // Hosts and upstreams may name the same file: it is read only once.
        if (file.empty() || find(states_, state) != nullptr) return;
        if (const auto facts = tls::read_certificate_file(file, which)) {
            state.facts = to_metric(*facts);
            state.load_failed = false;
        }
        add(std::move(state));
    }

    // For a context in use: the facts are those from when it was loaded.
    void add(const tls::ServerContext& loaded) {
        for (const tls::OwnCertificate& own : loaded.certificates())
            add(CertificateState{"server", own.file, to_metric(own), std::nullopt, false});
        for (const tls::OwnAuthority& own : loaded.authorities())
            add(CertificateState{"client_ca", own.file, to_metric(own), std::nullopt, false});
    }

    // For a configuration that could not be loaded.
    void add(const tls::HostSettings& host) {
        for (const tls::KeyPair& pair : host.pairs)
            add("server", pair.certificate_file, WhichCertificate::leaf);
        add("client_ca", host.ca_file, WhichCertificate::first_to_expire);
    }

    void add_lists(const std::string& file, const std::string& folder) {
        if (!file.empty()) add_list(file);
        for (const std::string& name : tls::lists_in_folder(folder))
            add_list(name);
    }

    [[nodiscard]] CertificateStates take() {
        std::sort(states_.begin(), states_.end(), [](const auto& left, const auto& right) {
            return std::tie(left.role, left.name) < std::tie(right.role, right.name);
        });
        return std::move(states_);
    }

  private:
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

// A file may be readable and still unusable: for example a key that belongs to another certificate.
void blame_what_cannot_be_used(CertificateStates& found,
                               const config::Config& config,
                               const tls::Loading& loading) {
    const auto hosts = config.ssl ? tls::hosts_of(config.tls) : std::vector<tls::HostSettings>{};
    for (const tls::HostSettings& host : hosts) {
        for (const tls::KeyPair& pair : host.pairs) {
            tls::ServerSettings alone;
            alone.pairs = {pair};
            alone.passphrase_command = host.passphrase_command;
            alone.passphrase_command_supports_reload = host.passphrase_command_supports_reload;
            if (fails([&] { (void)tls::ServerContext::load(alone, loading); }))
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

// `loaded` is null for a configuration that could not be loaded; then the server's files are read.
CertificateStates read_all(const config::Config& config, const tls::ServerContext* loaded) {
    Inventory inventory;
    if (loaded != nullptr) {
        inventory.add(*loaded);
    } else if (config.ssl) {
        for (const tls::HostSettings& host : tls::hosts_of(config.tls))
            inventory.add(host);
    }
    if (config.ssl) inventory.add_lists(config.tls.crl_file, config.tls.crl_dir);
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

} // namespace

CertificateStates read_certificates(const runtime::RuntimeConfig& setup) {
    return read_all(setup.config, setup.tls.get());
}

CertificateStates find_faults(const config::Config& refused, const tls::Loading& loading) {
    CertificateStates found = read_all(refused, nullptr);
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

} // namespace pgmoat::server
