// Runs the hello readers over a stream in pieces.
#pragma once

#include "protocol/tls_hello.h"
#include "tests/support/cuts.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace pgmoat::tests {

using protocol::HelloProgress;

struct ClientHelloRun {
    HelloProgress progress = HelloProgress::need_more;
    protocol::ClientHelloFacts facts;
    std::string_view complaint;
    bool operator==(const ClientHelloRun&) const = default;
};

struct ServerHelloRun {
    HelloProgress progress = HelloProgress::need_more;
    protocol::ServerHelloFacts facts;
    std::optional<std::uint8_t> alert;
    std::string_view complaint;
    bool operator==(const ServerHelloRun&) const = default;
};

inline ClientHelloRun read_client_hello(const Cut& pieces) {
    protocol::ClientHelloReader reader;
    ClientHelloRun run;
    for (const protocol::ByteView piece : pieces)
        run.progress = reader.feed(piece);
    run.facts = reader.facts();
    run.complaint = reader.complaint();
    return run;
}

inline ServerHelloRun read_server_hello(const Cut& pieces) {
    protocol::ServerHelloReader reader;
    ServerHelloRun run;
    for (const protocol::ByteView piece : pieces)
        run.progress = reader.feed(piece);
    run.facts = reader.facts();
    run.alert = reader.alert();
    run.complaint = reader.complaint();
    return run;
}

} // namespace pgmoat::tests
