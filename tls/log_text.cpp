#include "tls/log_text.h"

#include <string_view>

namespace pgmoat::tls {

std::string for_the_log(std::string name, std::size_t bytes_max) {
    if (name.size() > bytes_max) {
        name.erase(0, name.size() - bytes_max);
        name.replace(0, 3, "...");
    }
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string clean;
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7F) {
            clean += c;
        } else {
            clean += {'\\', 'x', digits[byte >> 4U], digits[byte & 0x0FU]};
        }
    }
    return clean;
}

} // namespace pgmoat::tls
