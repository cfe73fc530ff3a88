// Compresses what clients ask to have compressed.
#pragma once

#include <string>
#include <string_view>

namespace pgmoat::admin {

// Whether an Accept-Encoding header allows gzip.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);

// Empty when memory is out; `text` is not empty.
[[nodiscard]] std::string gzipped(std::string_view text);

} // namespace pgmoat::admin
