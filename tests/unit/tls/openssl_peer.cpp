#include "tests/unit/tls/openssl_peer.h"

#include "tests/support/catch.h"
#include "tls/handles.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

namespace pgmoat::test {

namespace {

void require(bool condition) {
    if (!condition) throw std::runtime_error("OpenSSL refused to set up a test");
}

int version(const std::string& name) {
    if (name == "TLSv1") return TLS1_VERSION;
    if (name == "TLSv1.1") return TLS1_1_VERSION;
    return name == "TLSv1.2" ? TLS1_2_VERSION : TLS1_3_VERSION;
}

std::string alpn_list(const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names) {
        list += static_cast<char>(name.size());
        list += name;
    }
    return list;
}

tls::CertificatePtr read_certificate(const std::string& path) {
    const tls::BioPtr file(BIO_new_file(path.c_str(), "r"));
    require(file != nullptr);
    return tls::CertificatePtr(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
}

tls::KeyPtr read_key(const std::string& path) {
    const tls::BioPtr file(BIO_new_file(path.c_str(), "r"));
    require(file != nullptr);
    return tls::KeyPtr(PEM_read_bio_PrivateKey(file.get(), nullptr, nullptr, nullptr));
}

struct FreeName {
    void operator()(X509_NAME* name) const { X509_NAME_free(name); }
};
struct FreeList {
    void operator()(X509_CRL* list) const { X509_CRL_free(list); }
};
struct FreeTime {
    void operator()(ASN1_TIME* time) const { ASN1_TIME_free(time); }
};

} // namespace

bool error_queue_is_empty() {
    return ERR_peek_error() == 0;
}

std::string complaint_of(const tls::ServerSettings& settings) {
    try {
        (void)tls::ServerContext::load(settings);
    } catch (const tls::Error& error) {
        CHECK(error_queue_is_empty());
        return error.what();
    }
    return "no complaint";
}

struct ForeignClient::Native {
    tls::SslContextPtr context;
    tls::SslPtr ssl;
    BIO* from_server = nullptr; // both owned by ssl
    BIO* to_server = nullptr;
    int received_alert = -1;
    bool done = false;
    bool failed = false;
};

namespace {

tls::SslContextPtr make_context(const ForeignClientSettings& settings) {
    tls::SslContextPtr context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX* ctx = context.get();
    SSL_CTX_set_security_level(ctx, 0);
    require(SSL_CTX_set_min_proto_version(ctx, version(settings.lowest_version)) == 1);
    require(SSL_CTX_set_max_proto_version(ctx, version(settings.highest_version)) == 1);
    if (!settings.ciphers.empty())
        require(SSL_CTX_set_cipher_list(ctx, settings.ciphers.c_str()) == 1);
    if (!settings.tls13_ciphers.empty())
        require(SSL_CTX_set_ciphersuites(ctx, settings.tls13_ciphers.c_str()) == 1);
    if (!settings.groups.empty())
        require(SSL_CTX_set1_groups_list(ctx, settings.groups.c_str()) == 1);
    if (!settings.alpn.empty()) {
        const std::string list = alpn_list(settings.alpn);
        require(SSL_CTX_set_alpn_protos(ctx,
                                        reinterpret_cast<const unsigned char*>(list.data()),
                                        static_cast<unsigned>(list.size())) == 0);
    }
    if (!settings.certificate_file.empty()) {
        require(SSL_CTX_use_certificate_chain_file(ctx, settings.certificate_file.c_str()) == 1);
        require(SSL_CTX_use_PrivateKey_file(ctx, settings.key_file.c_str(), SSL_FILETYPE_PEM) == 1);
    }
    return context;
}

} // namespace

ForeignClient::ForeignClient(const ForeignClientSettings& settings)
    : native_(std::make_unique<Native>()) {
    native_->context = make_context(settings);
    native_->ssl.reset(SSL_new(native_->context.get()));
    native_->from_server = BIO_new(BIO_s_mem());
    native_->to_server = BIO_new(BIO_s_mem());
    SSL* ssl = native_->ssl.get();
    SSL_set_bio(ssl, native_->from_server, native_->to_server);
    SSL_set_connect_state(ssl);
    SSL_set_app_data(ssl, &native_->received_alert);
    SSL_set_info_callback(ssl, [](const SSL* self, int where, int value) {
        if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
            *static_cast<int*>(SSL_get_app_data(self)) = value & 0xFF;
    });
    if (!settings.server_name.empty()) ask_for(settings.server_name);
}

ForeignClient::~ForeignClient() = default;

void ForeignClient::exchange(Endpoint& server) {
    std::array<std::uint8_t, 4096> buffer{};
    int bytes = 0;
    while ((bytes = BIO_read(native_->to_server, buffer.data(), buffer.size())) > 0)
        server.arrived.insert(server.arrived.end(), buffer.begin(), buffer.begin() + bytes);
    const auto owed = std::exchange(server.unsent, {});
    if (!owed.empty()) BIO_write(native_->from_server, owed.data(), static_cast<int>(owed.size()));
}

void ForeignClient::ask_for(const std::string& server_name) {
    require(SSL_ctrl(native_->ssl.get(),
                     SSL_CTRL_SET_TLSEXT_HOSTNAME,
                     TLSEXT_NAMETYPE_host_name,
                     const_cast<char*>(server_name.c_str())) == 1);
}

void ForeignClient::exchange_flights(Endpoint& server) {
    if (!native_->done && !native_->failed) {
        const int result = SSL_do_handshake(native_->ssl.get());
        native_->done = result == 1;
        native_->failed =
            result != 1 && SSL_get_error(native_->ssl.get(), result) != SSL_ERROR_WANT_READ;
        ERR_clear_error();
    }
    exchange(server);
    if (server.handshake_status == tls::Status::want_read) server.shake_hands();
    exchange(server);
}

bool ForeignClient::shake_hands(Endpoint& server) {
    for (int turn = 0; turn < 10; ++turn)
        exchange_flights(server);
    // A TLS 1.3 server refuses the client's certificate only after the client's handshake has
    // finished.
    if (native_->done) (void)receive(server);
    return native_->done && server.handshake_status == tls::Status::ok;
}

void ForeignClient::send(std::string_view text, Endpoint& server) {
    require(SSL_write(native_->ssl.get(), text.data(), static_cast<int>(text.size())) > 0);
    exchange(server);
}

std::string ForeignClient::receive(Endpoint& server) {
    exchange(server);
    std::string text;
    std::array<char, 4096> buffer{};
    int bytes = 0;
    while ((bytes = SSL_read(native_->ssl.get(), buffer.data(), buffer.size())) > 0)
        text.append(buffer.data(), static_cast<std::size_t>(bytes));
    ERR_clear_error();
    exchange(server);
    return text;
}

void ForeignClient::send_key_update(Endpoint& server) {
    require(SSL_key_update(native_->ssl.get(), SSL_KEY_UPDATE_REQUESTED) == 1);
    require(SSL_do_handshake(native_->ssl.get()) == 1);
    exchange(server);
}

bool ForeignClient::ask_for_renegotiation(Endpoint& server) {
    if (SSL_renegotiate(native_->ssl.get()) != 1) return false;
    SSL_do_handshake(native_->ssl.get());
    ERR_clear_error();
    exchange(server);
    return true;
}

int ForeignClient::received_alert() const {
    return native_->received_alert;
}

int ForeignClient::ephemeral_key_bits() const {
    EVP_PKEY* key = nullptr;
    if (SSL_get_peer_tmp_key(native_->ssl.get(), &key) != 1) return 0;
    return EVP_PKEY_get_bits(tls::KeyPtr(key).get());
}

std::string ForeignClient::shown_common_name() const {
    const tls::CertificatePtr shown(SSL_get1_peer_certificate(native_->ssl.get()));
    std::array<char, 256> name{};
    require(shown != nullptr);
    require(X509_NAME_get_text_by_NID(X509_get_subject_name(shown.get()),
                                      NID_commonName,
                                      name.data(),
                                      static_cast<int>(name.size())) > 0);
    return name.data();
}

std::vector<std::string> ForeignClient::acceptable_authorities() const {
    std::vector<std::string> result;
    const STACK_OF(X509_NAME)* names = SSL_get_client_CA_list(native_->ssl.get());
    for (int i = 0; i < sk_X509_NAME_num(names); ++i) {
        std::array<char, 256> text{};
        X509_NAME_get_text_by_NID(
            sk_X509_NAME_value(names, i), NID_commonName, text.data(), text.size());
        result.emplace_back(text.data());
    }
    return result;
}

std::string ForeignClient::alpn() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(native_->ssl.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

bool ForeignClient::may_resume() const {
    const SSL_SESSION* session = SSL_get0_session(native_->ssl.get());
    unsigned size = 0;
    if (SSL_version(native_->ssl.get()) < TLS1_3_VERSION) SSL_SESSION_get_id(session, &size);
    return size > 0 || SSL_SESSION_has_ticket(session) == 1;
}

bool ForeignClient::was_resumed() const {
    return SSL_session_reused(native_->ssl.get()) == 1;
}

void issue_with_subject(const CertificateFolder& folder,
                        const std::string& name,
                        const Subject& subject) {
    folder.issue(name, folder.client_request("to be replaced"));
    const tls::CertificatePtr certificate = read_certificate(folder.certificate(name));
    const std::unique_ptr<X509_NAME, FreeName> names(X509_NAME_new());
    for (const auto& [type, value] : subject) {
        ASN1_OBJECT* type_object = OBJ_txt2obj(type.c_str(), 0);
        const int added =
            X509_NAME_add_entry_by_OBJ(names.get(),
                                       type_object,
                                       MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(value.data()),
                                       static_cast<int>(value.size()),
                                       -1,
                                       0);
        ASN1_OBJECT_free(type_object);
        require(added == 1);
    }
    require(X509_set_subject_name(certificate.get(), names.get()) == 1);
    require(X509_sign(certificate.get(), read_key(folder.key("root")).get(), EVP_sha256()) > 0);
    const tls::BioPtr file(BIO_new_file(folder.certificate(name).c_str(), "w"));
    require(PEM_write_bio_X509(file.get(), certificate.get()) == 1);
}

void write_revocation_list(const CertificateFolder& folder,
                           const std::string& file,
                           const std::vector<std::string>& revoked,
                           const std::string& authority,
                           int starts_in_days) {
    constexpr long day = 86400;
    const long start = starts_in_days * day;
    const tls::CertificatePtr root = read_certificate(folder.certificate(authority));
    const std::unique_ptr<X509_CRL, FreeList> list(X509_CRL_new());
    const std::unique_ptr<ASN1_TIME, FreeTime> now(X509_gmtime_adj(nullptr, start));
    const std::unique_ptr<ASN1_TIME, FreeTime> tomorrow(X509_gmtime_adj(nullptr, start + day));
    X509_CRL_set_version(list.get(), 1);
    X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(root.get()));
    X509_CRL_set1_lastUpdate(list.get(), now.get());
    X509_CRL_set1_nextUpdate(list.get(), tomorrow.get());
    for (const std::string& name : revoked) {
        const tls::CertificatePtr certificate = read_certificate(folder.certificate(name));
        X509_REVOKED* entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.get()));
        X509_REVOKED_set_revocationDate(entry, now.get());
        X509_CRL_add0_revoked(list.get(), entry);
    }
    require(X509_CRL_sign(list.get(), read_key(folder.key(authority)).get(), EVP_sha256()) > 0);
    const tls::BioPtr out(BIO_new_file(file.c_str(), "w"));
    require(PEM_write_bio_X509_CRL(out.get(), list.get()) == 1);
}

void write_revocation_folder(const CertificateFolder& folder,
                             const std::string& path,
                             const std::vector<std::string>& revoked,
                             const std::string& authority) {
    std::filesystem::create_directories(path);
    const tls::CertificatePtr root = read_certificate(folder.certificate(authority));
    std::array<char, 16> name{};
    std::snprintf(name.data(), name.size(), "%08lx.r0", X509_subject_name_hash(root.get()));
    const std::filesystem::path file = std::filesystem::path(path) / name.data();
    write_revocation_list(folder, file.string(), revoked, authority);
}

void write_encrypted_key(const CertificateFolder& folder,
                         const std::string& name,
                         const std::string& file,
                         const std::string& password,
                         KeyForm form) {
    const tls::KeyPtr key = read_key(folder.key(name));
    const tls::BioPtr out(BIO_new_file(file.c_str(), "w"));
    const auto size = static_cast<int>(password.size());
    if (form == KeyForm::pkcs8) {
        require(
            PEM_write_bio_PKCS8PrivateKey(
                out.get(), key.get(), EVP_aes_256_cbc(), password.data(), size, nullptr, nullptr) ==
            1);
    } else {
        const auto* bytes = reinterpret_cast<const unsigned char*>(password.data());
        require(PEM_write_bio_PrivateKey_traditional(
                    out.get(), key.get(), EVP_aes_256_cbc(), bytes, size, nullptr, nullptr) == 1);
    }
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

} // namespace pgmoat::test
