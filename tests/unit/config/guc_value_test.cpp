// Values and texts as PostgreSQL 18 reads and writes them.
#include "proxy/config/guc_value.h"
#include "tests/support/catch.h"

#include <climits>

using namespace pgmoat::config;

namespace {

constexpr IntegerRange plain{-1000, INT_MAX, Unit::none};
constexpr IntegerRange in_microseconds{0, INT_MAX, Unit::microseconds};
constexpr IntegerRange in_seconds{0, INT_MAX, Unit::seconds};
constexpr IntegerRange in_milliseconds{0, INT_MAX, Unit::milliseconds};
constexpr IntegerRange in_kilobytes{0, INT_MAX, Unit::kilobytes};

} // namespace

TEST_CASE("booleans are words, digits and their unambiguous prefixes in any letter case") {
    for (const char* text : {"on", "ON", "t", "tr", "tRu", "true", "y", "ye", "yes", "1"})
        CHECK(parse_boolean(text) == true);
    for (const char* text : {"of", "off", "OFF", "f", "fa", "false", "n", "no", "0"})
        CHECK(parse_boolean(text) == false);
    for (const char* text : {"", "o", "onn", "offf", "truee", "2", "01", " on", "enable"})
        CHECK(parse_boolean(text) == std::nullopt);
}

TEST_CASE("integers may be octal, hexadecimal, fractional and have a unit") {
    const auto row = GENERATE(table<std::string, IntegerRange, int>({
        {"7", plain, 7},
        {" 7 ", plain, 7},
        {"+7", plain, 7},
        {"-7", plain, -7},
        {"0x10", plain, 16},
        {"010", plain, 8},
        {"1e3", plain, 1000},
        {"2.5", plain, 2},
        {"3.5", plain, 4},
        {"-0.4", plain, 0},
        {"90", in_seconds, 90},
        {"1min", in_seconds, 60},
        {"1.5min", in_seconds, 90},
        {"1.51 min ", in_seconds, 91},
        {"2 h", in_seconds, 7200},
        {"1d", in_seconds, 86400},
        {"1499ms", in_seconds, 1},
        {"1us", in_seconds, 0},
        {"1.0001s", in_milliseconds, 1000},
        {"1500us", in_milliseconds, 2},
        {"1500", in_microseconds, 1500},
        {"1.5ms", in_microseconds, 1500},
        {"3us", in_milliseconds, 0},
        {"1min", in_milliseconds, 60000},
        {"1MB", in_kilobytes, 1024},
        {"1.5GB", in_kilobytes, 1536 * 1024},
        {"2048B", in_kilobytes, 2},
        {"0.001TB", in_kilobytes, 1024 * 1024},
    }));
    INFO(std::get<0>(row));
    const IntegerResult result = parse_integer("x", std::get<0>(row), std::get<1>(row));
    CHECK(result.error == "");
    CHECK(result.value == std::get<2>(row));
}

TEST_CASE("an invalid number, or one of another unit, is refused in PostgreSQL's words") {
    const std::string time_units =
        "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".";
    const std::string memory_units =
        "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".";
    const auto row = GENERATE_COPY(table<std::string, IntegerRange, std::string>({
        {"", plain, ""},
        {"abc", plain, ""},
        {"1s", plain, ""},
        {"1 2", plain, ""},
        {"nan", plain, ""},
        {".", plain, ""},
        {"99999999999", plain, "Value exceeds integer range."},
        {"-1e10", plain, "Value exceeds integer range."},
        {"1e400", plain, ""},
        {"inf", plain, ""},
        {"1MB", in_seconds, time_units},
        {"1 s s", in_seconds, time_units},
        {"1S", in_seconds, time_units},
        {"1s", in_kilobytes, memory_units},
        {"1KB", in_kilobytes, memory_units},
        {"30000d", in_milliseconds, "Value exceeds integer range."},
    }));
    INFO(std::get<0>(row));
    const IntegerResult result = parse_integer("x", std::get<0>(row), std::get<1>(row));
    CHECK(result.value == std::nullopt);
    CHECK(result.error == "invalid value for parameter \"x\": \"" + std::get<0>(row) + "\"");
    CHECK(result.hint == std::get<2>(row));
}

TEST_CASE("a number outside the range is shown with the range, in the parameter's unit") {
    CHECK(parse_integer("port", "65536", {1, 65535}).error ==
          "65536 is outside the valid range for parameter \"port\" (1 .. 65535)");
    CHECK(parse_integer("authentication_timeout", "11min", {1, 600, Unit::seconds}).error ==
          "660 s is outside the valid range for parameter \"authentication_timeout\" "
          "(1 s .. 600 s)");
    CHECK(parse_integer("port", "-5", {1, 65535}).error ==
          "-5 is outside the valid range for parameter \"port\" (1 .. 65535)");
}

TEST_CASE("lists are split at commas, and quotes keep what is in them") {
    using List = std::vector<std::string>;
    CHECK(split_list("") == List{});
    CHECK(split_list("  ") == List{});
    CHECK(split_list("a") == List{"a"});
    CHECK(split_list(" a , b,c ") == List{"a", "b", "c"});
    CHECK(split_list("\"a b\",\"c\"\"d\" , \"\"") == List{"a b", "c\"d", ""});
    CHECK(split_folder_list("/a b , /c") == List{"/a b", "/c"});
}

TEST_CASE("a list with an empty element, a blank or an open quote is invalid") {
    for (const char* text : {",", "a,", ",a", "a,,b", "a b", "\"a", "\"a\" b", "\"a\"b"})
        CHECK(split_list(text) == std::nullopt);
}
