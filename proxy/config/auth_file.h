// Reads files of SCRAM secrets: auth_file, console_auth_file and http_users_file are of one format,
// that of PgBouncer's userlist.txt: one `"user" "SCRAM-SHA-256$..."` a line, the second being
// PostgreSQL's own secret (pg_authid.rolpassword), as `pgmoat scram-secret` prints it. Comments
// begin with ; or #. Passwords and MD5 hashes are refused: a reader of the file could log in with
// them. `user:SCRAM-SHA-256$...`, the first format of http_users_file, is still taken, with a
// warning.
#pragma once

#include "protocol/scram_secret.h"
#include "proxy/config/file_source.h"
#include "proxy/config/problems.h"

#include <map>
#include <string>
#include <string_view>

namespace pgmoat::config {

using ScramSecrets = std::map<std::string, protocol::ScramSecret, std::less<>>;

// What the salts of users who are not in the file are made of: secret, and the same for as long as
// the file is, so that replicas with one file give one answer.
[[nodiscard]] protocol::ScramDigest mock_key_of(const ScramSecrets& secrets);

// `location` names the file. No error repeats a secret.
[[nodiscard]] ScramSecrets
parse_auth_file(std::string_view text, Location location, Problems& problems);

// `setting`: the one that names the file, for the errors.
[[nodiscard]] ScramSecrets read_auth_file(const FileSource& source,
                                          const std::string& file,
                                          const std::string& setting,
                                          Problems& problems);

// As a line of the file.
[[nodiscard]] std::string auth_file_line(std::string_view user,
                                         const protocol::ScramSecret& secret);

// The rule for files that a login can be made with, the same as for private keys: owned by us and
// 0600, or by root and 0640, or less. Empty: it is kept.
[[nodiscard]] std::string
secret_file_problem(const std::string& file, const FileText::Access& access, unsigned own_uid);

} // namespace pgmoat::config
