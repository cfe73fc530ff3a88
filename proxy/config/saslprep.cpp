#include "proxy/config/saslprep.h"

#include <stringprep.h>

#include <algorithm>
#include <cstdlib>

namespace pgmoat::config {

std::string saslprep(std::string_view password) {
    std::string text(password);
    const bool ascii =
        std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (ascii || text.find('\0') != text.npos) return text;
    char* prepared = nullptr;
    const int status =
        stringprep_profile(text.c_str(), &prepared, "SASLprep", STRINGPREP_NO_UNASSIGNED);
    // PostgreSQL treats a password of which nothing is left as prohibited.
    if (status == STRINGPREP_OK && *prepared != '\0') text = prepared;
    std::free(prepared);
    return text;
}

} // namespace pgmoat::config
