#include "proxy/admin/console/row_format.h"

#include <cstdlib>

namespace pgmoat::admin {

namespace {

struct WireType {
    std::uint32_t oid;  // pg_type.oid
    std::uint16_t size; // pg_type.typlen
};

WireType wire_type(Type type) {
    constexpr std::uint16_t any_length = 0xffff;
    switch (type) {
    case Type::boolean: return {16, 1};
    case Type::int4: return {23, 4};
    case Type::int8: return {20, 8};
    case Type::numeric: return {1700, any_length};
    case Type::text: break;
    }
    return {25, any_length};
}

std::string big_endian(std::uint64_t value, std::size_t bytes) {
    std::string out;
    for (std::size_t i = bytes; i-- > 0;)
        out += static_cast<char>((value >> (8 * i)) & 0xff);
    return out;
}

std::string integer(const std::string& text, std::size_t bytes) {
    return big_endian(static_cast<std::uint64_t>(std::strtoll(text.c_str(), nullptr, 10)), bytes);
}

// numeric_send(): digits of base 10000, the weight of the first, the sign, the scale. Serial
// numbers only, so there is no fraction.
std::string numeric(const std::string& text) {
    const bool negative = text.starts_with('-');
    std::string digits = text.substr(negative ? 1 : 0);
    digits.insert(0, (4 - digits.size() % 4) % 4, '0');
    while (digits.starts_with("0000"))
        digits.erase(0, 4);
    const std::size_t count = digits.size() / 4;
    std::string out = big_endian(count, 2) + big_endian(count == 0 ? 0 : count - 1, 2) +
                      big_endian(negative ? 0x4000 : 0, 2) + big_endian(0, 2);
    for (std::size_t i = 0; i < count; ++i)
        out += integer(digits.substr(4 * i, 4), 2);
    return out;
}

} // namespace

std::optional<std::vector<Format>> formats_of(std::span<const std::uint16_t> codes,
                                              std::size_t columns) {
    if (codes.size() > 1 && codes.size() != columns) return std::nullopt;
    std::vector<Format> formats(columns, Format::text);
    for (std::size_t i = 0; i < columns && !codes.empty(); ++i)
        formats[i] = static_cast<Format>(codes.size() == 1 ? codes[0] : codes[i]);
    return formats;
}

std::vector<protocol::ColumnDescription> describe(std::span<const Column> columns,
                                                  std::span<const Format> formats) {
    std::vector<protocol::ColumnDescription> described;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const WireType type = wire_type(columns[i].type);
        const auto format =
            static_cast<std::uint16_t>(i < formats.size() ? formats[i] : Format::text);
        described.push_back({columns[i].name, type.oid, type.size, format});
    }
    return described;
}

std::string to_binary(Type type, const std::string& text) {
    switch (type) {
    case Type::boolean: return std::string(1, text == "t" ? '\1' : '\0');
    case Type::int4: return integer(text, 4);
    case Type::int8: return integer(text, 8);
    case Type::numeric: return numeric(text);
    case Type::text: break;
    }
    return text;
}

} // namespace pgmoat::admin
