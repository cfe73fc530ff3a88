// pg_hosts.conf of PostgreSQL 19: which certificate, key and CA a client gets that asks for a host
// name. Source: parse_hosts_line() in be-secure-common.c, be_tls_init() in be-secure-openssl.c.
// Paths come out as they are written.
#pragma once

#include "proxy/config/file_source.h"
#include "proxy/config/problems.h"
#include "tls/context.h"

#include <string>
#include <vector>

namespace pgmoat::config {

struct HostsFile {
    std::vector<tls::HostSettings> hosts; // none: postgresql.conf's settings are for every host
    std::vector<std::string> files;       // that were read: itself, and those it includes
};

// A file that does not exist is an empty one.
[[nodiscard]] HostsFile
read_hosts_file(const std::string& path, const FileSource& source, Problems& problems);

// Whether a client that asks for this host, or with an empty name for none, is asked for a
// certificate. Letter case does not matter.
[[nodiscard]] bool asks_for_certificate(const tls::ServerSettings& settings,
                                        const std::string& name);

} // namespace pgmoat::config
