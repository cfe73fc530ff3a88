// The messages that we send ourselves, byte by byte as in the protocol documentation.
#include "protocol/messages.h"
#include "tests/support/catch.h"
#include "tests/support/packet_builders.h"

#include <numeric>
#include <string>

using namespace pgmoat::protocol;
using namespace pgmoat::tests;

namespace {

// A field of an ErrorResponse.
Bytes field(char type, std::string_view text) {
    return Bytes{static_cast<std::uint8_t>(type)} + bytes_of(text) + Bytes{0};
}

Bytes error_response(const Bytes& fields) {
    return bytes_of("E") + big_endian(static_cast<std::uint32_t>(4 + fields.size() + 1)) + fields +
           Bytes{0};
}

const Bytes severity = field('S', "FATAL") + field('V', "FATAL");

} // namespace

TEST_CASE("a startup packet of our own") {
    CHECK(pgmoat::protocol::encode_startup("me", "db") ==
          big_endian(29) + big_endian(3U << 16) +
              bytes_of(std::string_view("user\0me\0database\0db\0\0", 21)));
}

TEST_CASE("a FATAL carries severity twice, SQLSTATE, message, detail and hint in this order") {
    const ErrorText text{.sqlstate = "22023",
                         .message = "bad value",
                         .detail = "It is bad.",
                         .hint = "Use a good one."};
    CHECK(encode_fatal(text) ==
          error_response(severity + field('C', "22023") + field('M', "bad value") +
                         field('D', "It is bad.") + field('H', "Use a good one.")));
}

TEST_CASE("a FATAL leaves out the detail and the hint that it does not have") {
    CHECK(encode_fatal({.sqlstate = "57P03", .message = "no"}) ==
          error_response(severity + field('C', "57P03") + field('M', "no")));
    CHECK(encode_fatal({.sqlstate = "57P03", .message = "no", .hint = "wait"}) ==
          error_response(severity + field('C', "57P03") + field('M', "no") + field('H', "wait")));
}

TEST_CASE("the length word of a FATAL counts itself and everything after it") {
    const Bytes message = encode_fatal({.sqlstate = "28000", .message = std::string(9'000, 'x')});
    CHECK(read_uint32(ByteView(message).subspan(1)) == message.size() - 1);
}

TEST_CASE("a NUL in a text ends it instead of beginning another field") {
    using namespace std::string_view_literals;
    CHECK(encode_fatal({.sqlstate = "28000", .message = "for alice\0Hrun this"sv}) ==
          error_response(severity + field('C', "28000") + field('M', "for alice")));
    CHECK(encode_fatal_v2("one\0two"sv) == bytes_of("EFATAL:  one\n"sv) + Bytes{0});
}

TEST_CASE("a FATAL of protocol 2 is a line of text without a length word") {
    using namespace std::string_view_literals;
    CHECK(encode_fatal_v2("unsupported frontend protocol 2.0") ==
          bytes_of("EFATAL:  unsupported frontend protocol 2.0\n\0"sv));
}

TEST_CASE("an SSLRequest is what libpq sends") {
    CHECK(encode_ssl_request() == Bytes{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f});
}

TEST_CASE("a cancel request carries the process id and a key of any legal length") {
    for (const std::size_t key_bytes : {1U, 4U, 32U, 256U}) {
        Bytes key(key_bytes);
        std::iota(key.begin(), key.end(), std::uint8_t{1});
        CHECK(encode_cancel_request(0x80000001, key) == cancel_request(0x80000001, key));
    }
}

TEST_CASE("integers are read and written in network order") {
    for (const std::uint32_t value : {0U, 1U, 0x01020304U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
        Bytes out = bytes_of("before");
        append_uint32(out, value);
        CHECK(out == bytes_of("before") + big_endian(value));
        CHECK(read_uint32(ByteView(out).subspan(6)) == value);
    }
    CHECK(read_uint32(Bytes{0x01, 0x02, 0x03, 0x04}) == 0x01020304U);
}
