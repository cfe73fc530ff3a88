// TLS settings turned into immutable contexts, one for the server's role and one for the client's.
// Built at start and at reload (throws Error then), shared by any number of sessions, never
// changed. A session keeps its OpenSSL context alive by itself: a context object may go while
// sessions live.
//
// As in PostgreSQL (be-secure-openssl.c): no tickets, no session cache, no renegotiation, no
// compression. SSLKEYLOGFILE is never honoured.
#pragma once

#include "tls/file_facts.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct ssl_ctx_st; // OpenSSL's SSL_CTX: our headers include none of OpenSSL's

namespace pgmoat::tls {

// Thrown at start and reload only. what() is PostgreSQL's own text where it has one, and names the
// file.
class Error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
    Error(const std::string& message, std::string detail_text, std::string hint_text)
        : std::runtime_error(message), detail(std::move(detail_text)), hint(std::move(hint_text)) {}
    std::string detail;
    std::string hint;
};

// The protocol inside TLS. A client that offers ALPN protocols must offer this one.
enum class Application { postgresql, http };
// A PEM chain, leaf first, and its PEM key, with PostgreSQL's permission rules.
struct KeyPair {
    std::string certificate_file;
    std::string key_file;
    friend bool operator==(const KeyPair&, const KeyPair&) = default;
};

// A line of pg_hosts.conf. Names are in lower case; "*" means every other host, "/no_sni/" a client
// that sends no name.
struct HostSettings {
    std::vector<std::string> names;
    std::vector<KeyPair> pairs;
    std::string ca_file;
    std::string passphrase_command;
    bool passphrase_command_supports_reload = false;
};

// postgresql.conf's names and defaults. Paths are absolute or relative to the working directory:
// the caller has resolved them against the configuration's folder.
struct ServerSettings {
    // ssl_cert_file, ssl_key_file: several if their keys are of different types.
    std::vector<KeyPair> pairs{{"server.crt", "server.key"}};
    std::string passphrase_command; // for an encrypted key; empty: none
    bool passphrase_command_supports_reload = false;
    std::string ca_file; // empty: client certificates are never requested
    std::string crl_file;
    std::string crl_dir;
    std::string ciphers = "HIGH:MEDIUM:+3DES:!aNULL";
    std::string tls13_ciphers; // empty: OpenSSL's default
    std::string groups = "X25519:prime256v1";
    bool groups_are_of_a_profile = false; // names unknown to OpenSSL are then left out
    std::string dh_params_file;           // empty: the built-in group
    bool prefer_server_ciphers = true;
    std::string min_protocol_version = "TLSv1.2";
    std::string max_protocol_version; // empty: no limit
    Application application = Application::postgresql;
    // ssl_sni with pg_hosts.conf. Unless empty, replaces the certificates, keys, CA and passphrase
    // command above.
    std::vector<HostSettings> hosts;
};

// The hosts; if there are none, the settings above as one entry for all names.
[[nodiscard]] std::vector<HostSettings> hosts_of(const ServerSettings& settings);

// When a context is built: some things PostgreSQL does only at server start.
enum class Occasion { start, reload };

// Runs a shell command and returns the first line of its output, with its line end. Throws Error
// with PostgreSQL's text if it fails or takes too long.
using RunCommand = std::function<std::string(const std::string& command)>;

struct Loading {
    Occasion occasion = Occasion::start;
    RunCommand run_command; // none: an encrypted key cannot be loaded
    // The uid that the server will run as; none: the current one.
    std::optional<unsigned> run_as = std::nullopt;
};

// The facts of our own certificate: for start-up warnings, `check` and the SCRAM table.
struct OwnCertificate : FileCertificate {
    std::string file;
    std::string subject; // slash form
    std::string issuer;  // slash form
    std::vector<std::string> dns_names;
    std::string leaf_sha256;                // of the DER, hex: to compare with the upstream's leaf
    bool has_channel_binding_digest = true; // false for Ed25519, Ed448: libpq's SCRAM breaks on it
    bool has_subject_alternative_name = false;
};

// A CA file, described by the CA that expires first.
struct OwnAuthority : FileCertificate {
    std::string file;
};

class ServerContext {
  public:
    [[nodiscard]] static std::shared_ptr<const ServerContext> load(const ServerSettings& settings,
                                                                   const Loading& loading = {});
    ~ServerContext();
    ServerContext(const ServerContext&) = delete;
    ServerContext& operator=(const ServerContext&) = delete;

    // Of all hosts; never empty.
    [[nodiscard]] const std::vector<OwnCertificate>& certificates() const noexcept {
        return certificates_;
    }
    // The CAs whose certificates clients may present: each file once, in the order of the hosts.
    [[nodiscard]] const std::vector<OwnAuthority>& authorities() const noexcept {
        return authorities_;
    }
    // For the log: what deviates from the settings or may surprise an operator.
    [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }
    [[nodiscard]] ssl_ctx_st* native() const noexcept { return context_; } // for tls/ only

  private:
    ServerContext() = default;
    ssl_ctx_st* context_ = nullptr;
    std::vector<OwnCertificate> certificates_;
    std::vector<OwnAuthority> authorities_;
    std::vector<std::string> notes_;
};

// How far the server's certificate is verified: as libpq's sslmodes require, verify-ca,
// verify-full.
enum class Verify { nothing, chain, chain_and_name };

// libpq's names. An empty path means "not given".
struct ClientSettings {
    Verify verify = Verify::nothing;
    std::string root_certificate_file; // a file, or "system" (implies chain_and_name)
    std::string crl_file;
    std::string crl_dir;
    std::string certificate_file; // client certificate, with its chain
    std::string key_file;         // libpq's permission rules
    std::string key_password;
    std::string min_protocol_version = "TLSv1.2";
    std::string max_protocol_version;
    bool send_server_name = true; // sslsni
    bool offer_postgresql = true; // in ALPN; not to a server of another protocol
};

class ClientContext {
  public:
    [[nodiscard]] static std::shared_ptr<const ClientContext> load(const ClientSettings& settings);
    ~ClientContext();
    ClientContext(const ClientContext&) = delete;
    ClientContext& operator=(const ClientContext&) = delete;

    [[nodiscard]] Verify verify() const noexcept { return verify_; }
    [[nodiscard]] bool sends_server_name() const noexcept { return send_server_name_; }
    [[nodiscard]] ssl_ctx_st* native() const noexcept { return context_; } // for tls/ only

  private:
    ClientContext() = default;
    ssl_ctx_st* context_ = nullptr;
    Verify verify_ = Verify::nothing;
    bool send_server_name_ = true;
};

// OpenSSL's version, as built against and as loaded; for --version.
[[nodiscard]] std::string build_version();
[[nodiscard]] std::string runtime_version();

} // namespace pgmoat::tls
