// The log: one line per event to stderr or a file, as text for people or JSON for machines, written
// by a thread of its own from a bounded queue. If the queue is full the oldest line is dropped and
// counted: a slow reader of the log never delays a connection. All texts are escaped here, so
// callers pass them unchanged.
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

    // Starts the log's thread.
    Log();
    ~Log(); // writes the lines in the queue
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    // For any thread.
    void write(Level level, std::string_view event, const Fields& fields = {});
    void info(std::string_view event) { write(Level::log, event); }
    void warning(std::string_view event) { write(Level::warning, event); }
    void error(std::string_view event) { write(Level::error, event); }

    [[nodiscard]] bool shows(Level level) const noexcept;
    void configure(Level from, config::LogFormat format);
    [[nodiscard]] std::uint64_t dropped() const;

    // From now on writes to this file. Throws std::system_error. To be called before other threads
    // log.
    void write_to(const std::string& file);
    // Reopens the file by name, after logrotate has moved it; on failure the old one stays in use.
    // Returns the error; empty: done, or there is no file.
    [[nodiscard]] std::string reopen();

  private:
    struct Sink;
    std::unique_ptr<Sink> sink_;
};

} // namespace pgmoat::telemetry
