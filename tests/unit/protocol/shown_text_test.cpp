// Texts from peers, as they are shown in a log line, a JSON document, the console or a page.
#include "protocol/shown_text.h"
#include "protocol/utf8.h"
#include "tests/support/catch.h"

#include <string>

using namespace pgmoat::protocol;
using namespace std::string_literals;

TEST_CASE("Quotes, backslashes and control characters are escaped") {
    CHECK(escape_json("a\"b\\c\nd\x7F\x01"s, 100) == R"(a\"b\\c\u000ad\u007f\u0001)");
    CHECK(escape_json("\xC2\x9B[31m", 100) ==
          R"(\u009b[31m)"); // CSI in one byte: terminals obey it too
    CHECK(escape_json("\0"s, 100) == R"(\u0000)");
}

TEST_CASE("Valid UTF-8 stays, and each invalid byte becomes the replacement character") {
    CHECK(escape_json("grün 漢 🐘", 100) == "grün 漢 🐘");
    for (const std::string bad : {"\xFF", "\xC0", "\xED", "\xF8", "\x80"})
        CHECK(escape_json(bad, 100) == "\\ufffd");
    CHECK(escape_json("\xC0\xAF", 100) == "\\ufffd\\ufffd");            // overlong
    CHECK(escape_json("\xED\xA0\x80", 100) == "\\ufffd\\ufffd\\ufffd"); // a surrogate
    CHECK(escape_json("x\xE2\x82", 100) == "x\\ufffd\\ufffd");          // cut off
}

TEST_CASE("A long value is cut between characters, with a mark") {
    CHECK(escape_json(std::string(50, 'x'), 10) == std::string(10, 'x') + "...");
    CHECK(escape_json("äääää", 3) == "ää...");
}

TEST_CASE("Repaired text has no control characters and no invalid bytes, and nothing is escaped") {
    CHECK(make_visible("a\"b\\<é>", 100) == "a\"b\\<é>");
    CHECK(make_visible("a\nb\xFF\xC2\x85", 100) == "a\uFFFDb\uFFFD\uFFFD");
}

TEST_CASE("No character that hides another is shown as it is") {
    // Bidirectional, zero width, separators, byte order mark, soft hyphen, tags, selectors.
    for (const std::uint32_t code : {0x200bU,
                                     0x200eU,
                                     0x200fU,
                                     0x202aU,
                                     0x202bU,
                                     0x202eU,
                                     0x2028U,
                                     0x2029U,
                                     0x2060U,
                                     0x2066U,
                                     0x2067U,
                                     0x2069U,
                                     0xfeffU,
                                     0xadU,
                                     0x61cU,
                                     0x3164U,
                                     0xfe0fU,
                                     0xe0041U,
                                     0x180eU}) {
        std::string text = "a";
        append_utf8(text, code);
        text += 'b';
        INFO(std::hex << code);
        CHECK(is_unsafe_to_show(code));
        for (const std::string& shown : {escape_json(text), make_visible(text)}) {
            CHECK(shown.find(text.substr(1, text.size() - 2)) == std::string::npos);
            CHECK(shown.find("\\u") != std::string::npos);
        }
    }
    CHECK(escape_json("\u202e") == "\\u202e");
    CHECK(escape_json("\U000e0041") == "\\udb40\\udc41"); // as a pair
    CHECK(make_visible("evil\u202etxt") == "evil\\u202etxt");
    for (const std::uint32_t code : {0x20U, 0x41U, 0xe4U, 0xa0U, 0x2014U, 0x6f22U, 0x1f418U})
        CHECK_FALSE(is_unsafe_to_show(code));
}

TEST_CASE("Characters are read and written as RFC 3629 says") {
    for (const std::uint32_t code :
         {0x0U, 0x7fU, 0x80U, 0x7ffU, 0x800U, 0xffffU, 0x10000U, 0x10ffffU}) {
        std::string text;
        append_utf8(text, code);
        CHECK(first_character(text).code == code);
        CHECK(first_character(text).length == text.size());
        CHECK(is_utf8(text));
        CHECK_FALSE(is_utf8(text + "\x80"));
    }
    CHECK_FALSE(is_utf8("\xf4\x90\x80\x80")); // above U+10FFFF
}
