// Numeric addresses, masks and their texts.
#include "proxy/hba/net_address.h"
#include "tests/support/catch.h"

using namespace pgmoat::hba;

namespace {

struct Row {
    const char* text;
    const char* expected; // empty: not an address
};

struct RangeRow {
    const char* base;
    const char* length;
    const char* address;
    bool inside;
};

} // namespace

TEST_CASE("numeric addresses are read as the C library reads them") {
    const auto row = GENERATE(values<Row>({
        {"10.1.2.3", "10.1.2.3"},
        {"127.1", "127.0.0.1"},
        {"0x7f.1", "127.0.0.1"},
        {"010.0.0.1", "8.0.0.1"},
        {"2130706433", "127.0.0.1"},
        {"300.1.1.1", ""},
        {"10.0.0.1 x", ""},
        {"", ""},
        {"localhost", ""},
        {"::", "::"},
        {"::FFFF:10.0.0.1", "::ffff:10.0.0.1"},
        {"2001:DB8:0:0::1", "2001:db8::1"},
        {"fe80::1%eth0", "fe80::1"},
        {"fe80::1%3", "fe80::1"},
        {"2001:db8::1%3", "2001:db8::1"},
        {"2001:db8::1%eth0", ""},
        {"fe80::1%", ""},
        {"10.0.0.1%1", ""},
    }));
    CAPTURE(row.text);
    const auto address = numeric_address(row.text);
    CHECK((address ? text_of(*address) : "") == row.expected);
}

TEST_CASE("a peer's address is unmapped, and what is no address is a unix socket") {
    CHECK(text_of(net_address_from("::ffff:10.0.0.1")) == "10.0.0.1");
    CHECK(text_of(net_address_from("::fffe:10.0.0.1")) == "::fffe:a00:1");
    CHECK(text_of(net_address_from("fe80::1%eth0")) == "fe80::1");
    CHECK(net_address_from("[local]").family == Family::local);
    CHECK(net_address_from("").family == Family::local);
}

TEST_CASE("a CIDR length is a number within the family's width") {
    const auto row = GENERATE(values<Row>({
        {"8", "255.0.0.0"},
        {"0", "0.0.0.0"},
        {"32", "255.255.255.255"},
        {"25", "255.255.255.128"},
        {"08", "255.0.0.0"},
        {"+8", "255.0.0.0"},
        {"-0", "0.0.0.0"},
        {" 8", "255.0.0.0"},
        {"8 ", ""},
        {"33", ""},
        {"-1", ""},
        {"x", ""},
        {"", ""},
        {"99999999999999999999", ""},
    }));
    CAPTURE(row.text);
    const auto mask = cidr_mask(row.text, Family::ipv4);
    CHECK((mask ? text_of(*mask) : "") == row.expected);
    CHECK(text_of(cidr_mask("65", Family::ipv6).value()) == "ffff:ffff:ffff:ffff:8000::");
    CHECK(!cidr_mask("129", Family::ipv6));
}

TEST_CASE("a range compares within one family, host bits aside") {
    const auto row = GENERATE(values<RangeRow>({
        {"10.0.0.5", "8", "10.255.0.1", true},
        {"10.0.0.0", "8", "11.0.0.1", false},
        {"0.0.0.0", "0", "192.0.2.1", true},
        {"0.0.0.0", "0", "::1", false},
        {"0.0.0.0", "0", "[local]", false},
        {"::", "0", "::1", true},
        {"::", "0", "192.0.2.1", false},
        {"::ffff:10.0.0.0", "104", "::ffff:10.0.0.1", false},
        {"2001:db8::", "33", "2001:db8:7fff::1", true},
        {"2001:db8::", "33", "2001:db8:8000::1", false},
    }));
    CAPTURE(row.base, row.length, row.address);
    const auto base = numeric_address(row.base).value();
    const AddressRange range{base, cidr_mask(row.length, base.family).value()};
    CHECK(range.contains(net_address_from(row.address)) == row.inside);
}

TEST_CASE("a mask need not be contiguous") {
    const AddressRange range{numeric_address("10.0.0.1").value(),
                             numeric_address("255.0.0.255").value()};
    CHECK(range.contains(net_address_from("10.9.9.1")));
    CHECK(!range.contains(net_address_from("10.9.9.2")));
}
