#include "bench/stub_answers.h"

#include "bench/wire.h"

#include <string_view>
#include <utility>

namespace pgmoat::bench {
namespace {

using namespace std::string_view_literals;

void append_u16(std::string& out, unsigned value) {
    out.push_back(static_cast<char>((value >> 8U) & 0xffU));
    out.push_back(static_cast<char>(value & 0xffU));
}

std::string login() {
    std::string out;
    append_message(out, 'R', "\0\0\0\0"sv);
    const std::pair<std::string_view, std::string_view> parameters[] = {
        {"server_version", "15.0"},
        {"server_encoding", "UTF8"},
        {"client_encoding", "UTF8"},
        {"application_name", ""},
        {"is_superuser", "off"},
        {"session_authorization", "bench"},
        {"DateStyle", "ISO, MDY"},
        {"IntervalStyle", "postgres"},
        {"TimeZone", "UTC"},
        {"integer_datetimes", "on"},
        {"standard_conforming_strings", "on"},
    };
    for (const auto& [name, value] : parameters) {
        std::string body(name);
        body.push_back('\0');
        body.append(value);
        body.push_back('\0');
        append_message(out, 'S', body);
    }
    return out;
}

std::string row_header() {
    std::string body;
    append_u16(body, 1);
    body += "abalance"sv;
    body.push_back('\0');
    append_u32(body, 16384); // table
    append_u16(body, 3);     // column
    append_u32(body, 25);    // text
    append_u16(body, 0xffff);
    append_u32(body, 0xffffffff);
    append_u16(body, 0);
    std::string out;
    append_message(out, 'T', body);
    return out;
}

std::string row(std::size_t value_bytes) {
    return row_start(value_bytes).append(value_bytes, 'x');
}

StubAnswers build() {
    constexpr std::size_t row_overhead = 11; // type, length, column count, value length
    StubAnswers answers;
    answers.login = login();
    answers.row_header = row_header();
    answers.small_row = row(20);
    append_message(answers.command_complete, 'C', "SELECT 1\0"sv);
    append_message(answers.ready, 'Z', "I"sv);
    answers.small_result =
        answers.row_header + answers.small_row + answers.command_complete + answers.ready;
    answers.bulk_row = row(bulk_row_bytes - row_overhead);
    append_message(answers.copy_in, 'G', "\0\0\0"sv);
    append_message(answers.copy_complete, 'C', "COPY 1\0"sv);
    answers.copy_complete += answers.ready;
    return answers;
}

} // namespace

std::string row_start(std::size_t value_bytes) {
    std::string out(1, 'D');
    append_u32(out,
               static_cast<std::uint32_t>(value_bytes + 10)); // length, column count, value length
    append_u16(out, 1);
    append_u32(out, static_cast<std::uint32_t>(value_bytes));
    return out;
}

const StubAnswers& stub_answers() {
    static const StubAnswers answers = build();
    return answers;
}

} // namespace pgmoat::bench
