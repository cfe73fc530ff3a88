#include "tls/scram_secret.h"

#include "tls/base64.h"
#include "tls/context.h"
#include "tls/limits.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <charconv>

namespace pgmoat::tls {

namespace {

using Key = std::array<std::uint8_t, SHA256_DIGEST_LENGTH>;

constexpr std::string_view scheme = "SCRAM-SHA-256$";
constexpr int new_iterations = 4096; // PostgreSQL's scram_iterations
constexpr std::size_t new_salt_bytes = 16;

struct Keys {
    Key stored{};
    Key server{};
};

bool hmac(const Key& key, std::string_view text, Key& out) {
    return HMAC(EVP_sha256(),
                key.data(),
                static_cast<int>(key.size()),
                reinterpret_cast<const unsigned char*>(text.data()),
                text.size(),
                out.data(),
                nullptr) != nullptr;
}

// RFC 5802, section 3.
std::optional<Keys>
derive(std::string_view password, const std::vector<std::uint8_t>& salt, int iterations) {
    Key salted{};
    Key client{};
    Keys keys;
    const bool done = PKCS5_PBKDF2_HMAC(password.data(),
                                        static_cast<int>(password.size()),
                                        salt.data(),
                                        static_cast<int>(salt.size()),
                                        iterations,
                                        EVP_sha256(),
                                        static_cast<int>(salted.size()),
                                        salted.data()) == 1 &&
                      hmac(salted, "Client Key", client) && hmac(salted, "Server Key", keys.server);
    SHA256(client.data(), client.size(), keys.stored.data());
    OPENSSL_cleanse(salted.data(), salted.size());
    OPENSSL_cleanse(client.data(), client.size());
    ERR_clear_error();
    if (!done) return std::nullopt;
    return keys;
}

// The text up to `end`, which is taken as well; nothing when it does not come.
std::optional<std::string_view> take_until(std::string_view& rest, char end) {
    const std::size_t length = rest.find(end);
    if (length == std::string_view::npos) return std::nullopt;
    const std::string_view taken = rest.substr(0, length);
    rest.remove_prefix(length + 1);
    return taken;
}

bool read_key(std::string_view text, Key& key) {
    const auto bytes = base64_decoded(text);
    if (!bytes || bytes->size() != key.size()) return false;
    std::copy(bytes->begin(), bytes->end(), key.begin());
    return true;
}

} // namespace

std::optional<ScramSecret> parse_scram_secret(std::string_view text) {
    if (!text.starts_with(scheme)) return std::nullopt;
    text.remove_prefix(scheme.size());
    const auto iterations = take_until(text, ':');
    const auto salt_text = take_until(text, '$');
    const auto stored = take_until(text, ':');
    if (!iterations || !salt_text || !stored) return std::nullopt;

    ScramSecret secret;
    const char* const end = iterations->data() + iterations->size();
    const auto number = std::from_chars(iterations->data(), end, secret.iterations);
    if (number.ec != std::errc{} || number.ptr != end) return std::nullopt;
    if (secret.iterations < 1 || secret.iterations > scram_iterations_max) return std::nullopt;
    auto salt = base64_decoded(*salt_text);
    if (!salt || salt->empty()) return std::nullopt;
    secret.salt = std::move(*salt);
    if (!read_key(*stored, secret.stored_key) || !read_key(text, secret.server_key))
        return std::nullopt;
    return secret;
}

std::string make_scram_secret(std::string_view password) {
    std::vector<std::uint8_t> salt(new_salt_bytes);
    const bool random = RAND_bytes(salt.data(), static_cast<int>(salt.size())) == 1;
    const auto keys = random ? derive(password, salt, new_iterations) : std::nullopt;
    if (!keys) throw Error("could not generate random salt");
    return std::string(scheme) + std::to_string(new_iterations) + ':' + base64(salt) + '$' +
           base64(keys->stored) + ':' + base64(keys->server);
}

bool is_password_of(const ScramSecret& secret, std::string_view password) noexcept {
    const auto keys = derive(password, secret.salt, secret.iterations);
    return keys &&
           CRYPTO_memcmp(keys->stored.data(), secret.stored_key.data(), secret.stored_key.size()) ==
               0;
}

} // namespace pgmoat::tls
