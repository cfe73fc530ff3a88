// The files of page/, which the build puts into the binary. The chart library is among them only if
// the build could get it.
#pragma once

#include <span>
#include <string_view>

namespace pgmoat::admin {

struct PageFile {
    std::string_view name; // "page.css"
    std::string_view text;
};

[[nodiscard]] std::span<const PageFile> page_files() noexcept;

} // namespace pgmoat::admin
