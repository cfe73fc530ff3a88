// Label values: whatever the input, Prometheus can read the result.
#include "metrics/label_value.h"
#include "metrics/limits.h"
#include "tests/support/catch.h"

#include <string>

using pgmoat::metrics::clean_label_value;
using pgmoat::metrics::label_value_bytes_max;

TEST_CASE("Valid UTF-8 stays as it is") {
    for (const std::string text : {"", "edge", "Größe", "日本", "\xF0\x9F\x90\x98", "a\"b\\c"}) {
        CHECK(clean_label_value(text) == text);
    }
}

TEST_CASE("What is no UTF-8 becomes a replacement character per byte") {
    const std::string mark = "\xEF\xBF\xBD";
    struct Case {
        const char* why;
        std::string text;
        std::string clean;
    };
    const auto [why, text, clean] = GENERATE_COPY(values<Case>({
        {"continuation without a lead", "a\x80z", "a" + mark + "z"},
        {"overlong slash", "\xC0\xAF", mark + mark},
        {"overlong in three bytes", "\xE0\x80\xAF", mark + mark + mark},
        {"surrogate", "\xED\xA0\x80", mark + mark + mark},
        {"beyond U+10FFFF", "\xF4\x90\x80\x80", mark + mark + mark + mark},
        {"cut short", "\xE6\x97", mark + mark},
        {"lead before ASCII", "\xC3z", mark + "z"},
        {"never a lead", "\xFF", mark},
    }));
    INFO(why);
    CHECK(clean_label_value(text) == clean);
}

TEST_CASE("Control characters are replaced") {
    CHECK(clean_label_value("a\nb") == "a\xEF\xBF\xBD"
                                       "b");
    CHECK(clean_label_value(std::string("\0", 1)) == "\xEF\xBF\xBD");
    CHECK(clean_label_value("\x7F") == "\xEF\xBF\xBD");
}

TEST_CASE("What is as long as allowed is not cut") {
    const std::string text(label_value_bytes_max, 'x');
    CHECK(clean_label_value(text) == text);
}

TEST_CASE("What is longer is cut at a character and marked") {
    std::string text;
    while (text.size() <= label_value_bytes_max)
        text += "ü";
    const std::string clean = clean_label_value(text);
    CHECK(clean.size() <= label_value_bytes_max);
    CHECK(clean.size() > label_value_bytes_max - 8);
    CHECK(clean.substr(clean.size() - 14, 6) == "ü...~");
    CHECK(clean_label_value(clean) == clean);
}

TEST_CASE("Long texts that differ only in what is cut stay apart") {
    const std::string text(label_value_bytes_max, 'x');
    CHECK(clean_label_value(text + "1") != clean_label_value(text + "2"));
    CHECK(clean_label_value(text + "1") == clean_label_value(text + "1"));
}
