#include "tls/inspect.h"

#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/context_parts.h"
#include "tls/error.h"
#include "tls/file_facts.h"
#include "tls/handles.h"
#include "tls/host_name.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace pgmoat::tls {

namespace {

std::vector<CertificatePtr> read_chain(const std::string& file) {
    const BioPtr opened = open_file(file);
    std::vector<CertificatePtr> chain;
    while (X509* next = PEM_read_bio_X509(opened.get(), nullptr, nullptr, nullptr))
        chain.emplace_back(next);
    ERR_clear_error();
    if (chain.empty()) throw Error("file " + quoted(file) + " holds no certificate");
    return chain;
}

bool is_issued_by(X509* certificate, X509* authority) {
    const bool fits = X509_check_issued(authority, certificate) == X509_V_OK &&
                      X509_verify(certificate, X509_get0_pubkey(authority)) == 1;
    ERR_clear_error();
    return fits;
}

bool has_weak_signature(X509* certificate) {
    int digest = NID_undef;
    if (X509_get_signature_info(certificate, &digest, nullptr, nullptr, nullptr) != 1) return false;
    return digest == NID_md5 || digest == NID_sha1;
}

std::string text_of_address(const std::string& bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
    if (bytes.size() != 4 && bytes.size() != 16) return {};
    return inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr ? "" : text.data();
}

// As in libpq, the common name counts only if there is no DNS name.
std::vector<std::string> names_to_connect_to(const CertificateNames& names) {
    std::vector<std::string> result;
    bool has_dns = false;
    for (const AlternativeName& name : names.alternative) {
        has_dns = has_dns || name.kind == AlternativeName::Kind::dns;
        if (name.kind == AlternativeName::Kind::dns) result.push_back(name.bytes);
        if (name.kind == AlternativeName::Kind::address)
            result.push_back(text_of_address(name.bytes));
    }
    if (!has_dns && names.common_name) result.push_back(*names.common_name);
    return result;
}

ChainLink link_of(const std::vector<CertificatePtr>& chain, std::size_t index) {
    X509* certificate = chain[index].get();
    ChainLink link;
    link.subject = slash_form(X509_get_subject_name(certificate));
    link.issuer = slash_form(X509_get_issuer_name(certificate));
    link.self_signed = X509_self_signed(certificate, 1) == 1;
    link.seems_self_signed = X509_self_signed(certificate, 0) == 1;
    link.not_before = unix_seconds(X509_get0_notBefore(certificate));
    link.not_after = unix_seconds(X509_get0_notAfter(certificate));
    link.weak_signature = has_weak_signature(certificate);
    if (index + 1 < chain.size())
        link.issued_by_next = is_issued_by(certificate, chain[index + 1].get());
    return link;
}

void add_lists_of(const std::string& file, std::vector<ListFacts>& lists) {
    const BioPtr opened = open_file(file);
    while (X509_CRL* next = PEM_read_bio_X509_CRL(opened.get(), nullptr, nullptr, nullptr)) {
        const RevocationListPtr list(next);
        const ASN1_TIME* until = X509_CRL_get0_nextUpdate(list.get());
        lists.push_back({file,
                         slash_form(X509_CRL_get_issuer(list.get())),
                         until == nullptr ? 0 : unix_seconds(until)});
    }
    ERR_clear_error();
}

} // namespace

ChainFacts inspect_chain(const std::string& file) {
    const std::vector<CertificatePtr> chain = read_chain(file);
    X509* leaf = chain.front().get();
    ChainFacts facts;
    for (std::size_t index = 0; index < chain.size(); ++index)
        facts.links.push_back(link_of(chain, index));
    const CertificateNames names = names_of(leaf);
    facts.names = names_to_connect_to(names);
    facts.has_alternative_names = !names.alternative.empty();
    facts.not_before = unix_seconds(X509_get0_notBefore(leaf));
    facts.not_after = unix_seconds(X509_get0_notAfter(leaf));
    EVP_PKEY* key = X509_get0_pubkey(leaf);
    const char* type = EVP_PKEY_get0_type_name(key);
    facts.key_type = type == nullptr ? "unknown" : type;
    facts.key_bits = EVP_PKEY_get_bits(key);
    facts.for_servers = X509_check_purpose(leaf, X509_PURPOSE_SSL_SERVER, 0) == 1;
    ERR_clear_error();
    return facts;
}

std::string verification_problem(const ChainFacts& chain, std::int64_t now) {
    const ChainLink& leaf = chain.links.front();
    if (leaf.seems_self_signed && !leaf.self_signed)
        return "the certificate's issuer has the same name but another key, which OpenSSL takes "
               "for self-signed";
    for (const ChainLink& link : chain.links) {
        const std::string what = &link == &leaf ? "the certificate" : "certificate " + link.subject;
        if (now >= link.not_after) return what + " has expired";
        if (now < link.not_before) return what + " is not yet valid";
        if (!link.issued_by_next) break; // the rest is not part of the chain to the root
    }
    if (!chain.for_servers) return "the certificate is not for servers (key usage)";
    return {};
}

bool names_host(const std::string& file, const std::string& host) {
    const std::vector<CertificatePtr> chain = read_chain(file);
    const bool names = host_name_mismatch(names_of(chain.front().get()), host).empty();
    ERR_clear_error();
    return names;
}

bool is_address(const std::string& host) {
    return looks_like_address(host);
}

std::vector<std::string> leaves_among_authorities(const std::string& file) {
    std::vector<std::string> leaves;
    for (const CertificatePtr& certificate : read_chain(file))
        if (X509_check_ca(certificate.get()) == 0)
            leaves.push_back(slash_form(X509_get_subject_name(certificate.get())));
    ERR_clear_error();
    return leaves;
}

std::vector<ListFacts> inspect_lists(const std::string& file, const std::string& folder) {
    std::vector<ListFacts> lists;
    if (!file.empty()) add_lists_of(file, lists);
    for (const std::string& name : lists_in_folder(folder))
        add_lists_of(name, lists);
    return lists;
}

std::vector<std::string> broken_ciphers(const std::string& list) {
    const SslContextPtr context(SSL_CTX_new(TLS_method()));
    std::vector<std::string> broken;
    if (!context || SSL_CTX_set_cipher_list(context.get(), list.c_str()) != 1) {
        ERR_clear_error();
        return broken;
    }
    const STACK_OF(SSL_CIPHER)* ciphers = SSL_CTX_get_ciphers(context.get());
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
        const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(ciphers, i);
        const bool encrypts = SSL_CIPHER_get_cipher_nid(cipher) != NID_undef;
        if (!encrypts || SSL_CIPHER_get_auth_nid(cipher) == NID_auth_null)
            broken.emplace_back(SSL_CIPHER_get_name(cipher));
    }
    return broken;
}

} // namespace pgmoat::tls
