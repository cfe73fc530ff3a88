// Any text is a configuration or a list of errors about it.
#include "proxy/config/config.h"
#include "tests/unit/config/memory_files.h"

#include <cstdint>
#include <cstdlib>

using namespace pgmoat::config;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void check(const Config& config) {
    require(!config.listeners.empty());
    require(config.max_connections >= 1 && config.relay_threads >= 1);
    for (const Listener& listener : config.listeners) {
        require(config.upstreams.contains(listener.upstream));
        require(!listener.addresses.empty() || !listener.unix_directories.empty());
    }
    for (const auto& [name, upstream] : config.upstreams)
        require(!upstream.hosts.empty());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    // The same text is the main file and the file that it may include.
    const MemoryFiles files({{"x.conf", text}, {"d/a.conf", text}});
    try {
        check(load_config("x.conf", files));
    } catch (const ConfigError& error) {
        require(!error.messages.empty());
        for (const std::string& message : error.messages)
            require(!message.empty());
    }
    return 0;
}
