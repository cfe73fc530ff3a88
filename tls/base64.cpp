#include "tls/base64.h"

#include <openssl/evp.h>

namespace pgmoat::tls {

std::string base64(std::span<const std::uint8_t> bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0'); // OpenSSL writes a NUL behind
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     bytes.data(),
                                     static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

std::optional<std::vector<std::uint8_t>> base64_decoded(std::string_view text) {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string_view body = text;
    std::size_t padding = 0;
    for (; padding < 2 && body.ends_with('='); ++padding)
        body.remove_suffix(1);
    // EVP_DecodeBlock() itself takes blanks at both ends, and padding in the middle.
    if (text.size() % 4 != 0 || body.find_first_not_of(alphabet) != std::string_view::npos)
        return std::nullopt;
    std::vector<std::uint8_t> bytes(text.size() / 4 * 3);
    const int size = EVP_DecodeBlock(bytes.data(),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    if (size < 0) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(size) - padding);
    return bytes;
}

} // namespace pgmoat::tls
