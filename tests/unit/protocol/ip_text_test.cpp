// Which texts are valid addresses. The lists were compared with inet_pton, which is as strict for
// these.
#include "protocol/ip_text.h"
#include "tests/support/catch.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>

using namespace pgmoat::protocol;

namespace {

template <typename Address>
std::string text_of(const Address& address) {
    return ip_text(ByteView{address});
}

} // namespace

TEST_CASE("An IPv4 address is four decimal numbers without leading zeroes") {
    REQUIRE(parse_ipv4("198.51.100.7") == Ipv4Bytes{198, 51, 100, 7});
    REQUIRE(parse_ipv4("0.0.0.0") == Ipv4Bytes{});
    REQUIRE(parse_ipv4("255.255.255.255") == Ipv4Bytes{255, 255, 255, 255});
    for (const char* text :
         {"",           "1",         "1.2.3",    "1.2.3.4.5", "1.2.3.",           ".1.2.3",
          "1..2.3",     "256.1.1.1", "1.2.3.04", "01.2.3.4",  "1.2.3.4 ",         " 1.2.3.4",
          "1.2.3.4/32", "0x1.2.3.4", "-1.2.3.4", "+1.2.3.4",  "1.2.3.4294967297", "::1",
          "1,2,3,4",    "1.2.3.a"}) {
        CAPTURE(text);
        REQUIRE_FALSE(parse_ipv4(text));
    }
}

TEST_CASE("An IPv6 address has eight groups or one gap") {
    const auto text = [](const char* from) { return text_of(parse_ipv6(from).value()); };
    REQUIRE(text("2001:DB8:0:0:0:0:0:1") == "2001:db8::1");
    REQUIRE(text("::") == "::");
    REQUIRE(text("::1") == "::1");
    REQUIRE(text("fe80::") == "fe80::");
    REQUIRE(text("1:2:3:4:5:6:7:8") == "1:2:3:4:5:6:7:8");
    REQUIRE(text("1::3:4:5:6:7:8") == "1:0:3:4:5:6:7:8"); // one group alone is not shortened
    REQUIRE(text("0:0:1:0:0:0:1:0") == "0:0:1::1:0");     // the longest run is
    REQUIRE(text("1:0:0:2:0:0:3:4") == "1::2:0:0:3:4");   // the first of two equal ones
    REQUIRE(text("::ffff:198.51.100.7") == "::ffff:c633:6407");
    REQUIRE(text("1:2:3:4:5:6:7.8.9.10") == "1:2:3:4:5:6:708:90a");
    for (const char* bad : {"",
                            ":",
                            ":::",
                            "1",
                            "1:2:3:4:5:6:7",
                            "1:2:3:4:5:6:7:8:9",
                            "1::2::3",
                            ":1:2:3:4:5:6:7:8",
                            "1:2:3:4:5:6:7:8:",
                            "1:2:3:4::5:6:7:8",
                            "12345::",
                            "g::",
                            "::1%lo",
                            "::1/128",
                            "[::1]",
                            " ::1",
                            "::1 ",
                            "1.2.3.4",
                            "1.2.3.4::",
                            "::1.2.3.4:5",
                            "::1.2.3",
                            "1:2:3:4:5:6:7:8.9.10.11",
                            "::-1",
                            "::0x1",
                            "1:::2",
                            "::1:"}) {
        CAPTURE(bad);
        REQUIRE_FALSE(parse_ipv6(bad));
    }
}

TEST_CASE("A port is a decimal number of 16 bits") {
    REQUIRE(parse_port("0") == std::uint16_t{0});
    REQUIRE(parse_port("65535") == std::uint16_t{65'535});
    for (const char* bad : {"", "65536", "01", "-1", "+1", "1 ", "0x10", "4294967296", "a"}) {
        CAPTURE(bad);
        REQUIRE_FALSE(parse_port(bad));
    }
}

TEST_CASE("libc reads and prints the same addresses") {
    std::mt19937 random(7);
    const std::string letters = "0123:::.af";
    for (int i = 0; i < 200'000; ++i) {
        std::string text;
        for (auto left = random() % 14; left > 0; --left)
            text += letters[random() % letters.size()];
        Ipv4Bytes four{};
        Ipv6Bytes six{};
        CAPTURE(text);
        const auto ours4 = parse_ipv4(text);
        REQUIRE(ours4.has_value() == (inet_pton(AF_INET, text.c_str(), four.data()) == 1));
        if (ours4) REQUIRE(*ours4 == four);
        const auto ours6 = parse_ipv6(text);
        REQUIRE(ours6.has_value() == (inet_pton(AF_INET6, text.c_str(), six.data()) == 1));
        if (ours6) REQUIRE(*ours6 == six);
    }
}

TEST_CASE("What is printed is read again, by us and by libc") {
    std::mt19937 random(8);
    for (int i = 0; i < 20'000; ++i) {
        Ipv6Bytes address{};
        for (auto& byte : address)
            byte = random() % 3 == 0 ? static_cast<std::uint8_t>(random()) : std::uint8_t{0};
        const std::string text = text_of(address);
        CAPTURE(text);
        REQUIRE(parse_ipv6(text) == address);
        Ipv6Bytes theirs{};
        REQUIRE(inet_pton(AF_INET6, text.c_str(), theirs.data()) == 1);
        REQUIRE(theirs == address);
    }
}
