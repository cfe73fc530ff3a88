#include "protocol/scram_server.h"

#include "protocol/base64.h"
#include "protocol/limits.h"

#include <algorithm>
#include <optional>

namespace pgmoat::protocol {
namespace {

ByteView bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Takes `<name>=<value>` and the comma behind it off the front.
std::optional<std::string_view> take_attribute(std::string_view& text, char name) {
    if (text.size() < 2 || text[0] != name || text[1] != '=') return std::nullopt;
    const std::size_t comma = text.find(',');
    const std::string_view value = text.substr(2, comma == text.npos ? text.npos : comma - 2);
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
    return value;
}

bool is_nonce(std::string_view text) {
    return !text.empty() &&
           std::ranges::all_of(text, [](char c) { return c >= 0x21 && c <= 0x7e; });
}

} // namespace

ScramServer::Step ScramServer::resume(ByteView message) {
    const State state = std::exchange(state_, State::ended);
    if (message.size() > scram_message_bytes_max) return Malformed{"message is too long"};
    const std::string_view text(reinterpret_cast<const char*>(message.data()), message.size());
    if (text.find('\0') != text.npos) return Malformed{"message holds a zero byte"};
    if (state == State::start) return first(text);
    if (state == State::continued) return last(text);
    return Malformed{"exchange is over"};
}

// n,[a=authzid],n=user,r=nonce[,extensions]
ScramServer::Step ScramServer::first(std::string_view message) {
    if (message.starts_with("p="))
        return Malformed{"client requires SCRAM channel binding, which is not offered"};
    if (!message.starts_with("n,") && !message.starts_with("y,"))
        return Malformed{"unexpected channel-binding flag"};
    if (message.size() < 3 || message[2] != ',')
        return Malformed{"client uses authorization identity, but it is not supported"};
    gs2_header_ = message.substr(0, 3);
    const std::string_view bare = message.substr(3);

    std::string_view rest = bare;
    if (rest.starts_with("m=")) return Malformed{"client requires an unsupported SCRAM extension"};
    if (!take_attribute(rest, 'n')) return Malformed{"user name expected"};
    const auto client_nonce = take_attribute(rest, 'r');
    if (!client_nonce || !is_nonce(*client_nonce)) return Malformed{"nonce expected"};
    nonce_.insert(0, *client_nonce);

    std::string answer = "r=" + nonce_ + ",s=" + encode_base64(secret_.salt) +
                         ",i=" + std::to_string(secret_.iterations);
    auth_message_ = std::string(bare) + ',' + answer + ',';
    state_ = State::continued;
    return Continue{std::move(answer)};
}

// c=binding,r=nonce[,extensions],p=proof
ScramServer::Step ScramServer::last(std::string_view message) {
    const std::size_t proof_at = message.rfind(",p=");
    if (proof_at == message.npos) return Malformed{"proof expected"};
    const std::string_view without_proof = message.substr(0, proof_at);
    std::string_view rest = without_proof;
    const auto binding = take_attribute(rest, 'c');
    if (!binding || *binding != encode_base64(bytes_of(gs2_header_)))
        return Malformed{"unexpected SCRAM channel-binding attribute"};
    const auto nonce = take_attribute(rest, 'r');
    if (!nonce || !digests_.equal(bytes_of(*nonce), bytes_of(nonce_)))
        return Malformed{"nonce does not match"};
    const auto proof = decode_base64(message.substr(proof_at + 3));
    if (!proof || proof->size() != ScramDigest{}.size()) return Malformed{"malformed proof"};

    const std::string auth_message = std::exchange(auth_message_, {}) + std::string(without_proof);
    if (!proves(*proof, auth_message)) return WrongProof{};
    const ScramDigest signature = digests_.hmac_sha256(secret_.server_key, bytes_of(auth_message));
    return Finished{"v=" + encode_base64(signature)};
}

// ClientKey = ClientProof XOR HMAC(StoredKey, AuthMessage), and its hash must be StoredKey.
bool ScramServer::proves(const Bytes& proof, std::string_view auth_message) const {
    ScramDigest key = digests_.hmac_sha256(secret_.stored_key, bytes_of(auth_message));
    for (std::size_t i = 0; i < key.size(); ++i)
        key[i] = static_cast<std::uint8_t>(key[i] ^ proof[i]);
    return digests_.equal(digests_.sha256(key), secret_.stored_key);
}

ScramSecret mock_scram_secret(const ScramDigests& digests,
                              ByteView key,
                              std::string_view user,
                              std::uint32_t iterations) {
    const ScramDigest salt = digests.hmac_sha256(key, bytes_of(user));
    ScramSecret secret;
    secret.iterations = iterations;
    secret.salt.assign(salt.begin(), salt.begin() + scram_default_salt_bytes);
    secret.stored_key = digests.hmac_sha256(key, salt); // no key hashes to this
    secret.server_key = digests.hmac_sha256(key, secret.stored_key);
    return secret;
}

} // namespace pgmoat::protocol
