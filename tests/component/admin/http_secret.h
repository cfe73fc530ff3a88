// The secret of a password, as in a line of http_users_file.
#pragma once

#include "protocol/scram_secret.h"
#include "tls/scram_keys.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::admin {

inline std::string make_http_secret(std::string_view password) {
    const std::vector<std::uint8_t> salt(16, 's');
    const auto keys = tls::derive_scram_keys(password, salt, 4096);
    return protocol::text_of({4096, salt, keys.stored, keys.server});
}

} // namespace pgmoat::admin
