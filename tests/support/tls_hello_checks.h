// Runs the hello readers over a stream, and checks that the result does not depend on how it is
// cut.
#pragma once

#include "tests/support/catch.h"
#include "tests/support/tls_hello_run.h"

namespace pgmoat::tests {

// The result for the uncut stream; checks that every cut gives the same.
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
