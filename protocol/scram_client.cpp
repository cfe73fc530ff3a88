#include "protocol/scram_client.h"

#include "protocol/base64.h"
#include "protocol/limits.h"
#include "protocol/scram_reader.h"

#include <charconv>
#include <utility>

namespace pgmoat::protocol {
namespace {

ByteView bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// 0: it is no count that a server may ask for.
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

ScramClient::ScramClient(const ScramDigests& digests, std::string nonce, ScramBinding binding)
    : digests_(digests), nonce_(digests), binding_(std::move(binding)), auth_message_(digests) {
    nonce_->reserve(nonce.size() + scram_server_nonce_bytes_max);
    auth_message_->reserve(2 * scram_server_message_bytes_max);
    *nonce_ = nonce;
    auth_message_->append("n=,r=").append(nonce).append(",");
}

std::string ScramClient::first() const {
    return std::string(binding_.header) + "n=,r=" + *nonce_;
}

// r=nonce,s=salt,i=iterations and nothing else, as libpq demands.
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
    auth_message_->append(reader.text()).append(",").append(without_proof());
    return {};
}

std::string ScramClient::prove(const ScramDigest& client_key, const ScramDigest& stored_key) const {
    WipedDigest proof(digests_);
    exclusive_or(client_key, digests_.hmac_sha256(stored_key, bytes_of(*auth_message_)), *proof);
    return with_proof(*proof);
}

std::string ScramClient::prove_nothing(const ScramDigest& random) const {
    return with_proof(random);
}

// In one piece, so that no part of the proof stays behind in memory.
std::string ScramClient::with_proof(const ScramDigest& proof) const {
    const WipedText text(digests_, encode_base64(proof));
    std::string message = without_proof();
    message.reserve(message.size() + text->size() + 3);
    return std::move(message.append(",p=").append(*text));
}

std::string ScramClient::without_proof() const {
    Bytes binding(binding_.header.begin(), binding_.header.end());
    if (binding_.is_bound())
        binding.insert(binding.end(), binding_.end_point.begin(), binding_.end_point.end());
    return "c=" + encode_base64(binding) + ",r=" + *nonce_;
}

// e=... is the server's way to say no without an ErrorResponse: not signed.
bool ScramClient::is_signed(ByteView message, const ScramDigest& server_key) const {
    if (message.size() > scram_server_message_bytes_max) return false;
    ScramReader reader(message);
    const std::string_view text = reader.value('v');
    if (reader.failed() || !reader.at_end()) return false;
    const auto signature = decode_base64(text);
    return signature &&
           digests_.equal(*signature, digests_.hmac_sha256(server_key, bytes_of(*auth_message_)));
}

} // namespace pgmoat::protocol
