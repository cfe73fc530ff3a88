// What our own code cannot do, done with OpenSSL directly: clients with any settings, certificates
// with any names, revocation lists, and access to OpenSSL's error queue.
#pragma once

#include "tests/support/tls_pair.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pgmoat::test {

[[nodiscard]] bool error_queue_is_empty();

// Why no context can be built with these settings, or "no complaint"; checks that the queue is
// empty.
[[nodiscard]] std::string complaint_of(const tls::ServerSettings& settings);

struct ForeignClientSettings {
    std::string lowest_version = "TLSv1.2";
    std::string highest_version = "TLSv1.3";
    std::string ciphers;       // TLS 1.2; empty: OpenSSL's
    std::string tls13_ciphers; // empty: OpenSSL's
    std::string groups;        // empty: OpenSSL's
    std::vector<std::string> alpn;
    std::string server_name;
    std::string certificate_file;
    std::string key_file;
};

// A client that uses OpenSSL directly, without our code.
class ForeignClient {
  public:
    explicit ForeignClient(const ForeignClientSettings& settings);
    ~ForeignClient();

    // Runs until both are done or one fails. True: both have succeeded.
    bool shake_hands(Endpoint& server);
    // Exchanges one flight of each side, and changes settings for the next one: there is one after
    // a HelloRetryRequest.
    void exchange_flights(Endpoint& server);
    void ask_for(const std::string& server_name);

    void send(std::string_view text, Endpoint& server);
    std::string receive(Endpoint& server);
    void send_key_update(Endpoint& server);
    // TLS 1.2: requests a renegotiation. False: OpenSSL did not even send the request.
    bool ask_for_renegotiation(Endpoint& server);

    // The number of the last alert received; -1: none.
    [[nodiscard]] int received_alert() const;
    // Names of the CAs whose certificates the server accepts.
    [[nodiscard]] std::vector<std::string> acceptable_authorities() const;
    [[nodiscard]] std::string alpn() const;
    // Bits of the key that the server made for this handshake: 2048 for a group of that size.
    [[nodiscard]] int ephemeral_key_bits() const;
    // The common name of the certificate that the server sent.
    [[nodiscard]] std::string shown_common_name() const;
    [[nodiscard]] bool was_resumed() const;
    // The server sent a ticket or a session id for resumption.
    [[nodiscard]] bool may_resume() const;

  private:
    void exchange(Endpoint& server);

    struct Native;
    std::unique_ptr<Native> native_;
};

// Parts of a subject in the order of the encoding; values are UTF-8 and may contain NULs.
using Subject = std::vector<std::pair<std::string, std::string>>;

// Creates name.crt and name.key in the folder, for a client, issued by "root".
void issue_with_subject(const CertificateFolder& folder,
                        const std::string& name,
                        const Subject& subject);

// Writes a revocation list of a CA with the given certificates, valid for a day.
void write_revocation_list(const CertificateFolder& folder,
                           const std::string& file,
                           const std::vector<std::string>& revoked,
                           const std::string& authority = "root",
                           int starts_in_days = 0);
// The same in a folder, as `openssl rehash` would leave it.
void write_revocation_folder(const CertificateFolder& folder,
                             const std::string& path,
                             const std::vector<std::string>& revoked,
                             const std::string& authority = "root");

// Writes the private key of name.key to `file`, encrypted. The old form names the cipher in the PEM
// headers.
enum class KeyForm { pkcs8, old };
void write_encrypted_key(const CertificateFolder& folder,
                         const std::string& name,
                         const std::string& file,
                         const std::string& password,
                         KeyForm form = KeyForm::pkcs8);

} // namespace pgmoat::test
