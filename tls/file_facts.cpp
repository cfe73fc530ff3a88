#include "tls/file_facts.h"

#include "tls/certificate.h"
#include "tls/handles.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace pgmoat::tls {

namespace {

std::string key_type(X509* certificate) {
    const EVP_PKEY* key = X509_get0_pubkey(certificate);
    const char* name = key != nullptr ? EVP_PKEY_get0_type_name(key) : nullptr;
    if (name == nullptr) return "unknown";
    const std::string type = name;
    const bool size_follows_from_type = type.starts_with("ED") || type.starts_with("ML-");
    return size_follows_from_type ? type : type + "-" + std::to_string(EVP_PKEY_get_bits(key));
}

std::string signature_algorithm(const X509* certificate) {
    const char* name = OBJ_nid2ln(X509_get_signature_nid(certificate));
    return name != nullptr ? name : "unknown";
}

// "1a2b3c4d.r0", as `openssl rehash` names it: OpenSSL reads no other files in the folder.
bool is_looked_up(const std::filesystem::path& path) {
    const std::string hash = path.stem().string();
    const std::string number = path.extension().string();
    return hash.size() == 8 && hash.find_first_not_of("0123456789abcdef") == std::string::npos &&
           number.size() > 2 && number.starts_with(".r") &&
           number.find_first_not_of("0123456789", 2) == std::string::npos;
}

} // namespace

FileCertificate file_certificate(x509_st* certificate) {
    FileCertificate facts;
    facts.subject_cn = common_name_of(X509_get_subject_name(certificate)).value_or("");
    facts.issuer_cn = common_name_of(X509_get_issuer_name(certificate)).value_or("");
    facts.serial = serial_number(certificate);
    facts.key_type = key_type(certificate);
    facts.signature_algorithm = signature_algorithm(certificate);
    facts.not_before = unix_seconds(X509_get0_notBefore(certificate));
    facts.not_after = unix_seconds(X509_get0_notAfter(certificate));
    return facts;
}

std::optional<FileCertificate> read_certificate_file(const std::string& path,
                                                     WhichCertificate which) {
    const BioPtr file(BIO_new_file(path.c_str(), "r"));
    std::optional<FileCertificate> found;
    while (file) {
        const CertificatePtr next(PEM_read_bio_X509_AUX(file.get(), nullptr, nullptr, nullptr));
        if (!next) break;
        FileCertificate facts = file_certificate(next.get());
        if (!found || facts.not_after < found->not_after) found = std::move(facts);
        if (which == WhichCertificate::leaf) break;
    }
    ERR_clear_error();
    return found;
}

std::optional<std::int64_t> read_next_update(const std::string& path) {
    const BioPtr file(BIO_new_file(path.c_str(), "r"));
    std::optional<std::int64_t> first;
    while (file) {
        const RevocationListPtr next(PEM_read_bio_X509_CRL(file.get(), nullptr, nullptr, nullptr));
        if (!next) break;
        const ASN1_TIME* update = X509_CRL_get0_nextUpdate(next.get());
        const std::int64_t seconds = update != nullptr ? unix_seconds(update) : 0;
        const bool earlier = seconds != 0 && (first.value_or(0) == 0 || seconds < *first);
        if (!first || earlier) first = seconds;
    }
    ERR_clear_error();
    return first;
}

std::vector<std::string> lists_in_folder(const std::string& folder) {
    std::vector<std::string> files;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error))
        if (is_looked_up(entry->path())) files.push_back(entry->path().string());
    std::sort(files.begin(), files.end());
    return files;
}

bool fips_enabled() {
    return EVP_default_properties_is_fips_enabled(nullptr) == 1;
}

} // namespace pgmoat::tls
