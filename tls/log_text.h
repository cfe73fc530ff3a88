// The peer chooses the names in its certificate: in the log they are cut and plain ASCII.
#pragma once

#include <cstddef>
#include <string>

namespace pgmoat::tls {

// Bytes other than printable ASCII become \xCE. A text longer than `bytes_max` becomes "..." and
// its last bytes. PostgreSQL: prepare_cert_name(), pg_clean_ascii().
[[nodiscard]] std::string for_the_log(std::string name, std::size_t bytes_max);

} // namespace pgmoat::tls
