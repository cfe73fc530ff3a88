// pg_hosts.conf of PostgreSQL 19: certificate, key and CA by the host name that a client asks for.
// Source: parse_hosts_line() in be-secure-common.c, be_tls_init() in be-secure-openssl.c. Paths
// come out as they are written.
#pragma once

#include "proxy/config/file_source.h"
#include "proxy/config/problems.h"
#include "tls/context.h"

#include <string>
#include <vector>

namespace pgmoat::config {

struct HostsFile {
    std::vector<tls::HostSettings> hosts; // none: postgresql.conf's settings apply to all hosts
    std::vector<std::string> files;       // all files read: itself and its includes
};

// A file that does not exist is treated as empty.
[[nodiscard]] HostsFile
read_hosts_file(const std::string& path, const FileSource& source, Problems& problems);

// Whether a client that asks for this host (empty: sends no name) is asked for a certificate.
// Case-insensitive.
[[nodiscard]] bool asks_for_certificate(const tls::ServerSettings& settings,
                                        const std::string& name);

} // namespace pgmoat::config
