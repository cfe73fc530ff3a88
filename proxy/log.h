// The log: one line per event to stderr, as text for people or JSON for machines, written by a
// thread of its own from a bounded queue. When the queue is full the oldest line goes and is
// counted: a slow reader of the log never delays a connection. Every text is escaped here, so
// callers pass it as it came.
#pragma once

#include "proxy/config/config.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat {

// The facts of an event, in order. Texts may hold anything that a peer sent.
class LogFields {
  public:
    LogFields& add(std::string_view name, std::string_view text);
    LogFields& add(std::string_view name, std::uint64_t number);
    LogFields& add_seconds(std::string_view name, double seconds);

    struct Field {
        std::string_view name; // a literal
        std::string value;
        bool number;
    };
    [[nodiscard]] const std::vector<Field>& all() const noexcept { return fields_; }

  private:
    std::vector<Field> fields_;
};

class Log {
  public:
    using Level = config::LogLevel;

    // Starts the writing thread.
    Log();
    ~Log(); // writes what is queued
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    // Any thread.
    void write(Level level, std::string_view event, const LogFields& fields = {});
    void info(std::string_view event) { write(Level::log, event); }
    void warning(std::string_view event) { write(Level::warning, event); }
    void error(std::string_view event) { write(Level::error, event); }

    [[nodiscard]] bool shows(Level level) const noexcept;
    void configure(Level from, config::LogFormat format);
    [[nodiscard]] std::uint64_t dropped() const;

  private:
    struct Sink;
    std::unique_ptr<Sink> sink_;
};

// `text` as a log field: in quotes if it is empty or holds a blank; quotes, backslashes, control
// characters and invalid UTF-8 escaped; cut at `bytes_max` with "..." behind.
[[nodiscard]] std::string quoted(std::string_view text, std::size_t bytes_max = 256);

} // namespace pgmoat
