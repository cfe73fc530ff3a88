// The log: one line per event to stderr or a file, as text for people or JSON for machines, written by a
// thread of its own from a bounded queue. When the queue is full the oldest line goes and is
// counted: a slow reader of the log never delays a connection. Every text is escaped, so callers
// pass it as it came.
#pragma once

#include "proxy/config/config.h"
#include "proxy/telemetry/log_fields.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace pgmoat::telemetry {

class Log {
  public:
    using Level = config::LogLevel;

    // Starts the writing thread.
    Log();
    ~Log(); // writes what is queued
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    // Any thread.
    void write(Level level, std::string_view event, const Fields& fields = {});
    void info(std::string_view event) { write(Level::log, event); }
    void warning(std::string_view event) { write(Level::warning, event); }
    void error(std::string_view event) { write(Level::error, event); }

    [[nodiscard]] bool shows(Level level) const noexcept;
    void configure(Level from, config::LogFormat format);
    [[nodiscard]] std::uint64_t dropped() const;

    // From now on to this file. Throws std::system_error. Before other threads log.
    void write_to(const std::string& file);
    // Opens the file by its name again, after logrotate moved it; on failure the old one goes on.
    // Returns the failure in words; empty: done, or there is no file.
    [[nodiscard]] std::string reopen();

  private:
    struct Sink;
    std::unique_ptr<Sink> sink_;
};

} // namespace pgmoat::telemetry
