// Reads console_auth_file: one `"user" "SCRAM-SHA-256$..."` a line, as in PgBouncer's userlist.txt,
// the second being PostgreSQL's own secret (pg_authid.rolpassword). Comments begin with ; or #.
// Passwords and MD5 hashes are refused: whoever reads the file could log in with them.
#pragma once

#include "protocol/scram_secret.h"
#include "proxy/config/file_source.h"
#include "proxy/config/problems.h"

#include <map>
#include <string>

namespace pgmoat::config {

using ScramSecrets = std::map<std::string, protocol::ScramSecret>;

// What the salts of users who are not in the file are made of: secret, and the same for as long as
// the file is, so that replicas with one file give one answer.
[[nodiscard]] protocol::ScramDigest mock_key_of(const ScramSecrets& secrets);

[[nodiscard]] ScramSecrets
read_auth_file(const FileSource& source, const std::string& file, Problems& problems);

} // namespace pgmoat::config
