#include "protocol/scram_client.h"

#include "protocol/base64.h"
#include "protocol/limits.h"
#include "protocol/scram_reader.h"

#include <charconv>
#include <utility>

namespace pgmoat::protocol {
namespace {

// 0: not an iteration count that we accept.
std::uint32_t parse_iterations(std::string_view text) {
    std::uint32_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return whole && count <= scram_iterations_max ? count : 0;
}

} // namespace

ScramBinding ScramBinding::to_end_point(Bytes digest) {
    return {"p=tls-server-end-point,,", std::move(digest)};
}

ScramClient::ScramClient(const ScramDigests& digests, std::string_view nonce, ScramBinding binding)
    : digests_(digests), nonce_(digests), binding_(std::move(binding)), auth_message_(digests) {
    nonce_->reserve(nonce.size() + scram_server_nonce_bytes_max);
    auth_message_->reserve(2 * scram_server_message_bytes_max);
    *nonce_ = nonce;
    auth_message_->append("n=,r=").append(nonce).append(",");
}

// Like every message here, allocated once: growing would leave copies of the nonce or the proof.
std::string ScramClient::first() const {
    std::string message;
    message.reserve(scram_message_bytes_max);
    message.append(binding_.header).append("n=,r=").append(*nonce_);
    return message;
}

// Accepts r=nonce,s=salt,i=iterations and nothing else, as libpq does.
std::string ScramClient::take_challenge(ByteView message) {
    if (message.size() > scram_server_message_bytes_max) return "SCRAM challenge is too long";
    ScramReader reader(message);
    if (reader.next() == 'm') return "server requires an unsupported SCRAM extension";
    const std::string_view nonce = reader.value('r');
    const std::string_view salt_text = reader.value('s');
    const std::string_view iterations = reader.value('i');
    if (reader.failed()) return reader.fault()->message + ": " + reader.fault()->detail;
    if (!reader.at_end()) return "garbage at the end of the SCRAM challenge";

    if (!is_scram_printable(nonce) || !nonce.starts_with(*nonce_) ||
        nonce.size() <= nonce_->size() ||
        nonce.size() > nonce_->size() + scram_server_nonce_bytes_max)
        return "SCRAM challenge with an invalid nonce";
    auto salt = decode_base64(salt_text);
    if (!salt || salt->empty() || salt->size() > scram_salt_bytes_max)
        return "SCRAM challenge with an invalid salt";
    iterations_ = parse_iterations(iterations);
    if (iterations_ == 0) return "SCRAM challenge with an invalid iteration count";
    salt_ = std::move(*salt);
    *nonce_ = nonce;
    auth_message_->append(reader.text()).append(",");
    append_without_proof(*auth_message_);
    return {};
}

std::string ScramClient::prove(const ScramDigest& client_key, const ScramDigest& stored_key) const {
    WipedDigest proof(digests_);
    ScramDigest signature = digests_.hmac_sha256(stored_key, as_bytes(*auth_message_));
    exclusive_or(client_key, signature, *proof);
    digests_.wipe(signature);
    return with_proof(*proof);
}

std::string ScramClient::prove_nothing(const ScramDigest& random) const {
    return with_proof(random);
}

std::string ScramClient::with_proof(const ScramDigest& proof) const {
    const WipedText text(digests_, encode_base64(proof));
    std::string message;
    message.reserve(scram_message_bytes_max);
    append_without_proof(message);
    message.append(",p=").append(*text);
    return message;
}

void ScramClient::append_without_proof(std::string& message) const {
    Bytes binding(binding_.header.begin(), binding_.header.end());
    if (binding_.is_bound())
        binding.insert(binding.end(), binding_.end_point.begin(), binding_.end_point.end());
    message.append("c=").append(encode_base64(binding)).append(",r=").append(*nonce_);
}

// e=... is how a server may refuse without an ErrorResponse; it is not a signature.
bool ScramClient::is_signed(ByteView message, const ScramDigest& server_key) const {
    if (message.size() > scram_server_message_bytes_max) return false;
    ScramReader reader(message);
    const std::string_view text = reader.value('v');
    if (reader.failed() || !reader.at_end()) return false;
    auto signature = decode_base64(text);
    if (!signature) return false;
    ScramDigest expected = digests_.hmac_sha256(server_key, as_bytes(*auth_message_));
    const bool same = digests_.equal(*signature, expected);
    digests_.wipe(*signature);
    digests_.wipe(expected);
    return same;
}

} // namespace pgmoat::protocol
