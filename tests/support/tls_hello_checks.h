// What the tests of the hello readers share: a run that must be the same for every cut.
#pragma once

#include "tests/support/catch.h"
#include "tests/support/tls_hello_run.h"

namespace pgmoat::tests {

// The run over the whole stream. Every other cut of it must come to the same.
inline ClientHelloRun client_hello_every_way(const protocol::Bytes& stream) {
    const ClientHelloRun whole = read_client_hello({stream});
    for (const Cut& cut : every_cut(stream))
        REQUIRE(read_client_hello(cut) == whole);
    return whole;
}

inline ServerHelloRun server_hello_every_way(const protocol::Bytes& stream) {
    const ServerHelloRun whole = read_server_hello({stream});
    for (const Cut& cut : every_cut(stream))
        REQUIRE(read_server_hello(cut) == whole);
    return whole;
}

} // namespace pgmoat::tests
