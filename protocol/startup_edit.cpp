#include "protocol/startup_edit.h"

#include "protocol/limits.h"
#include "protocol/messages.h"
#include "protocol/wire_reader.h"

#include <algorithm>
#include <cstdint>

namespace pgmoat::protocol {
namespace {

char lower(char letter) noexcept {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool begins_with(std::string_view name, std::string_view prefix) noexcept {
    return name.size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), name.begin(), [](char left, char right) {
               return lower(left) == lower(right);
           });
}

void set_length(Bytes& packet) noexcept {
    const auto size = static_cast<std::uint32_t>(packet.size());
    for (std::size_t i = 0; i < 4; ++i)
        packet[i] = static_cast<std::uint8_t>(size >> (24 - 8 * i));
}

} // namespace

std::optional<Bytes> edit_startup_packet(ByteView packet,
                                         std::string_view removed_prefix,
                                         const StartupParameters& added) {
    const ByteView head = packet.first(startup_parameters_offset);
    Bytes edited(head.begin(), head.end());
    WireReader parameters{packet.subspan(startup_parameters_offset)};
    while (!parameters.at_end()) {
        const auto name = parameters.c_string();
        if (name.empty()) break; // the terminator
        const auto value = parameters.c_string();
        if (parameters.failed()) break; // a name without a value, which PostgreSQL ignores too
        if (!removed_prefix.empty() && begins_with(name, removed_prefix)) continue;
        append_c_string(edited, name);
        append_c_string(edited, value);
    }
    for (const auto& [name, value] : added) {
        append_c_string(edited, name);
        append_c_string(edited, value);
    }
    edited.push_back(0);
    if (edited.size() > static_cast<std::size_t>(startup_length_max)) return {};
    set_length(edited);
    return edited;
}

} // namespace pgmoat::protocol
