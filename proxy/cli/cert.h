// `pgmoat cert ca|server|client|self-signed`: the keys and certificates of PostgreSQL's SSL
// chapter.
#pragma once

#include <string>
#include <vector>

namespace pgmoat::cli {

enum class CertKind { ca, server, client, self_signed };

struct CertOptions {
    CertKind kind = CertKind::server;
    std::string name;               // the common name; for a client: the database user
    std::vector<std::string> hosts; // host names and addresses of a server
    std::string certificate_file;
    std::string key_file;
    std::string ca_certificate_file; // server, client
    std::string ca_key_file;
    int days = 0; // 0: the usual time
    bool overwrite = false;
};

// Writes both files, and prints what it wrote and how to use it. Returns the exit code.
[[nodiscard]] int make_certificate(const CertOptions& options);

} // namespace pgmoat::cli
