// tls/'s digests in protocol/'s terms: for code that runs a SCRAM exchange or keeps secrets.
#pragma once

#include "protocol/scram_digests.h"

namespace pgmoat::config {

[[nodiscard]] const protocol::ScramDigests& scram_digests() noexcept;

} // namespace pgmoat::config
