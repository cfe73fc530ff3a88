#include "proxy/admin/console/sql/like.h"

namespace pgmoat::admin::sql {

namespace {

std::size_t character_length(std::string_view text) {
    std::size_t length = 1;
    while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80)
        ++length;
    return length;
}

} // namespace

// On a mismatch the last % takes one character more: what stands before it need not be tried again.
bool is_like(std::string_view text, std::string_view pattern, char escape) noexcept {
    std::size_t t = 0;
    std::size_t p = 0;
    std::size_t after_percent = std::string_view::npos;
    std::size_t resume = 0;
    while (t < text.size()) {
        const bool escaped = p + 1 < pattern.size() && escape != '\0' && pattern[p] == escape;
        if (p < pattern.size() && !escaped && pattern[p] == '%') {
            after_percent = ++p;
            resume = t;
            continue;
        }
        if (p < pattern.size() && !escaped && pattern[p] == '_') {
            t += character_length(text.substr(t));
            ++p;
            continue;
        }
        if (p < pattern.size() && pattern[p + (escaped ? 1 : 0)] == text[t]) {
            p += escaped ? 2 : 1;
            ++t;
            continue;
        }
        if (after_percent == std::string_view::npos) return false;
        p = after_percent;
        resume += character_length(text.substr(resume));
        t = resume;
    }
    while (p < pattern.size() && pattern[p] == '%')
        ++p;
    return p == pattern.size();
}

bool ends_in_escape(std::string_view pattern, char escape) noexcept {
    for (std::size_t i = 0; i < pattern.size(); ++i)
        if (pattern[i] == escape && ++i == pattern.size()) return true;
    return false;
}

} // namespace pgmoat::admin::sql
