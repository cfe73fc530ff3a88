// Names that settings and listener options had in the previous release. They are still accepted,
// with a warning that gives the new name; together with the new name they are an error.
#pragma once

#include <array>
#include <string_view>

namespace pgmoat::config {

struct OldName {
    std::string_view name;
    std::string_view now;
};
inline constexpr std::array old_names{OldName{"hba_audit_file", "hba_dry_run_file"}};

// The current name; empty: `name` is not an old one.
[[nodiscard]] constexpr std::string_view name_instead_of(std::string_view name) noexcept {
    for (const OldName& old : old_names)
        if (old.name == name) return old.now;
    return {};
}

} // namespace pgmoat::config
