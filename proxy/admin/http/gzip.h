// Compresses answers for clients that accept it.
#pragma once

#include <string>
#include <string_view>

namespace pgmoat::admin {

// Whether an Accept-Encoding header allows gzip.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);

// Empty if there is no memory; `text` must not be empty.
[[nodiscard]] std::string gzipped(std::string_view text);

} // namespace pgmoat::admin
