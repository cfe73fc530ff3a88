#include "tls/remembered.h"

#include "tls/context.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace pgmoat::tls {

Remembered::Remembered(std::size_t count_max) : count_max_(count_max) {
    if (RAND_bytes(key_.data(), static_cast<int>(key_.size())) != 1)
        throw Error("could not generate a random key");
}

bool Remembered::digest(std::string_view text, Digest& out) const {
    return HMAC(EVP_sha256(),
                key_.data(),
                static_cast<int>(key_.size()),
                reinterpret_cast<const unsigned char*>(text.data()),
                text.size(),
                out.data(),
                nullptr) != nullptr;
}

void Remembered::add(std::string_view text) {
    Digest fresh{};
    if (!digest(text, fresh)) return;
    if (digests_.size() >= count_max_) digests_.erase(digests_.begin());
    digests_.push_back(fresh);
}

bool Remembered::has(std::string_view text) const {
    Digest asked{};
    if (!digest(text, asked)) return false;
    bool found = false;
    for (const Digest& known : digests_)
        found |= CRYPTO_memcmp(known.data(), asked.data(), asked.size()) == 0;
    return found;
}

} // namespace pgmoat::tls
