// Writes log lines to a file, which can be reopened by name at any time (after logrotate has moved
// it). Lines that cannot be written (a full disk) are counted, and the proxy goes on.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace pgmoat::telemetry {

class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    // Throws std::system_error.
    explicit FileSink(std::string name);
    FileSink(const FileSink&) = delete;
    FileSink& operator=(const FileSink&) = delete;
    ~FileSink() override;

    // Any thread. On failure the old file stays in use. Returns the error; empty: done.
    [[nodiscard]] std::string reopen();
    [[nodiscard]] std::uint64_t lost() const noexcept { return lost_.load(); }

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override;
    void flush_() override {}

  private:
    [[nodiscard]] int open_file() const;
    [[nodiscard]] bool write(std::string_view line);

    std::string name_;
    int file_;
    bool torn_ = false; // the last line was cut off: the next one must begin on a new line
    std::atomic<std::uint64_t> lost_{0};
};

} // namespace pgmoat::telemetry
