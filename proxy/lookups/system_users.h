// The name of a system user, for `peer`. Uses the system's name service (nsswitch.conf), which may
// be a network directory and blocks, so sessions ask the pool.
#pragma once

#include "proxy/hba/evaluate/questions.h"
#include "proxy/lookups/lookup_pool.h"

#include <cstdint>

namespace pgmoat::lookups {

using SystemUsers = LookupPool<std::uint32_t, hba::SystemUser>;

// Blocks as long as the name service does.
[[nodiscard]] hba::SystemUser look_up_system_user(std::uint32_t uid);

// The bounds of the SystemUsers pool.
[[nodiscard]] PoolBounds system_user_bounds();
[[nodiscard]] SystemUsers::Work system_user_work();

} // namespace pgmoat::lookups
