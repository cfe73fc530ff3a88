#include "tls/issue.h"

#include "tls/context_parts.h"
#include "tls/error.h"
#include "tls/handles.h"
#include "tls/new_file.h"
#include "tls/pem_contents.h"
#include "tls/request_checks.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

namespace pgmoat::tls {

namespace {

constexpr int x509_version_3 = 2; // X.509 counts versions from 0
constexpr int serial_bits = 128;

void require(bool succeeded, const char* what) {
    if (!succeeded) throw Error(std::string("could not ") + what + ": " + take_reason());
}

KeyPtr new_key(KeyType type) {
    EVP_PKEY* key = nullptr;
    switch (type) {
    case KeyType::ecdsa_p256: key = EVP_EC_gen("P-256"); break;
    case KeyType::rsa_2048: key = EVP_RSA_gen(2048); break;
    case KeyType::ed25519: key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"); break;
    }
    require(key != nullptr, "make a key");
    return KeyPtr(key);
}

// The name and key that sign: the CA's, or for a self-signed certificate its own.
struct Issuer {
    CertificatePtr certificate; // null: self-signed
    KeyPtr key;
};

int no_passphrase(char*, int, int, void*) {
    return -1;
}

[[noreturn]] void fail_to_load(const std::string& what, const std::string& path, Pem wanted) {
    const std::string reason = take_reason();
    throw Error("could not load " + what + " " + quoted(path) + ": " + reason,
                "",
                hint_about(path, wanted));
}

CertificatePtr load_issuer_certificate(const std::string& path) {
    const BioPtr file = open_file(path);
    CertificatePtr certificate(PEM_read_bio_X509(file.get(), nullptr, no_passphrase, nullptr));
    if (!certificate) fail_to_load("certificate file", path, Pem::certificate);
    check_issuer(certificate.get(), path);
    return certificate;
}

KeyPtr load_issuer_key(const std::string& path) {
    const BioPtr file = open_file(path);
    KeyPtr key(PEM_read_bio_PrivateKey(file.get(), nullptr, no_passphrase, nullptr));
    if (!key) fail_to_load("private key file", path, Pem::key);
    return key;
}

Issuer load_issuer(const CertificateRequest& request) {
    if (request.issuer_certificate_file.empty()) return {};
    Issuer issuer{load_issuer_certificate(request.issuer_certificate_file),
                  load_issuer_key(request.issuer_key_file)};
    const bool fit = X509_check_private_key(issuer.certificate.get(), issuer.key.get()) == 1;
    ERR_clear_error();
    if (!fit)
        throw Error("private key file " + quoted(request.issuer_key_file) +
                    " does not belong to certificate file " +
                    quoted(request.issuer_certificate_file));
    return issuer;
}

void set_serial(X509* certificate) {
    BIGNUM* number = BN_new();
    const bool made = number != nullptr &&
                      BN_rand(number, serial_bits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
                      BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
    BN_free(number);
    require(made, "make a serial number");
}

std::int64_t set_lifetime(X509* certificate, const CertificateRequest& request, X509* issuer) {
    const std::int64_t begin = std::time(nullptr) + request.starts_in_days * seconds_per_day;
    const std::int64_t end = end_of_life(request, begin, issuer);
    require(ASN1_TIME_set(X509_getm_notBefore(certificate), begin) != nullptr &&
                ASN1_TIME_set(X509_getm_notAfter(certificate), end) != nullptr,
            "set the lifetime");
    return end;
}

void set_names(X509* certificate, const std::string& common_name, X509* issuer) {
    X509_NAME* subject = X509_get_subject_name(certificate);
    const auto* bytes = reinterpret_cast<const unsigned char*>(common_name.data());
    const auto size = static_cast<int>(common_name.size());
    require(size == 0 || X509_NAME_add_entry_by_NID(
                             subject, NID_commonName, MBSTRING_UTF8, bytes, size, -1, 0) == 1,
            "set the common name");
    const X509_NAME* issued_by = issuer == nullptr ? subject : X509_get_subject_name(issuer);
    require(X509_set_issuer_name(certificate, issued_by) == 1, "set the issuer's name");
}

// Only constant texts of ours are given to OpenSSL's parser for extensions.
void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context{};
    X509V3_set_ctx(
        &context, issuer == nullptr ? certificate : issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    require(added, "add an extension");
}

void add_name(GENERAL_NAMES* names, const std::string& name) {
    const std::string address = address_bytes(name);
    const bool is_address = !address.empty();
    const std::string& bytes = is_address ? address : name;
    GENERAL_NAME* entry = GENERAL_NAME_new();
    ASN1_STRING* value = is_address ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    bool added = entry != nullptr && value != nullptr &&
                 ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size())) == 1;
    if (added) {
        GENERAL_NAME_set0_value(entry, is_address ? GEN_IPADD : GEN_DNS, value);
        value = nullptr;
        added = sk_GENERAL_NAME_push(names, entry) > 0;
        if (added) entry = nullptr;
    }
    ASN1_STRING_free(value);
    GENERAL_NAME_free(entry);
    require(added, "add a name");
}

// The common name first, each once.
std::vector<std::string> all_names(const CertificateRequest& request) {
    std::vector<std::string> all;
    const auto add = [&all](const std::string& name) {
        if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
    };
    if (request.kind == CertificateKind::server && !request.common_name.empty())
        add(request.common_name);
    for (const std::string& name : request.names)
        add(name);
    return all;
}

// Critical if the subject is empty (RFC 5280, 4.2.1.6).
void add_alternative_names(X509* certificate, const CertificateRequest& request) {
    const int critical = request.common_name.empty() ? 1 : 0;
    const NamesPtr names(GENERAL_NAMES_new());
    require(names != nullptr, "add names");
    for (const std::string& name : all_names(request))
        add_name(names.get(), name);
    require(X509_add1_ext_i2d(
                certificate, NID_subject_alt_name, names.get(), critical, X509V3_ADD_DEFAULT) == 1,
            "add names");
}

const char* usage_of_key(const CertificateRequest& request) {
    if (request.kind == CertificateKind::authority) return "critical,keyCertSign,cRLSign";
    // In TLS 1.2's RSA key exchange the client encrypts with the certificate's key.
    if (request.key_type == KeyType::rsa_2048) return "critical,digitalSignature,keyEncipherment";
    return "critical,digitalSignature";
}

void add_extensions(X509* certificate, const CertificateRequest& request, X509* issuer) {
    const bool is_authority = request.kind == CertificateKind::authority;
    add_extension(certificate,
                  issuer,
                  NID_basic_constraints,
                  is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(certificate, issuer, NID_key_usage, usage_of_key(request));
    add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
    if (issuer != nullptr)
        add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
    if (request.kind == CertificateKind::server) {
        add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth");
    }
    if (request.kind == CertificateKind::client)
        add_extension(certificate, issuer, NID_ext_key_usage, "clientAuth");
    if (request.kind == CertificateKind::server || !request.names.empty())
        add_alternative_names(certificate, request);
}

// Ed25519 and Ed448 have a built-in digest: OpenSSL wants none to be given.
const EVP_MD* digest_for(const EVP_PKEY* key) {
    const bool has_its_own = EVP_PKEY_is_a(key, "ED25519") == 1 || EVP_PKEY_is_a(key, "ED448") == 1;
    return has_its_own ? nullptr : EVP_sha256();
}

CertificatePtr
make_certificate(const CertificateRequest& request, EVP_PKEY* key, std::int64_t& end) {
    const Issuer issuer = load_issuer(request);
    CertificatePtr certificate(X509_new());
    require(certificate != nullptr, "make a certificate");
    X509* x509 = certificate.get();
    require(X509_set_version(x509, x509_version_3) == 1, "make a certificate");
    set_serial(x509);
    end = set_lifetime(x509, request, issuer.certificate.get());
    set_names(x509, request.common_name, issuer.certificate.get());
    require(X509_set_pubkey(x509, key) == 1, "set the public key");
    add_extensions(x509, request, issuer.certificate.get());
    EVP_PKEY* signer = issuer.key ? issuer.key.get() : key;
    require(X509_sign(x509, signer, digest_for(signer)) > 0, "sign the certificate");
    return certificate;
}

std::string contents(BIO* memory) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string certificate_pem(X509* certificate) {
    const BioPtr memory(BIO_new(BIO_s_mem()));
    require(memory && PEM_write_bio_X509(memory.get(), certificate) == 1, "encode the certificate");
    return contents(memory.get());
}

// A private key as PEM, in memory that is wiped when it is freed (BIO_s_secmem).
class KeyText {
  public:
    explicit KeyText(EVP_PKEY* key) : memory_(BIO_new(BIO_s_secmem())) {
        require(memory_ && PEM_write_bio_PKCS8PrivateKey(
                               memory_.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
                "encode the private key");
    }
    [[nodiscard]] std::string_view text() const {
        char* data = nullptr;
        const long size = BIO_get_mem_data(memory_.get(), &data);
        return {data, static_cast<std::size_t>(size)};
    }

  private:
    BioPtr memory_;
};

} // namespace

std::int64_t issue_certificate(const CertificateRequest& request,
                               const std::string& certificate_file,
                               const std::string& key_file,
                               bool overwrite) {
    check_request(request, certificate_file, key_file);
    const KeyPtr key = new_key(request.key_type);
    std::int64_t end = 0;
    const CertificatePtr certificate = make_certificate(request, key.get(), end);
    NewFile for_key(key_file, 0600);
    for_key.write(KeyText(key.get()).text());
    NewFile for_certificate(certificate_file, 0644);
    for_certificate.write(certificate_pem(certificate.get()));
    for_key.put_in_place(overwrite);
    try {
        for_certificate.put_in_place(overwrite);
    } catch (const Error&) {
        for_key.take_back();
        throw;
    }
    ERR_clear_error();
    return end;
}

} // namespace pgmoat::tls
