// How a complete startup packet is parsed. Outcomes and texts are PostgreSQL's (backend_startup.c,
// ProcessStartupPacket); the odd ones were observed with the real server.
#include "protocol/limits.h"
#include "protocol/startup.h"
#include "tests/support/catch.h"
#include "tests/support/packet_builders.h"

#include <chrono>
#include <string>
#include <variant>

using namespace pgmoat::protocol;
using namespace pgmoat::tests;

namespace {

StartupPacket parse(const Bytes& packet) {
    return parse_startup_packet(packet, false, false);
}

StartupMessage accepted(const Bytes& packet) {
    const auto result = parse(packet);
    REQUIRE(std::holds_alternative<StartupMessage>(result));
    return std::get<StartupMessage>(result);
}

RefusedStartup refused(const StartupPacket& result) {
    REQUIRE(std::holds_alternative<RefusedStartup>(result));
    return std::get<RefusedStartup>(result);
}
RefusedStartup refused(const Bytes& packet) {
    return refused(parse(packet));
}

StartupBuilder alice() {
    return startup().user("alice");
}

constexpr auto bad_layout_text = "invalid startup packet layout: expected terminator as last byte";

} // namespace

// --- which packet it is --------------------------------------------------------------------------

TEST_CASE("SSLRequest and GSSENCRequest are recognised until they are done") {
    CHECK(std::holds_alternative<SslRequest>(parse_startup_packet(ssl_request(), false, true)));
    CHECK(
        std::holds_alternative<GssEncRequest>(parse_startup_packet(gssenc_request(), true, false)));
}

TEST_CASE("a repeated SSLRequest or GSSENCRequest is an unsupported version") {
    CHECK(refused(parse_startup_packet(ssl_request(), true, false)).message ==
          "unsupported frontend protocol 1234.5679: server supports 3.0 to 3.2");
    CHECK(refused(parse_startup_packet(gssenc_request(), false, true)).message ==
          "unsupported frontend protocol 1234.5680: server supports 3.0 to 3.2");
}

TEST_CASE("bytes after the code of an SSLRequest are ignored") {
    CHECK(std::holds_alternative<SslRequest>(parse(ssl_request_with_body(bytes_of("body")))));
}

TEST_CASE("versions outside of 3 are refused by name and say how the client reads errors") {
    struct Row {
        std::uint16_t major, minor;
        bool old_format;
    };
    const auto row = GENERATE(Row{2, 0, true},
                              Row{1, 0, true},
                              Row{0, 1, true},
                              Row{2, 65535, true},
                              Row{0, 0, false}, // "not known yet" in PostgreSQL's elog.c
                              Row{4, 0, false},
                              Row{1234, 9999, false},
                              Row{65535, 65535, false});
    const auto result = refused(startup().version(row.major, row.minor).user("alice").build());
    CHECK(result.reason == RefusedStartup::Reason::unsupported_version);
    CHECK(result.sqlstate == "0A000");
    CHECK(result.message == "unsupported frontend protocol " + std::to_string(row.major) + "." +
                                std::to_string(row.minor) + ": server supports 3.0 to 3.2");
    CHECK(result.version == ProtocolVersion{row.major, row.minor});
    CHECK(wants_old_error_format(result.version) == row.old_format);
}

TEST_CASE("the version is judged before the layout") {
    const auto packet = startup().version(2, 0).ends_with(bytes_of("garbage")).build();
    CHECK(refused(packet).reason == RefusedStartup::Reason::unsupported_version);
}

TEST_CASE("every minor of version 3 is let in: the server negotiates it") {
    for (const int number : {0, 1, 2, 3, 9999, 65535}) {
        const auto minor = static_cast<std::uint16_t>(number);
        const auto packet = alice().version(3, minor).build();
        CHECK(accepted(packet).version == ProtocolVersion{3, minor});
    }
}

// --- cancel --------------------------------------------------------------------------------------

TEST_CASE("a cancel request is kept as it came, with keys of 1 to 256 bytes") {
    for (const std::size_t key_bytes : {1U, 4U, 8U, 32U, 256U}) {
        const Bytes key(key_bytes, 0xab);
        const Bytes packet = cancel_request(0xfffffffe, key);
        const auto result = parse(packet);
        REQUIRE(std::holds_alternative<CancelRequest>(result));
        CHECK(std::get<CancelRequest>(result).process_id == 0xfffffffe);
        CHECK(std::get<CancelRequest>(result).key == key);
        CHECK(std::get<CancelRequest>(result).packet == packet);
    }
}

TEST_CASE("a cancel request of another length is dropped in silence") {
    struct Row {
        Bytes packet;
        std::string_view logged;
    };
    const std::string_view no_process_id = "invalid length of cancel request packet";
    const std::string_view bad_key = "invalid length of cancel key in cancel request packet";
    const auto row =
        GENERATE_COPY(Row{startup_phase_packet(request_code(5678)), no_process_id},
                      Row{startup_phase_packet(request_code(5678), {1, 2, 3}), no_process_id},
                      Row{cancel_request(7, {}), bad_key},
                      Row{cancel_request(7, Bytes(257)), bad_key},
                      Row{cancel_request(7, Bytes(9'992)), bad_key});
    const auto result = refused(row.packet);
    CHECK(result.reason == RefusedStartup::Reason::bad_cancel);
    CHECK(result.sqlstate.empty());
    CHECK(result.message == row.logged);
}

// --- layout --------------------------------------------------------------------------------------

TEST_CASE("the terminator must be exactly the last byte") {
    const auto packet = GENERATE(startup_phase_packet(3U << 16), // nothing after the version
                                 alice().ends_with({}).build(),
                                 alice().ends_with({0, 0}).build(),
                                 alice().ends_with(bytes_of("na")).build(),
                                 alice().ends_with({'n', 'a', 0}).build(),
                                 alice().ends_with({'n', 0, 'v'}).build(),
                                 alice().ends_with({'n', 0, 'v', 0}).build(),
                                 alice().ends_with({0, 'n', 0, 'v', 0, 0}).build());
    const auto result = refused(packet);
    CHECK(result.reason == RefusedStartup::Reason::bad_layout);
    CHECK(result.sqlstate == "08P01");
    CHECK(result.message == bad_layout_text);
}

TEST_CASE("any single last byte passes for the terminator, as it does in PostgreSQL") {
    const Bytes packet = alice().ends_with(bytes_of("x")).build();
    CHECK(accepted(packet).user == "alice");
    CHECK(accepted(packet).packet == packet);
}

TEST_CASE("a packet with only a terminator lacks a user, not a layout") {
    CHECK(refused(startup().build()).reason == RefusedStartup::Reason::no_user);
}

TEST_CASE("a bad replication value is reported before a bad layout after it") {
    const auto packet = alice().parameter("replication", "maybe").ends_with({}).build();
    CHECK(refused(packet).reason == RefusedStartup::Reason::bad_value);
}

TEST_CASE("a bad replication value is reported even when its NUL is missing") {
    const auto packet = alice().ends_with(bytes_of(std::string("replication\0maybe", 17))).build();
    CHECK(refused(packet).message == "invalid value for parameter \"replication\": \"maybe\"");
}

TEST_CASE("the packet of a startup message is kept as it came") {
    const auto packet = alice().parameter("search_path", "evil").parameter("role", "root").build();
    CHECK(accepted(packet).packet == packet);
}

// --- names ---------------------------------------------------------------------------------------

TEST_CASE("a user name is required and must not be empty") {
    const auto packet = GENERATE(startup().database("sales").build(), startup().user("").build());
    const auto result = refused(packet);
    CHECK(result.reason == RefusedStartup::Reason::no_user);
    CHECK(result.sqlstate == "28000");
    CHECK(result.message == "no PostgreSQL user name specified in startup packet");
}

TEST_CASE("the database defaults to the user, also when it is sent empty") {
    CHECK(accepted(alice().build()).database == "alice");
    CHECK(accepted(alice().database("").build()).database == "alice");
    CHECK(accepted(alice().database("sales").build()).database == "sales");
}

TEST_CASE("user and database are cut to 63 bytes") {
    for (const std::size_t length : {62U, 63U, 64U, 4'900U}) {
        const std::string user(length, 'u');
        const std::string database(length, 'd');
        const auto message = accepted(startup().user(user).database(database).build());
        CHECK(message.user == user.substr(0, 63));
        CHECK(message.database == database.substr(0, 63));
    }
}

TEST_CASE("the cut knows no characters: it may fall within one") {
    const std::string name = std::string(62, 'x') + "\xc3\xa9";
    CHECK(accepted(startup_of(name)).user == std::string(62, 'x') + "\xc3");
}

TEST_CASE("the last of two equal parameters wins") {
    const auto message = accepted(startup()
                                      .user("first")
                                      .database("one")
                                      .parameter("application_name", "a")
                                      .user("second")
                                      .database("two")
                                      .parameter("application_name", "b")
                                      .build());
    CHECK(message.user == "second");
    CHECK(message.database == "two");
    CHECK(message.application_name == "b");
}

TEST_CASE("an empty user after a full one leaves none") {
    CHECK(refused(alice().user("").build()).reason == RefusedStartup::Reason::no_user);
}

TEST_CASE("names of parameters are taken to the letter") {
    const auto packet = startup().parameter("USER", "x").parameter("user ", "y").build();
    CHECK(refused(packet).reason == RefusedStartup::Reason::no_user);
}

TEST_CASE("options of the protocol are collected by name, in order") {
    const auto message = accepted(alice()
                                      .parameter("_pq_.x", "1")
                                      .parameter("_pq_", "no")
                                      .parameter("_pq_.", "")
                                      .parameter("_PQ_.y", "no")
                                      .build());
    CHECK(message.protocol_options == std::vector<std::string>{"_pq_.x", "_pq_."});
}

// --- replication ---------------------------------------------------------------------------------

TEST_CASE("replication takes PostgreSQL's booleans and the word database") {
    struct Row {
        std::string_view value;
        Replication expected;
    };
    const auto row = GENERATE(Row{"true", Replication::physical},
                              Row{"t", Replication::physical},
                              Row{"TrU", Replication::physical},
                              Row{"yes", Replication::physical},
                              Row{"Y", Replication::physical},
                              Row{"on", Replication::physical},
                              Row{"ON", Replication::physical},
                              Row{"1", Replication::physical},
                              Row{"false", Replication::none},
                              Row{"f", Replication::none},
                              Row{"no", Replication::none},
                              Row{"N", Replication::none},
                              Row{"off", Replication::none},
                              Row{"oF", Replication::none},
                              Row{"0", Replication::none},
                              Row{"database", Replication::logical});
    CAPTURE(row.value);
    const auto message =
        accepted(alice().database("sales").parameter("replication", row.value).build());
    CHECK(message.replication == row.expected);
    CHECK(message.database == (row.expected == Replication::physical ? "" : "sales"));
}

TEST_CASE("other values of replication are refused with a hint") {
    const auto value = GENERATE(as<std::string>{},
                                "",
                                "o",
                                "maybe",
                                "truex",
                                "ono",
                                "offf",
                                "10",
                                "01",
                                "2",
                                " true",
                                "DATABASE",
                                "databas");
    CAPTURE(value);
    const auto result = refused(alice().parameter("replication", value).build());
    CHECK(result.reason == RefusedStartup::Reason::bad_value);
    CHECK(result.sqlstate == "22023");
    CHECK(result.message == "invalid value for parameter \"replication\": \"" + value + "\"");
    CHECK(result.hint == R"(Valid values are: "false", 0, "true", 1, "database".)");
}

TEST_CASE("replication=database sticks when a boolean follows it") {
    const auto twice = [](std::string_view first, std::string_view second) {
        return accepted(
                   alice().parameter("replication", first).parameter("replication", second).build())
            .replication;
    };
    CHECK(twice("database", "true") == Replication::logical);
    CHECK(twice("database", "false") == Replication::none);
    CHECK(twice("true", "database") == Replication::logical);
    CHECK(twice("true", "off") == Replication::none);
    CHECK(twice("off", "true") == Replication::physical);
}

TEST_CASE("physical replication needs a user but no database") {
    CHECK(accepted(alice().parameter("replication", "1").build()).database.empty());
    CHECK(refused(startup().parameter("replication", "1").build()).reason ==
          RefusedStartup::Reason::no_user);
}

// --- hostile input -------------------------------------------------------------------------------

TEST_CASE("options are carried, never interpreted", "[CVE-2026-107349][N14]") {
    const auto options = GENERATE(as<std::string>{}, "-c=", "-c", "-c =x", "--", "\\\\", "");
    CHECK(accepted(alice().parameter("options", options).build()).user == "alice");
}

TEST_CASE("a name that begins with a dash is a name", "[CVE-2013-1899]") {
    CHECK(accepted(alice().database("-r/etc/passwd").build()).database == "-r/etc/passwd");
}

TEST_CASE("the longest packets of the smallest parameters take linear time") {
    StartupBuilder crowded = alice();
    for (int i = 0; i < 3'300; ++i)
        crowded.parameter("a", "");
    StartupBuilder options = alice();
    for (int i = 0; i < 1'200; ++i)
        options.parameter("_pq_.", "");
    const Bytes packets[] = {crowded.build(), options.build()};

    const auto started = std::chrono::steady_clock::now();
    for (int i = 0; i < 100; ++i) {
        for (const auto& packet : packets)
            CHECK(accepted(packet).user == "alice");
    }
    // Takes milliseconds; quadratic time would need minutes under a sanitizer.
    CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds(10));
}

TEST_CASE("every packet cut short is judged without reading past its end") {
    const Bytes packet = alice().database("sales").parameter("replication", "true").build();
    for (std::size_t length = 8; length < packet.size(); ++length) {
        const Bytes cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(length));
        CAPTURE(length);
        CHECK_FALSE(std::holds_alternative<SslRequest>(parse(cut)));
        if (std::holds_alternative<RefusedStartup>(parse(cut))) {
            CHECK_FALSE(refused(cut).message.empty());
        } else {
            // Cut one byte after a parameter, where the next byte passes for a terminator.
            CHECK(accepted(cut).user == "alice");
        }
    }
}
