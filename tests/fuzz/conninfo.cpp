// Any text is a connection string with at least one host, or an error.
#include "proxy/config/conninfo.h"

#include "proxy/config/limits.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace pgmoat::config;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void check(const Conninfo& conninfo) {
    require(!conninfo.hosts.empty());
    require(conninfo.hosts.size() <= limits::hosts_per_upstream_max);
    for (const UpstreamHost& host : conninfo.hosts) {
        require(host.port != 0);
        require(!host.host.empty() || !host.hostaddr.empty());
    }
    // A mode that verifies the certificate has something to verify it with.
    if (conninfo.sslmode >= SslMode::verify_ca) require(!conninfo.sslrootcert.empty());
    if (conninfo.sslrootcert == "system") require(conninfo.sslmode == SslMode::verify_full);
    if (conninfo.sslnegotiation == SslNegotiation::direct)
        require(conninfo.sslmode >= SslMode::require);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        check(parse_conninfo({reinterpret_cast<const char*>(data), size}));
    } catch (const ConninfoError& error) {
        require(std::string_view(error.what()) != "");
    }
    return 0;
}
