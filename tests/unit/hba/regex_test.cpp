// Regular expressions: those with the same meaning in PostgreSQL and RE2 match alike, others are
// refused.
#include "proxy/hba/parse/regex.h"
#include "tests/support/catch.h"

#include <re2/re2.h>

#include <string>

using namespace pgmoat::hba;

namespace {

struct MatchRow {
    const char* pattern;
    const char* text;
    bool matches;
};

struct ErrorRow {
    const char* pattern;
    const char* error;
};

bool matches(const std::string& pattern, const std::string& text) {
    const auto compiled = compile_regex(pattern);
    INFO(compiled.error);
    REQUIRE(compiled.regex != nullptr);
    return re2::RE2::PartialMatch(text, *compiled.regex);
}

} // namespace

TEST_CASE("an expression matches as in PostgreSQL") {
    const auto row = GENERATE(values<MatchRow>({
        {"", "x", true},
        {"b", "abc", true}, // not anchored
        {"^b", "abc", false},
        {"^abc$", "abc", true},
        {"^a$", "a\n", false},
        {"^a$", "b\na\n", false}, // no line mode
        {"a.c", "a\nc", true},
        {"a[^b]c", "a\nc", true},
        {"^\\Aab\\Z$", "ab", true},
        {"a|", "x", true},
        {"^(a|b)+$", "abba", true},
        {"^a{2}$", "aa", true},
        {"^a{2,}$", "a", false},
        {"^a{0,2}$", "aaa", false},
        {"a{b}", "a{b}", true}, // a bound needs a digit
        {"a}", "a}", true},
        {"^\\w+$", "a_1", true},
        {"^\\w+$", "\xe9", false}, // C collation
        {"^.$", "\xe9", true},
        {"^.$", "\xc3\xa9", false}, // bytes
        {"^\\s$", "\v", true},
        {"^\\S$", "\v", false},
        {"^[\\d-]$", "-", true},
        {"^[]a]+$", "]a", true},
        {"^[^]a]$", "]", false},
        {"^[a-]+$", "a-", true},
        {"^[-a]+$", "a-", true},
        {"^[--/]$", ".", true},
        {"^[\\w]+$", "a_", true},
        {"^[[:alpha:][:digit:]]+$", "a1", true},
        {"^[[:cntrl:]]$", "\x85", true},
        {"^[a\\]b]+$", "a]b", true},
        {"^[a[]+$", "a[", true},
        {"\\yapp\\y", "my app", true},
        {"\\yapp\\y", "myapp", false},
        {"a\\Yb", "ab", true},
        {"\\.", "x", false},
        {"\\_", "_", true},
        {"(?i)^ABC[d-f]$", "abcE", true},
        {"(?:a)(?:b)", "ab", true},
        {"a\\/b", "a/b", true},
        {"\xc3\xa9", "caf\xc3\xa9", true},
        {"[\xc3]", "\xc3\xa9", true},
    }));
    CAPTURE(row.pattern, row.text);
    CHECK(matches(row.pattern, row.text) == row.matches);
}

TEST_CASE("what means something else in RE2, or nothing, is refused") {
    const auto row = GENERATE(values<ErrorRow>({
        {"(", "parentheses () not balanced"},
        {")", "parentheses () not balanced"},
        {"a)", "parentheses () not balanced"},
        {"[a", "brackets [] not balanced"},
        {"[[:alpha:", "brackets [] not balanced"},
        {"[z-a", "brackets [] not balanced"},
        {"[z-a]", "invalid character range"},
        {"[a-c-e]", "invalid character range"},
        {"[\\d-z]", "invalid character range"},
        {"[[:foo:]]", "invalid character class"},
        {"*a", "quantifier operand invalid"},
        {"a**", "quantifier operand invalid"},
        {"a*+", "quantifier operand invalid"},
        {"^*", "quantifier operand invalid"},
        {"a|*", "quantifier operand invalid"},
        {"{1}", "quantifier operand invalid"},
        {"a{1}{2}", "quantifier operand invalid"},
        {"a(?i)b", "quantifier operand invalid"},
        {"a{2,1}", "invalid repetition count(s)"},
        {"a{256}", "invalid repetition count(s)"},
        {"a{1", "braces {} not balanced"},
        {"a\\", "invalid escape \\ sequence"},
        {"\\b", "the escape \\b is not supported"},
        {"\\B", "the escape \\B is not supported"},
        {"\\m", "the escape \\m is not supported"},
        {"\\M", "the escape \\M is not supported"},
        {"\\z", "the escape \\z is not supported"},
        {"\\Qa", "the escape \\Q is not supported"},
        {"\\C", "the escape \\C is not supported"},
        {"\\pL", "the escape \\p is not supported"},
        {"\\x41", "the escape \\x is not supported"},
        {"\\0", "the escape \\0 is not supported"},
        {"[\\D]", "\\D is not supported in brackets"},
        {"[\\b]", "\\b is not supported in brackets"},
        {"(a)\\1", "back references are not supported"},
        {"(?=a)", "lookahead and lookbehind are not supported"},
        {"(?!a)", "lookahead and lookbehind are not supported"},
        {"(?<=a)", "lookahead and lookbehind are not supported"},
        {"(?<!a)b", "lookahead and lookbehind are not supported"},
        {"(?#a)", "comments are not supported"},
        {"(?n)a", "embedded options other than (?i) are not supported"},
        {"(?ix)a", "embedded options other than (?i) are not supported"},
        {"(?P<x>a)", "embedded options other than (?i) are not supported"},
        {"(?i)\xc3\xa9", "(?i) is supported with ASCII characters only"},
        {"***=a.b", "directors (***) are not supported"},
        {"***:a", "directors (***) are not supported"},
        {"[[:<:]]a", "[[:<:]] and [[:>:]] are not supported"},
        {"[[.a.]]", "collating elements are not supported"},
        {"[[=a=]]", "collating elements are not supported"},
    }));
    CAPTURE(row.pattern);
    const auto compiled = compile_regex(row.pattern);
    CHECK(compiled.regex == nullptr);
    CHECK(compiled.error ==
          "invalid regular expression \"" + std::string(row.pattern) + "\": " + row.error);
}

TEST_CASE("an expression is bounded in length and in memory") {
    CHECK(compile_regex(std::string(1000, 'a')).regex != nullptr);
    CHECK(compile_regex(std::string(1001, 'a')).regex == nullptr);
    CHECK(compile_regex("((a{99}){99}){99}").regex == nullptr);
    CHECK(compile_regex(std::string(499, '(') + std::string(499, ')')).regex != nullptr);
}

TEST_CASE("a group holds what PostgreSQL's holds, or is known not to") {
    std::string held;
    const auto compiled = compile_regex("^(.*)@([a-z]+)\\.org$");
    REQUIRE(compiled.plain_capture);
    REQUIRE(re2::RE2::PartialMatch("a@b@x.org", *compiled.regex, &held));
    CHECK(held == "a@b");
    for (const char* pattern : {"(a|b)", "(a)*", "(a*?)", "(a){2}", "(ab+?)", "a+?(b)"}) {
        CAPTURE(pattern);
        CHECK(!compile_regex(pattern).plain_capture);
    }
}
