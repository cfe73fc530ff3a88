// Types, their binary forms, and PostgreSQL's texts of arrays, times and intervals.
#include "proxy/admin/console/sql/like.h"
#include "proxy/admin/console/suggest.h"
#include "proxy/admin/console/text_values.h"
#include "proxy/admin/console/types.h"
#include "tests/support/catch.h"

#include <string>
#include <vector>

using namespace pgmoat::admin;
using namespace std::string_literals;

TEST_CASE("Binary values are PostgreSQL's") {
    REQUIRE(to_binary(Type::int8, "-2") == "\xff\xff\xff\xff\xff\xff\xff\xfe");
    REQUIRE(to_binary(Type::boolean, "t") == "\1"s);
    REQUIRE(to_binary(Type::text, "abc") == "abc");
    // 1 2345 6789
    REQUIRE(to_binary(Type::numeric, "123456789") == "\0\3\0\2\0\0\0\0\0\1\x09\x29\x1a\x85"s);
    REQUIRE(to_binary(Type::numeric, "0") == "\0\0\0\0\0\0\0\0"s);
    // 1 .5000, with one digit after the point
    REQUIRE(to_binary(Type::numeric, "1.5") == "\0\2\0\0\0\0\0\1\0\1\x13\x88"s);
    REQUIRE(to_binary(Type::numeric, "-0.0001") == "\0\1\xff\xff\x40\0\0\4\0\1"s);
    REQUIRE(to_binary(Type::float8, "1.5") == "\x3f\xf8\0\0\0\0\0\0"s);
    REQUIRE(to_binary(Type::timestamptz, "2000-01-01 00:00:01+00") == "\0\0\0\0\0\x0f\x42\x40"s);
    REQUIRE(to_binary(Type::text_array, "{a,NULL}") ==
            "\0\0\0\1\0\0\0\1\0\0\0\x19\0\0\0\2\0\0\0\1\0\0\0\1a\xff\xff\xff\xff"s);
    REQUIRE(to_binary(Type::text_array, "{}") == "\0\0\0\0\0\0\0\0\0\0\0\x19"s);
}

TEST_CASE("Binary parameters are read, and invalid ones refused") {
    for (const auto& [type, text] :
         std::vector<std::pair<Type, std::string>>{{Type::boolean, "t"},
                                                   {Type::int2, "-3"},
                                                   {Type::int4, "2147483647"},
                                                   {Type::int8, "-9223372036854775808"},
                                                   {Type::oid, "4294967295"},
                                                   {Type::float8, "1.5"},
                                                   {Type::timestamptz, "2026-11-24 08:56:15.5+00"},
                                                   {Type::text_array, "{a,\"b c\",NULL}"},
                                                   {Type::text, "abc"}})
        REQUIRE(from_binary(type, to_binary(type, text)) == text);
    REQUIRE_FALSE(from_binary(Type::int4, "abc"));
    REQUIRE_FALSE(from_binary(Type::text_array, "\0\0\0\1"s));
    REQUIRE_FALSE(
        from_binary(Type::text_array, "\0\0\0\1\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\0\0\0\1"s));
}

TEST_CASE("Times and intervals are read and written as PostgreSQL does") {
    for (const char* text : {"2026-11-24 08:56:15+00", "1999-12-31 23:59:59.999999+00"})
        REQUIRE(timestamp_text(*microseconds_since_2000(text)) == text);
    REQUIRE(timestamp_text(*microseconds_since_2000("2026-11-24")) == "2026-11-24 00:00:00+00");
    REQUIRE(timestamp_text(*microseconds_since_2000("2026-11-24 01:00-0130")) ==
            "2026-11-24 02:30:00+00");
    for (const char* text : {"", "2026-13-01", "2026-02-30", "2026-11-24 25:00", "yesterday", "1"})
        REQUIRE_FALSE(microseconds_since_2000(text));
    REQUIRE(interval_text(0) == "00:00:00");
    REQUIRE(interval_text(90'061.5) == "1 day 01:01:01.5");
    REQUIRE(interval_text(2 * 86'400) == "2 days");
    REQUIRE(interval_text(-10) == "-00:00:10");
    REQUIRE(seconds_of_interval("1 day 02:00:00") == 86'400 + 7200);
    REQUIRE(seconds_of_interval("5 minutes") == 300);
    REQUIRE(seconds_of_interval("-1h30m") == -3600 + 1800);
    REQUIRE_FALSE(seconds_of_interval("soon"));
    REQUIRE_FALSE(seconds_of_interval(""));
}

TEST_CASE("Arrays are read and written as PostgreSQL does") {
    REQUIRE(array_text(std::vector<std::string>{"alice", "b c", "q\"x", "", "null"}) ==
            R"({alice,"b c","q\"x","","null"})");
    const auto elements = array_elements(R"({ a ,"b,c",NULL,"NULL","q\"x"})");
    REQUIRE(elements);
    REQUIRE(*elements ==
            std::vector<std::optional<std::string>>{"a", "b,c", std::nullopt, "NULL", "q\"x"});
    for (const char* text : {"", "{", "{a", "a}", "{a,}", "{\"a}", "{{a}}", "{a\\}"})
        REQUIRE_FALSE(array_elements(text));
}

TEST_CASE("LIKE matches characters, and is not slow") {
    REQUIRE(sql::is_like("abc", "a%", '\\'));
    REQUIRE(sql::is_like("\xc3\xa4"
                         "bc",
                         "_bc",
                         '\\'));
    REQUIRE(sql::is_like("", "%", '\\'));
    REQUIRE_FALSE(sql::is_like("", "_", '\\'));
    REQUIRE(sql::is_like("a%c", "a\\%c", '\\'));
    REQUIRE_FALSE(sql::is_like("abc", "a\\%c", '\\'));
    REQUIRE(sql::is_like("a\\c", "a\\c", '\0'));
    std::string pattern;
    for (int i = 0; i < 300; ++i)
        pattern += "%a";
    REQUIRE_FALSE(sql::is_like(std::string(100'000, 'a'), pattern + "b", '\\'));
}

TEST_CASE("A mistyped word has one that was probably meant") {
    const std::vector<std::string> words{"select", "show", "kill", "reload", "set"};
    REQUIRE(nearest_of("slect", words) == "select");
    REQUIRE(nearest_of("realod", words) == "reload");
    REQUIRE(nearest_of("kil", words) == "kill");
    REQUIRE(nearest_of("frobnicate", words).empty());
    REQUIRE(nearest_of(std::string(1000, 'x'), words).empty());
}
