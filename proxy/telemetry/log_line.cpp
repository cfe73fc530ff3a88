#include "proxy/telemetry/log_line.h"

#include "protocol/shown_text.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace pgmoat::telemetry {

namespace {

std::string timestamp(char between) {
    const auto now = std::chrono::system_clock::now();
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() %
        1000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 96> text{}; // as large as the compiler thinks the parts could become
    std::snprintf(text.data(),
                  text.size(),
                  "%04d-%02d-%02d%c%02d:%02d:%02d.%03d",
                  parts.tm_year + 1900,
                  parts.tm_mon + 1,
                  parts.tm_mday,
                  between,
                  parts.tm_hour,
                  parts.tm_min,
                  parts.tm_sec,
                  static_cast<int>(milliseconds));
    return text.data();
}

constexpr std::size_t event_bytes_max = 4096;

} // namespace

std::string text_line(std::string_view level, std::string_view event, const Fields& fields) {
    std::string line = timestamp(' ') + " UTC [" + std::to_string(::getpid()) + "] ";
    line += level;
    line += ":  ";
    // Our own text, but it may contain names from files or peers, which must not break the line.
    line += protocol::make_visible(event, event_bytes_max);
    const std::string facts = fields.as_text();
    if (!facts.empty()) line += ": " + facts;
    return line;
}

std::string json_line(std::string_view level, std::string_view event, const Fields& fields) {
    std::string line =
        "{\"time\":\"" + timestamp('T') + "Z\",\"pid\":" + std::to_string(::getpid());
    line += ",\"level\":\"";
    line += level;
    line += "\",\"event\":" + protocol::json_string(event, event_bytes_max);
    const std::string facts = fields.as_json();
    if (!facts.empty()) line += ',' + facts;
    return line + '}';
}

} // namespace pgmoat::telemetry
