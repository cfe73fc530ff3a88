// `pgmoat hba test`: which rule would decide about a connection, and which error the client would
// get.
#pragma once

#include <string>

namespace pgmoat::cli {

struct HbaTestOptions {
    std::string config_file;
    std::string hba_file; // instead of the listener's file
    std::string listener; // empty: the first one
    std::string address;  // numeric; "[local]" or "local" is a unix socket
    std::string user;
    std::string database; // empty: named like the user
    std::string tls;      // "TLSv1.3"; empty: no TLS
    std::string cipher;   // OpenSSL's name
    std::string group;
    std::string server_name;             // SNI
    std::string client_certificate_file; // assumed to be verified
    std::string system_user;             // of a Unix socket's client
    std::string replication;             // on, off, database
};

// Exit code 0: allowed, 1: refused; otherwise as for all commands.
[[nodiscard]] int test_hba(const HbaTestOptions& options);

} // namespace pgmoat::cli
