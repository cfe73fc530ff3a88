#include "proxy/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <utility>

namespace pgmoat {

namespace {

// Lines waiting for a slow reader of the log, at most: some megabytes, and minutes of ordinary
// traffic.
constexpr std::size_t queue_lines_max = 8192;

constexpr std::string_view replacement = "\\ufffd";

// PostgreSQL's order for log_min_messages: LOG stands above ERROR, so that only FATAL hides it.
int rank(Log::Level level) {
    switch (level) {
    case Log::Level::debug: return 0;
    case Log::Level::info: return 1;
    case Log::Level::notice: return 2;
    case Log::Level::warning: return 3;
    case Log::Level::error: return 4;
    case Log::Level::log: return 5;
    }
    return 5;
}

std::string_view word(Log::Level level) {
    switch (level) {
    case Log::Level::debug: return "DEBUG";
    case Log::Level::info: return "INFO";
    case Log::Level::notice: return "NOTICE";
    case Log::Level::warning: return "WARNING";
    case Log::Level::error: return "ERROR";
    case Log::Level::log: return "LOG";
    }
    return "LOG";
}

std::string timestamp(char between) {
    const auto now = std::chrono::system_clock::now();
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() %
        1000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 96> text{}; // as long as the compiler can imagine the parts
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

// How many bytes the UTF-8 character at the front takes; 0: it is none. Overlong forms, surrogates
// and what lies beyond U+10FFFF are none (RFC 3629, section 4).
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto continues = [&](std::size_t i, unsigned low, unsigned high) {
        return i < text.size() && byte(i) >= low && byte(i) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return continues(1, 0x80, 0xBF) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = first == 0xED ? 0x9F : 0xBF;
        return continues(1, low, high) && continues(2, 0x80, 0xBF) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const unsigned low = first == 0xF0 ? 0x90 : 0x80;
        const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
        const bool whole =
            continues(1, low, high) && continues(2, 0x80, 0xBF) && continues(3, 0x80, 0xBF);
        return whole ? 4 : 0;
    }
    return 0;
}

// Escapes as JSON does; the text format uses the same, so that one look is enough for both.
std::string escaped(std::string_view text, std::size_t bytes_max) {
    std::string out;
    while (!text.empty()) {
        if (out.size() >= bytes_max) {
            out += "...";
            break;
        }
        const std::size_t length = utf8_length(text);
        const auto first = static_cast<unsigned char>(text[0]);
        if (length == 0) {
            out += replacement;
        } else if (first == '"' || first == '\\') {
            out += '\\';
            out += text[0];
        } else if (first < 0x20 || first == 0x7F) {
            std::array<char, 8> code{};
            std::snprintf(code.data(), code.size(), "\\u%04x", first);
            out += code.data();
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out;
}

constexpr std::size_t event_bytes_max = 4096;
constexpr std::size_t field_bytes_max = 1024;

std::string as_text(Log::Level level, std::string_view event, const LogFields& fields) {
    std::string line = timestamp(' ') + " UTC [" + std::to_string(::getpid()) + "] ";
    line += word(level);
    line += ":  ";
    // The event is our own sentence; it may hold names from files or peers, which must not break
    // the line.
    for (const char c : event.substr(0, event_bytes_max))
        line += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
    const char* separator = ": ";
    for (const auto& field : fields.all()) {
        line += std::exchange(separator, " ");
        line += field.name;
        line += '=';
        line += field.number ? field.value : quoted(field.value, field_bytes_max);
    }
    return line;
}

std::string as_json(Log::Level level, std::string_view event, const LogFields& fields) {
    std::string line =
        "{\"time\":\"" + timestamp('T') + "Z\",\"pid\":" + std::to_string(::getpid());
    line += ",\"level\":\"";
    line += word(level);
    line += "\",\"event\":\"" + escaped(event, event_bytes_max) + '"';
    for (const auto& field : fields.all()) {
        line += ",\"";
        line += field.name;
        line += "\":";
        line += field.number ? field.value : '"' + escaped(field.value, field_bytes_max) + '"';
    }
    return line + '}';
}

} // namespace

LogFields& LogFields::add(std::string_view name, std::string_view text) {
    fields_.push_back({name, std::string(text), false});
    return *this;
}

LogFields& LogFields::add(std::string_view name, std::uint64_t number) {
    fields_.push_back({name, std::to_string(number), true});
    return *this;
}

LogFields& LogFields::add_seconds(std::string_view name, double seconds) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3f", seconds);
    fields_.push_back({name, text.data(), true});
    return *this;
}

struct Log::Sink {
    // Shared because spdlog's queue holds the logger of each line; nobody else does. Above the
    // queue, so that it goes after the queue's thread has ended.
    std::shared_ptr<spdlog::async_logger> logger;
    std::shared_ptr<spdlog::details::thread_pool> queue =
        std::make_shared<spdlog::details::thread_pool>(queue_lines_max, 1);
    std::atomic<int> from{1};
    std::atomic<config::LogFormat> format{config::LogFormat::text};
};

Log::Log() : sink_(std::make_unique<Sink>()) {
    sink_->logger =
        std::make_shared<spdlog::async_logger>("pgmoat",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>(),
                                               sink_->queue,
                                               spdlog::async_overflow_policy::overrun_oldest);
    sink_->logger->set_level(spdlog::level::trace);
    sink_->logger->set_pattern("%v");
}

Log::~Log() = default;

void Log::write(Level level, std::string_view event, const LogFields& fields) {
    if (!shows(level)) return;
    const bool json = sink_->format.load(std::memory_order_relaxed) == config::LogFormat::json;
    const std::string line = json ? as_json(level, event, fields) : as_text(level, event, fields);
    sink_->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

bool Log::shows(Level level) const noexcept {
    return rank(level) >= sink_->from.load(std::memory_order_relaxed);
}

void Log::configure(Level from, config::LogFormat format) {
    sink_->from.store(rank(from), std::memory_order_relaxed);
    sink_->format.store(format, std::memory_order_relaxed);
}

std::uint64_t Log::dropped() const {
    return sink_->queue->overrun_counter();
}

std::string quoted(std::string_view text, std::size_t bytes_max) {
    std::string safe = escaped(text, bytes_max);
    const bool plain = !safe.empty() && safe == text.substr(0, safe.size()) &&
                       safe.find_first_of(" =") == std::string::npos;
    return plain ? safe : '"' + safe + '"';
}

} // namespace pgmoat
