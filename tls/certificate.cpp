#include "tls/certificate.h"

#include "tls/handles.h"
#include "tls/limits.h"
#include "tls/log_text.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <string_view>

namespace pgmoat::tls {

namespace {

std::string_view raw(const ASN1_STRING* text) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string text_of(BIO* memory) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

// "CN", "emailAddress"; for a type without a name, its number.
std::string type_name(const ASN1_OBJECT* type) {
    const int nid = OBJ_obj2nid(type);
    if (nid != NID_undef) {
        const char* name = OBJ_nid2sn(nid);
        return name != nullptr ? name : OBJ_nid2ln(nid);
    }
    std::array<char, 128> number{};
    OBJ_obj2txt(number.data(), static_cast<int>(number.size()), type, 1);
    return number.data();
}

std::string rfc2253_form(const X509_NAME* name) {
    const BioPtr memory(BIO_new(BIO_s_mem()));
    if (!memory) return {};
    X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253);
    return text_of(memory.get());
}

std::vector<AlternativeName> alternative_names(X509* certificate) {
    using Kind = AlternativeName::Kind;
    const NamesPtr names(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    std::vector<AlternativeName> result;
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        switch (name->type) {
        case GEN_DNS: result.push_back({Kind::dns, std::string(raw(name->d.dNSName))}); break;
        case GEN_IPADD:
            result.push_back({Kind::address, std::string(raw(name->d.iPAddress))});
            break;
        default: result.push_back({Kind::other, {}});
        }
    }
    return result;
}

std::string sha256_hex(const X509* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
        hex += digits[digest[i] >> 4U];
        hex += digits[digest[i] & 0x0FU];
    }
    return hex;
}

// As PostgreSQL's be_tls_get_certificate_hash(). X509_get_signature_info() also handles RSA-PSS,
// whose digest is in its parameters.
const EVP_MD* end_point_algorithm(X509* certificate) {
    int digest = NID_undef;
    if (X509_get_signature_info(certificate, &digest, nullptr, nullptr, nullptr) != 1)
        return nullptr;
    if (digest == NID_undef) return nullptr;
    if (digest == NID_md5 || digest == NID_sha1) return EVP_sha256();
    return EVP_get_digestbynid(digest);
}

std::vector<std::string> dns_names(X509* certificate) {
    std::vector<std::string> result;
    for (AlternativeName& name : alternative_names(certificate)) {
        if (name.kind == AlternativeName::Kind::dns) result.push_back(std::move(name.bytes));
    }
    return result;
}

// Every character of a BMPString or UniversalString may contain zero bytes, so a NUL proves
// nothing.
bool is_of_single_bytes(const ASN1_STRING* text) {
    const int type = ASN1_STRING_type(text);
    return type != V_ASN1_BMPSTRING && type != V_ASN1_UNIVERSALSTRING;
}

bool has_null(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}

std::string logged_name(const X509_NAME* name) {
    return for_the_log(slash_form(name), logged_name_bytes_max);
}

} // namespace

std::optional<std::string> common_name_of(const X509_name_st* name) {
    const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (index < 0) return std::nullopt;
    return std::string(raw(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index))));
}

std::int64_t unix_seconds(const asn1_string_st* time) {
    std::tm broken_down{};
    if (ASN1_TIME_to_tm(time, &broken_down) != 1) return 0;
    return static_cast<std::int64_t>(timegm(&broken_down));
}

CertificateNames names_of(x509_st* certificate) {
    return {alternative_names(certificate), common_name_of(X509_get_subject_name(certificate))};
}

std::string slash_form(const X509_name_st* name) {
    constexpr unsigned long flags =
        (ASN1_STRFLGS_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB)) |
        ASN1_STRFLGS_UTF8_CONVERT;
    const BioPtr memory(BIO_new(BIO_s_mem()));
    if (!memory) return {};
    for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
        const X509_NAME_ENTRY* part = X509_NAME_get_entry(name, i);
        const std::string type = type_name(X509_NAME_ENTRY_get_object(part));
        BIO_printf(memory.get(), "/%s=", type.c_str());
        ASN1_STRING_print_ex(memory.get(), X509_NAME_ENTRY_get_data(part), flags);
    }
    return text_of(memory.get());
}

std::string serial_number(x509_st* certificate) {
    BIGNUM* number = ASN1_INTEGER_to_BN(X509_get_serialNumber(certificate), nullptr);
    if (number == nullptr) return "unknown";
    char* decimal = BN_bn2dec(number);
    BN_free(number);
    if (decimal == nullptr) return "unknown";
    std::string text = decimal;
    OPENSSL_free(decimal);
    return text;
}

CertificateFacts certificate_facts(x509_st* certificate) {
    const X509_NAME* subject = X509_get_subject_name(certificate);
    CertificateFacts facts;
    facts.subject = slash_form(subject);
    facts.subject_rfc2253 = rfc2253_form(subject);
    facts.common_name = common_name_of(subject).value_or("");
    facts.issuer = slash_form(X509_get_issuer_name(certificate));
    facts.serial = serial_number(certificate);
    facts.dns_names = dns_names(certificate);
    facts.not_after = unix_seconds(X509_get0_notAfter(certificate));
    facts.leaf_sha256 = sha256_hex(certificate);
    return facts;
}

OwnCertificate describe_own(x509_st* certificate) {
    OwnCertificate own;
    static_cast<FileCertificate&>(own) = file_certificate(certificate);
    own.subject = slash_form(X509_get_subject_name(certificate));
    own.issuer = slash_form(X509_get_issuer_name(certificate));
    own.dns_names = dns_names(certificate);
    own.leaf_sha256 = sha256_hex(certificate);
    own.has_channel_binding_digest = end_point_algorithm(certificate) != nullptr;
    own.has_subject_alternative_name = !alternative_names(certificate).empty();
    return own;
}

std::vector<std::uint8_t> end_point_digest(const x509_st* certificate) {
    const EVP_MD* const algorithm = end_point_algorithm(const_cast<X509*>(certificate));
    std::vector<std::uint8_t> digest(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    if (algorithm != nullptr) (void)X509_digest(certificate, algorithm, digest.data(), &size);
    ERR_clear_error();
    digest.resize(size);
    return digest;
}

std::string embedded_null(x509_st* certificate) {
    const X509_NAME* subject = X509_get_subject_name(certificate);
    if (has_null(common_name_of(subject).value_or("")))
        return "SSL certificate's common name contains embedded null";
    for (int i = 0; i < X509_NAME_entry_count(subject); ++i) {
        const ASN1_STRING* part = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i));
        if (is_of_single_bytes(part) && has_null(raw(part)))
            return "SSL certificate's distinguished name contains embedded null";
    }
    for (const std::string& name : dns_names(certificate)) {
        if (has_null(name)) return "SSL certificate's name contains embedded null";
    }
    return {};
}

std::string refusal_text(const char* role, int depth, long verify_error, x509_st* certificate) {
    std::string text = std::string(role) + " certificate verification failed at depth " +
                       std::to_string(depth) + ": " + X509_verify_cert_error_string(verify_error) +
                       ".";
    if (certificate == nullptr) return text;
    return text + "\nFailed certificate data (unverified): subject \"" +
           logged_name(X509_get_subject_name(certificate)) + "\", serial number " +
           serial_number(certificate) + ", issuer \"" +
           logged_name(X509_get_issuer_name(certificate)) + "\".";
}

} // namespace pgmoat::tls
