// Makes any text fit to be a label value. The serializer escapes only quote, backslash and newline,
// and Prometheus refuses a whole scrape for one invalid UTF-8 byte: names from the configuration
// and from certificates are cleaned here first.
#pragma once

#include <string>
#include <string_view>

namespace pgmoat::metrics {

// Invalid UTF-8 and control characters become U+FFFD; a text longer than label_value_bytes_max is
// cut at a character and ends in "...~" and a hash of the whole text, so that different names stay
// different.
[[nodiscard]] std::string clean_label_value(std::string_view text);

} // namespace pgmoat::metrics
