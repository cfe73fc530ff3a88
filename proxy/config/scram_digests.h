// The digest functions of tls/ as the table that protocol/ needs for SCRAM exchanges and secrets.
#pragma once

#include "protocol/scram_digests.h"

namespace pgmoat::config {

[[nodiscard]] const protocol::ScramDigests& scram_digests() noexcept;

} // namespace pgmoat::config
