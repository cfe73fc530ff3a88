// Any text is a pg_hosts.conf or a list of errors about it.
#include "proxy/config/hosts_file.h"

#include "tests/unit/config/memory_files.h"

#include <cstdint>
#include <cstdlib>
#include <set>

using namespace pgmoat::config;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void check(const HostsFile& file) {
    std::set<std::string> names;
    for (const auto& host : file.hosts) {
        require(!host.names.empty());
        require(host.pairs.size() == 1);
        for (const std::string& name : host.names) {
            require(names.insert(name).second);
            const bool special = name == "*" || name == "/no_sni/";
            require(!special || host.names.size() == 1);
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    // The same text is the file and the file that it may include.
    const MemoryFiles files({{"h", text}, {"i", text}});
    Problems problems;
    const HostsFile file = read_hosts_file("h", files, problems);
    if (problems.errors.empty()) check(file);
    for (const std::string& error : problems.errors)
        require(!error.empty());
    return 0;
}
