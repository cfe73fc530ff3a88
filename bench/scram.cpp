#include "bench/scram.h"

#include "bench/wire.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <span>
#include <stdexcept>
#include <tuple>
#include <vector>

namespace pgmoat::bench {
namespace {

constexpr std::string_view mechanism = "SCRAM-SHA-256";
constexpr std::string_view header = "n,,";
constexpr std::string_view header_base64 = "biws";

// The codes of Authentication messages.
constexpr std::uint32_t auth_ok = 0;
constexpr std::uint32_t auth_sasl = 10;
constexpr std::uint32_t auth_sasl_continue = 11;
constexpr std::uint32_t auth_sasl_final = 12;

std::string base64(std::span<const unsigned char> bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                       bytes.data(),
                                       static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

std::vector<unsigned char> from_base64(std::string_view text) {
    std::vector<unsigned char> bytes(text.size());
    const int length = EVP_DecodeBlock(bytes.data(),
                                       reinterpret_cast<const unsigned char*>(text.data()),
                                       static_cast<int>(text.size()));
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    bytes.resize(length < 0 ? 0 : static_cast<std::size_t>(length) - padding);
    return bytes;
}

ScramKey hmac(const ScramKey& key, std::string_view text) {
    ScramKey out{};
    HMAC(EVP_sha256(),
         key.data(),
         static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(text.data()),
         text.size(),
         out.data(),
         nullptr);
    return out;
}

struct Keys {
    ScramKey client;
    ScramKey stored;
    ScramKey server;
};

// One thread, so no lock.
const Keys& keys_of(const Account& account, const std::string& salt, int iterations) {
    static std::map<std::tuple<std::string, std::string, int>, Keys> known;
    const auto [entry, is_new] = known.try_emplace({account.password, salt, iterations});
    if (!is_new) return entry->second;
    Keys& keys = entry->second;
    const auto salt_bytes = from_base64(salt);
    ScramKey salted{};
    PKCS5_PBKDF2_HMAC(account.password.data(),
                      static_cast<int>(account.password.size()),
                      salt_bytes.data(),
                      static_cast<int>(salt_bytes.size()),
                      iterations,
                      EVP_sha256(),
                      static_cast<int>(salted.size()),
                      salted.data());
    keys.client = hmac(salted, "Client Key");
    keys.server = hmac(salted, "Server Key");
    EVP_Digest(
        keys.client.data(), keys.client.size(), keys.stored.data(), nullptr, EVP_sha256(), nullptr);
    return keys;
}

// The value of `name=` in a comma list.
std::string attribute(std::string_view message, char name) {
    while (!message.empty()) {
        const std::string_view part = message.substr(0, message.find(','));
        if (part.size() >= 2 && part[0] == name && part[1] == '=')
            return std::string(part.substr(2));
        message.remove_prefix(std::min(part.size() + 1, message.size()));
    }
    return {};
}

std::string sasl_message(std::string_view body) {
    std::string out;
    append_message(out, 'p', body);
    return out;
}

} // namespace

std::string ScramLogin::answer(std::string_view authentication) {
    if (authentication.size() < 4) {
        failure_ = "a short Authentication message";
        return {};
    }
    const std::string_view data = authentication.substr(4);
    switch (read_u32(authentication)) {
    case auth_ok: return {};
    case auth_sasl: return begin(data);
    case auth_sasl_continue: return prove(data);
    case auth_sasl_final: verify(data); return {};
    default: failure_ = "the server asks for another method than SCRAM"; return {};
    }
}

// A list of strings that end in NUL, and an empty one.
std::string ScramLogin::begin(std::string_view mechanisms) {
    if (std::string_view::npos == mechanisms.find(std::string(mechanism) + '\0')) {
        failure_ = "the server does not offer SCRAM-SHA-256";
        return {};
    }
    std::array<unsigned char, 18> nonce{};
    RAND_bytes(nonce.data(), static_cast<int>(nonce.size()));
    client_first_bare_ = "n=,r=" + base64(nonce);
    std::string body(mechanism);
    body.push_back('\0');
    append_u32(body, static_cast<std::uint32_t>(header.size() + client_first_bare_.size()));
    body += header;
    body += client_first_bare_;
    return sasl_message(body);
}

std::string ScramLogin::prove(std::string_view server_first) {
    int iterations = 0;
    const std::string count = attribute(server_first, 'i');
    std::from_chars(count.data(), count.data() + count.size(), iterations);
    if (iterations <= 0) {
        failure_ = "malformed SCRAM challenge";
        return {};
    }
    const std::string salt = attribute(server_first, 's'); // named: g++ 14 fears for `keys` else
    const Keys& keys = keys_of(account_, salt, iterations);
    const std::string without_proof =
        "c=" + std::string(header_base64) + ",r=" + attribute(server_first, 'r');
    const std::string signed_text =
        client_first_bare_ + ',' + std::string(server_first) + ',' + without_proof;
    ScramKey proof = hmac(keys.stored, signed_text);
    for (std::size_t i = 0; i < proof.size(); ++i)
        proof[i] ^= keys.client[i];
    server_signature_ = base64(hmac(keys.server, signed_text));
    return sasl_message(without_proof + ",p=" + base64(proof));
}

void ScramLogin::verify(std::string_view server_final) {
    if (attribute(server_final, 'v') != server_signature_)
        failure_ = "the server's SCRAM signature is wrong";
}

} // namespace pgmoat::bench
