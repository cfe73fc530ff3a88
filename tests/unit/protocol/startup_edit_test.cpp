// Changed startup packets, parsed again as PostgreSQL would.
#include "protocol/limits.h"
#include "protocol/startup.h"
#include "protocol/startup_edit.h"
#include "tests/support/catch.h"

#include <string>

using namespace pgmoat::protocol;

namespace {

using Parameters = StartupParameters;

Bytes packet_of(const Parameters& parameters) {
    std::string body("\0\3\0\0", 4);
    for (const auto& [name, value] : parameters)
        body += name + '\0' + value + '\0';
    body += '\0';
    const auto size = static_cast<std::uint32_t>(body.size() + 4);
    Bytes packet{static_cast<std::uint8_t>(size >> 24),
                 static_cast<std::uint8_t>(size >> 16),
                 static_cast<std::uint8_t>(size >> 8),
                 static_cast<std::uint8_t>(size)};
    packet.insert(packet.end(), body.begin(), body.end());
    return packet;
}

} // namespace

TEST_CASE("parameters are added after the client's own") {
    const Parameters client{{"user", "alice"}, {"application_name", "psql"}};
    const auto edited =
        edit_startup_packet(packet_of(client), "", {{"application_name", "psql - 10.0.0.7:1"}});
    REQUIRE(edited == packet_of({{"user", "alice"},
                                 {"application_name", "psql"},
                                 {"application_name", "psql - 10.0.0.7:1"}}));
    const auto parsed = std::get<StartupMessage>(parse_startup_packet(*edited, true, true));
    REQUIRE(parsed.user == "alice");
    REQUIRE(parsed.application_name == "psql - 10.0.0.7:1");
}

TEST_CASE("names with the prefix are removed in any letter case, and no others") {
    const auto edited = edit_startup_packet(packet_of({{"pgmoat.client_addr", "1.2.3.4"},
                                                       {"user", "alice"},
                                                       {"PgMoat.anything", "x"},
                                                       {"pgmoat", "stays"},
                                                       {"options", "-c pgmoat.client_addr=1"},
                                                       {"PGMOAT.", "x"}}),
                                            "pgmoat.",
                                            {{"pgmoat.client_addr", "10.0.0.7"}});
    REQUIRE(edited == packet_of({{"user", "alice"},
                                 {"pgmoat", "stays"},
                                 {"options", "-c pgmoat.client_addr=1"},
                                 {"pgmoat.client_addr", "10.0.0.7"}}));
}

TEST_CASE("without a change the packet stays as it was") {
    for (const Parameters& client : {Parameters{{"user", "a"}},
                                     Parameters{{"user", "a"}, {"database", ""}},
                                     Parameters{{"user", "a"}, {"_pq_.x", "1"}, {"user", "b"}}})
        REQUIRE(edit_startup_packet(packet_of(client), "", {}) == packet_of(client));
}

TEST_CASE("a NUL in an added text ends it and begins no parameter") {
    const std::string evil("x\0user\0root", 11);
    REQUIRE(edit_startup_packet(packet_of({{"user", "alice"}}), "", {{"pgmoat.client_dn", evil}}) ==
            packet_of({{"user", "alice"}, {"pgmoat.client_dn", "x"}}));
}

TEST_CASE("a packet that would become too long is refused") {
    const std::size_t overhead = packet_of({{"user", "a"}, {"x", ""}}).size();
    const std::string fits(static_cast<std::size_t>(startup_length_max) - overhead, 'v');
    const auto edited = edit_startup_packet(packet_of({{"user", "a"}}), "", {{"x", fits}});
    REQUIRE(edited->size() == static_cast<std::size_t>(startup_length_max));
    REQUIRE_FALSE(edit_startup_packet(packet_of({{"user", "a"}}), "", {{"x", fits + "v"}}));
}
