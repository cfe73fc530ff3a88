// PostgreSQL has a text for each error that DH_check() can find. In OpenSSL 3 only deprecated
// functions tell them apart; EVP_PKEY_param_check() just returns yes or no.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "tls/dh_parameters.h"

#include "tls/context_parts.h"
#include "tls/error.h"

#include <openssl/core_names.h>
#include <openssl/dh.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace pgmoat::tls {

namespace {

struct FreeDh {
    void operator()(DH* parameters) const noexcept { DH_free(parameters); }
};
using DhPtr = std::unique_ptr<DH, FreeDh>;

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { (void)std::fclose(file); }
};

DhPtr read_parameters(const std::string& path) {
    const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
    if (!file) {
        throw Error("could not open DH parameters file " + quoted(path) + ": " +
                    std::generic_category().message(errno));
    }
    DhPtr parameters(PEM_read_DHparams(file.get(), nullptr, nullptr, nullptr));
    if (!parameters) throw Error("could not load DH parameters file: " + take_reason());
    return parameters;
}

void check(const DH* parameters) {
    int findings = 0;
    if (DH_check(parameters, &findings) == 0)
        throw Error("invalid DH parameters: " + take_reason());
    if ((findings & DH_CHECK_P_NOT_PRIME) != 0)
        throw Error("invalid DH parameters: p is not prime");
    if ((findings & DH_NOT_SUITABLE_GENERATOR) != 0 && (findings & DH_CHECK_P_NOT_SAFE_PRIME) != 0)
        throw Error("invalid DH parameters: neither suitable generator or safe prime");
}

KeyPtr group_of_file(const std::string& path) {
    const DhPtr parameters = read_parameters(path);
    check(parameters.get());
    ERR_clear_error(); // DH_check() leaves its findings in the queue
    KeyPtr group(EVP_PKEY_new());
    if (!group || EVP_PKEY_set1_DH(group.get(), parameters.get()) != 1)
        throw Error("DH: could not load DH parameters");
    return group;
}

KeyPtr built_in_group() {
    std::array<char, 10> name{"modp_2048"};
    const std::array<OSSL_PARAM, 2> parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name.data(), 0),
        OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX* generator = EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr);
    EVP_PKEY* group = nullptr;
    const bool made = generator != nullptr && EVP_PKEY_paramgen_init(generator) == 1 &&
                      EVP_PKEY_CTX_set_params(generator, parameters.data()) == 1 &&
                      EVP_PKEY_paramgen(generator, &group) == 1;
    EVP_PKEY_CTX_free(generator);
    if (!made) throw Error("DH: could not load DH parameters");
    return KeyPtr(group);
}

} // namespace

KeyPtr
choose_dh_group(const std::string& file, Occasion occasion, std::vector<std::string>& notes) {
    if (file.empty()) return built_in_group();
    try {
        return group_of_file(file);
    } catch (const Error& error) {
        ERR_clear_error();
        if (occasion == Occasion::start) throw;
        notes.emplace_back(error.what());
        return built_in_group();
    }
}

void use_dh_group(ssl_ctx_st* context, evp_pkey_st* group) {
    SSL_CTX_set_options(context, SSL_OP_SINGLE_DH_USE);
    if (EVP_PKEY_up_ref(group) != 1) throw Error("DH: could not load DH parameters");
    KeyPtr share(group);
    if (SSL_CTX_set0_tmp_dh_pkey(context, group) != 1)
        throw Error("DH: could not set DH parameters: " + take_reason());
    (void)share.release(); // the context owns it now, since it accepted it
}

} // namespace pgmoat::tls
