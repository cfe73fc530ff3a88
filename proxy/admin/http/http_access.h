// Who may use the HTTP endpoint and how: with or without TLS, all clients or the users in a file.
// Built from the configuration at start and at reload, completely or not at all.
#pragma once

#include "proxy/admin/http/http_users.h"
#include "proxy/config/config.h"
#include "tls/context.h"

#include <memory>
#include <string>
#include <vector>

namespace pgmoat::admin {

struct HttpAccess {
    std::shared_ptr<const tls::ServerContext> tls; // none: plaintext
    std::shared_ptr<const HttpUsers> users;        // none: all clients
    std::string listen;                            // http_listen
    std::vector<std::string> warnings;             // about the file of users
};

// Reads certificate, key and users. Throws tls::Error, config::ConfigError.
[[nodiscard]] HttpAccess load_http_access(const config::Config& config);

// A warning about missing protection if other machines can reach the endpoint; empty: none.
[[nodiscard]] std::string exposure_of(const HttpAccess& access);

} // namespace pgmoat::admin
