#include "proxy/lookups/system_users.h"

#include <pwd.h>

#include <array>
#include <system_error>

namespace pgmoat::lookups {

hba::SystemUser look_up_system_user(std::uint32_t uid) {
    std::array<char, password_entry_bytes> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    const int error = ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr) return {found->pw_name, {}};
    return {{}, error != 0 ? std::generic_category().message(error) : "user does not exist"};
}

PoolBounds system_user_bounds() {
    return {system_user_workers, system_users_waiting_max, system_users_cached_max};
}

SystemUsers::Work system_user_work() {
    SystemUsers::Work work;
    work.new_worker = [] {
        return [](std::uint32_t uid, const std::stop_token&) { return look_up_system_user(uid); };
    };
    work.keep_for = [](const hba::SystemUser& user) -> SystemUsers::Clock::duration {
        return user.error.empty() ? name_kept : failed_name_kept;
    };
    work.too_many.error = "too many lookups";
    return work;
}

} // namespace pgmoat::lookups
