#include "proxy/telemetry/file_sink.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace pgmoat::telemetry {

FileSink::FileSink(std::string name) : name_(std::move(name)), file_(open_file()) {
    if (file_ < 0)
        throw std::system_error(
            errno, std::generic_category(), "could not open log file \"" + name_ + '"');
}

FileSink::~FileSink() {
    ::close(file_);
}

std::string FileSink::reopen() {
    const int fresh = open_file();
    if (fresh < 0)
        return "could not reopen log file \"" + name_ +
               "\": " + std::generic_category().message(errno);
    const std::lock_guard lock(mutex_);
    ::close(std::exchange(file_, fresh));
    torn_ = false;
    return {};
}

void FileSink::sink_it_(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (torn_ && !write("\n")) {
        ++lost_;
        return;
    }
    if (!write({line.data(), line.size()})) ++lost_;
}

bool FileSink::write(std::string_view line) {
    while (!line.empty()) {
        const ssize_t written = ::write(file_, line.data(), line.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        line.remove_prefix(static_cast<std::size_t>(written));
        torn_ = !line.empty();
    }
    return true;
}

int FileSink::open_file() const {
    return ::open(name_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

} // namespace pgmoat::telemetry
