#include "protocol/scram_secret.h"

#include "protocol/base64.h"
#include "protocol/limits.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace pgmoat::protocol {
namespace {

// Takes the text up to `end`, and `end` itself, off the front; everything if there is no `end`.
std::string_view take_until(std::string_view& text, char end) {
    const std::size_t at = text.find(end);
    const std::string_view taken = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
    return taken;
}

std::optional<std::uint32_t> parse_iterations(std::string_view text) {
    std::uint32_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (count < 1 || count > scram_iterations_max) return std::nullopt;
    return count;
}

std::optional<ScramDigest> parse_digest(std::string_view text) {
    const std::optional<Bytes> bytes = decode_base64(text);
    ScramDigest digest;
    if (!bytes || bytes->size() != digest.size()) return std::nullopt;
    std::ranges::copy(*bytes, digest.begin());
    return digest;
}

} // namespace

std::optional<ScramSecret> parse_scram_secret(std::string_view text) {
    if (take_until(text, '$') != "SCRAM-SHA-256") return std::nullopt;
    const auto iterations = parse_iterations(take_until(text, ':'));
    auto salt = decode_base64(take_until(text, '$'));
    const auto stored_key = parse_digest(take_until(text, ':'));
    const auto server_key = parse_digest(text);
    if (!iterations || !salt || !stored_key || !server_key) return std::nullopt;
    if (salt->empty() || salt->size() > scram_salt_bytes_max) return std::nullopt;
    return ScramSecret{*iterations, std::move(*salt), *stored_key, *server_key};
}

std::string text_of(const ScramSecret& secret) {
    return "SCRAM-SHA-256$" + std::to_string(secret.iterations) + ':' + encode_base64(secret.salt) +
           '$' + encode_base64(secret.stored_key) + ':' + encode_base64(secret.server_key);
}

void wipe_secret(const ScramDigests& digests, ScramSecret& secret) {
    digests.wipe(secret.stored_key);
    digests.wipe(secret.server_key);
}

} // namespace pgmoat::protocol
