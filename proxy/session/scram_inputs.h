// What a SCRAM exchange of ours begins with: what a leg can bind to, and new random values.
#pragma once

#include "protocol/scram_digests.h"
#include "protocol/scram_leg.h"
#include "proxy/io/stream.h"

#include <string>

namespace pgmoat::session {

[[nodiscard]] protocol::ScramLeg leg_of(const io::Stream& stream);
[[nodiscard]] protocol::ScramDigest random_digest();
[[nodiscard]] std::string random_nonce();

} // namespace pgmoat::session
