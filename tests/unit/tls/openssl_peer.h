// What our own settings cannot ask for, done with OpenSSL itself: a client of any habits,
// certificates of any names, revocation lists, and a look into OpenSSL's error queue.
#pragma once

#include "tests/support/tls_pair.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pgmoat::test {

[[nodiscard]] bool error_queue_is_empty();

// Why a context cannot be built of these settings, or "no complaint"; checks that the queue is
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

// A client that knows nothing of our code.
class ForeignClient {
  public:
    explicit ForeignClient(const ForeignClientSettings& settings);
    ~ForeignClient();

    // Until both are done or one fails. True: both are content.
    bool shake_hands(Endpoint& server);
    // One flight of each, and what to ask for in the next: there is one after HelloRetryRequest.
    void exchange_flights(Endpoint& server);
    void ask_for(const std::string& server_name);

    void send(std::string_view text, Endpoint& server);
    std::string receive(Endpoint& server);
    void send_key_update(Endpoint& server);
    // TLS 1.2: asks for a new handshake. False: OpenSSL would not even ask.
    bool ask_for_renegotiation(Endpoint& server);

    // The number of the alert that came last; -1: none.
    [[nodiscard]] int received_alert() const;
    // Names of the authorities that the server would accept certificates of.
    [[nodiscard]] std::vector<std::string> acceptable_authorities() const;
    [[nodiscard]] std::string alpn() const;
    // Of the key that the server made for this handshake: 2048 for a group of that size.
    [[nodiscard]] int ephemeral_key_bits() const;
    // The common name of the certificate that the server showed.
    [[nodiscard]] std::string shown_common_name() const;
    [[nodiscard]] bool was_resumed() const;
    // The server sent a ticket or a session id to resume with.
    [[nodiscard]] bool may_resume() const;

  private:
    void exchange(Endpoint& server);

    struct Native;
    std::unique_ptr<Native> native_;
};

// Parts of a subject in the order of the encoding; values are UTF-8 and may hold NULs.
using Subject = std::vector<std::pair<std::string, std::string>>;

// Makes name.crt and name.key in the folder, issued by "root", for a client.
void issue_with_subject(const CertificateFolder& folder,
                        const std::string& name,
                        const Subject& subject);

// A revocation list of an authority that names the given certificates, good for a day.
void write_revocation_list(const CertificateFolder& folder,
                           const std::string& file,
                           const std::vector<std::string>& revoked,
                           const std::string& authority = "root",
                           int starts_in_days = 0);
// The same as `openssl rehash` would leave it.
void write_revocation_folder(const CertificateFolder& folder,
                             const std::string& path,
                             const std::vector<std::string>& revoked,
                             const std::string& authority = "root");

// The private key of name.key again, in `file`, encrypted. The old form names the cipher in the
// headers of the PEM.
enum class KeyForm { pkcs8, old };
void write_encrypted_key(const CertificateFolder& folder,
                         const std::string& name,
                         const std::string& file,
                         const std::string& password,
                         KeyForm form = KeyForm::pkcs8);

} // namespace pgmoat::test
