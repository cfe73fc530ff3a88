// Owning pointers for the OpenSSL objects that tls/ passes around. OpenSSL's struct tags are only
// declared here, so that our headers compile without OpenSSL's.
#pragma once

#include <memory>

struct bio_st;
struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct x509_st;
struct X509_crl_st;
struct stack_st_GENERAL_NAME;

namespace pgmoat::tls {

struct Free {
    void operator()(bio_st* bio) const noexcept;
    void operator()(evp_pkey_st* key) const noexcept;
    void operator()(ssl_ctx_st* context) const noexcept;
    void operator()(ssl_st* ssl) const noexcept;
    void operator()(x509_st* certificate) const noexcept;
    void operator()(X509_crl_st* list) const noexcept;
    void operator()(stack_st_GENERAL_NAME* names) const noexcept;
};

using BioPtr = std::unique_ptr<bio_st, Free>;
using KeyPtr = std::unique_ptr<evp_pkey_st, Free>;
using SslContextPtr = std::unique_ptr<ssl_ctx_st, Free>;
using SslPtr = std::unique_ptr<ssl_st, Free>;
using CertificatePtr = std::unique_ptr<x509_st, Free>;
using RevocationListPtr = std::unique_ptr<X509_crl_st, Free>;
using NamesPtr = std::unique_ptr<stack_st_GENERAL_NAME, Free>; // GENERAL_NAMES

} // namespace pgmoat::tls
