// Reads files of SCRAM secrets. auth_file, console_auth_file and http_users_file have the format of
// PgBouncer's userlist.txt: `"user" "SCRAM-SHA-256$..."` on each line. The secret is PostgreSQL's
// own (pg_authid.rolpassword); `pgmoat scram-secret` prints such a line. Comments begin with ; or
// #. Passwords and MD5 hashes are refused: a reader of the file could log in with them.
// `user:SCRAM-SHA-256$...`, an old format of http_users_file, is still accepted, with a warning.
#pragma once

#include "protocol/scram_secret.h"
#include "proxy/config/file_source.h"
#include "proxy/config/problems.h"

#include <map>
#include <string>
#include <string_view>

namespace pgmoat::config {

using ScramSecrets = std::map<std::string, protocol::ScramSecret, std::less<>>;

// The secret key from which the salts of unknown users are derived. It depends only on the file's
// contents, so that all replicas with the same file give the same answers.
[[nodiscard]] protocol::ScramDigest mock_key_of(const ScramSecrets& secrets);

// `location` names the file. No error repeats a secret.
[[nodiscard]] ScramSecrets
parse_auth_file(std::string_view text, Location location, Problems& problems);

// `setting` is the one that names the file, for error messages.
[[nodiscard]] ScramSecrets read_auth_file(const FileSource& source,
                                          const std::string& file,
                                          const std::string& setting,
                                          Problems& problems);

// As written in the file.
[[nodiscard]] std::string auth_file_line(std::string_view user,
                                         const protocol::ScramSecret& secret);

// The permission rule for files with which one could log in, the same as for private keys: owned by
// us with at most 0600, or by root with at most 0640. Empty: it is met.
[[nodiscard]] std::string
secret_file_problem(const std::string& file, const FileText::Access& access, unsigned own_uid);

} // namespace pgmoat::config
