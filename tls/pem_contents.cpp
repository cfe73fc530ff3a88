#include "tls/pem_contents.h"

#include "tls/handles.h"
#include "tls/limits.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>

namespace pgmoat::tls {

namespace {

using namespace std::string_view_literals;

struct Label {
    std::string_view text; // between "-----BEGIN " and "-----"
    Pem kind;
};

constexpr std::array labels{
    Label{"CERTIFICATE"sv, Pem::certificate},
    Label{"X509 CERTIFICATE"sv, Pem::certificate},
    Label{"TRUSTED CERTIFICATE"sv, Pem::certificate},
    Label{"PRIVATE KEY"sv, Pem::key},
    Label{"RSA PRIVATE KEY"sv, Pem::key},
    Label{"EC PRIVATE KEY"sv, Pem::key},
    Label{"DSA PRIVATE KEY"sv, Pem::key},
    Label{"ENCRYPTED PRIVATE KEY"sv, Pem::key},
    Label{"X509 CRL"sv, Pem::revocation_list},
};

std::string_view name_of(Pem kind) {
    switch (kind) {
    case Pem::certificate: return "a certificate";
    case Pem::key: return "a private key";
    case Pem::revocation_list: return "a revocation list";
    }
    return "";
}

std::string first_bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string bytes(pem_bytes_looked_at, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(file.gcount()));
    return bytes;
}

// The label of the next PEM block at or after `from`; moves `from` behind it.
std::optional<std::string_view> next_label(std::string_view text, std::size_t& from) {
    constexpr std::string_view begin = "-----BEGIN ";
    const std::size_t at = text.find(begin, from);
    if (at == std::string_view::npos) return std::nullopt;
    const std::size_t name = at + begin.size();
    const std::size_t end = text.find("-----", name);
    if (end == std::string_view::npos) return std::nullopt;
    from = end;
    return text.substr(name, end - name);
}

// Checks only the first certificate, which is the one that OpenSSL's key and security level checks
// apply to. If it can be read, the file is not damaged.
bool holds_certificate(const std::string& path) {
    const BioPtr bio(BIO_new_file(path.c_str(), "r"));
    const CertificatePtr first(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)
                                   : nullptr);
    ERR_clear_error();
    return first != nullptr;
}

constexpr const char* damaged = "The file is damaged.";

std::string hint_about_bytes(std::string_view text, Pem wanted) {
    if (text.empty()) return "The file is empty.";
    if (text.starts_with("\x30\x82"sv) || text.starts_with("\x30\x81"sv))
        return "The file is in DER form: convert it to PEM (openssl -inform DER).";
    if (text.starts_with("\xff\xfe"sv) || text.starts_with("\xfe\xff"sv))
        return "The file is UTF-16 text, not PEM.";
    std::size_t from = 0;
    std::optional<std::string_view> first;
    while (const auto label = next_label(text, from)) {
        if (!first) first = label;
        const bool is_encrypted = *label == "ENCRYPTED PRIVATE KEY" ||
                                  text.find("Proc-Type: 4,ENCRYPTED") != std::string_view::npos;
        for (const Label& known : labels) {
            if (known.text != *label || known.kind != wanted) continue;
            if (wanted == Pem::key && is_encrypted)
                return "The private key is protected by a passphrase, and it could not be "
                       "decrypted: the passphrase is missing or wrong.";
            return damaged;
        }
    }
    if (!first) return "The file holds no PEM block (\"-----BEGIN ...\").";
    for (const Label& known : labels)
        if (known.text == *first)
            return "The file holds " + std::string(name_of(known.kind)) + ", not " +
                   std::string(name_of(wanted)) + ".";
    if (first->size() > 40) return {};
    return "The file holds \"" + std::string(*first) + "\", not " + std::string(name_of(wanted)) +
           ".";
}

} // namespace

std::string hint_about(const std::string& path, Pem wanted) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return {};
    if (!std::ifstream(path)) return {};
    std::string bytes = first_bytes(path);
    std::string hint = hint_about_bytes(bytes, wanted);
    OPENSSL_cleanse(bytes.data(), bytes.size());
    if (hint == damaged && wanted == Pem::certificate && holds_certificate(path))
        return "The file can be read, but OpenSSL's security level does not allow what it holds "
               "(make it with a longer key and SHA-256).";
    return hint;
}

} // namespace pgmoat::tls
