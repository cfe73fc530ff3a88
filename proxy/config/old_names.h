// Names that settings and options of listeners had in the release before. They are still taken, with
// a warning that gives the new one; beside the new one they are an error.
#pragma once

#include <array>
#include <string_view>

namespace pgmoat::config {

struct OldName {
    std::string_view name;
    std::string_view now;
};
inline constexpr std::array old_names{OldName{"hba_audit_file", "hba_dry_run_file"}};

// The name of now; empty: `name` is no old one.
[[nodiscard]] constexpr std::string_view name_instead_of(std::string_view name) noexcept {
    for (const OldName& old : old_names)
        if (old.name == name) return old.now;
    return {};
}

} // namespace pgmoat::config
