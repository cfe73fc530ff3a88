#include "tls/scram_keys.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <new>

namespace pgmoat::tls {

namespace {

// Empties OpenSSL's error queue, as everything in tls/ does.
void demand(bool done) {
    if (done) return;
    ERR_clear_error();
    throw std::bad_alloc();
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

} // namespace

Sha256 sha256(std::span<const std::uint8_t> bytes) {
    Sha256 digest;
    demand(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) ==
           1);
    return digest;
}

// HMAC() makes a new context each time: one that is used again computes wrong values in OpenSSL
// 3.0.2.
Sha256 hmac_sha256(std::span<const std::uint8_t> key, std::span<const std::uint8_t> bytes) {
    Sha256 digest;
    demand(HMAC(EVP_sha256(),
                key.data(),
                static_cast<int>(key.size()),
                bytes.data(),
                bytes.size(),
                digest.data(),
                nullptr) != nullptr);
    return digest;
}

bool equal_in_constant_time(std::span<const std::uint8_t> left,
                            std::span<const std::uint8_t> right) {
    return left.size() == right.size() &&
           CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::vector<std::uint8_t> random_bytes(std::size_t count) {
    std::vector<std::uint8_t> bytes(count);
    demand(RAND_bytes(bytes.data(), static_cast<int>(count)) == 1);
    return bytes;
}

void wipe(std::span<std::uint8_t> bytes) {
    OPENSSL_cleanse(bytes.data(), bytes.size());
}

ScramKeys derive_scram_keys(std::string_view password,
                            std::span<const std::uint8_t> salt,
                            std::uint32_t iterations) {
    Sha256 salted;
    demand(PKCS5_PBKDF2_HMAC(password.data(),
                             static_cast<int>(password.size()),
                             salt.data(),
                             static_cast<int>(salt.size()),
                             static_cast<int>(iterations),
                             EVP_sha256(),
                             static_cast<int>(salted.size()),
                             salted.data()) == 1);
    ScramKeys keys;
    keys.client = hmac_sha256(salted, bytes_of("Client Key"));
    keys.stored = sha256(keys.client);
    keys.server = hmac_sha256(salted, bytes_of("Server Key"));
    wipe(salted);
    return keys;
}

} // namespace pgmoat::tls
