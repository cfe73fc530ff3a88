// Names out of certificates are the peer's to write: what is logged of them is short and plain
// ASCII.
#pragma once

#include <cstddef>
#include <string>

namespace pgmoat::tls {

// The last bytes behind "..." when there are more than `bytes_max`; others than printable ASCII as
// \xCE. PostgreSQL: prepare_cert_name(), pg_clean_ascii().
[[nodiscard]] std::string for_the_log(std::string name, std::size_t bytes_max);

} // namespace pgmoat::tls
