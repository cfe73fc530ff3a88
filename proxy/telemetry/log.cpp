#include "proxy/telemetry/log.h"

#include "proxy/telemetry/file_sink.h"
#include "proxy/telemetry/log_line.h"
#include "proxy/telemetry/stderr_sink.h"
#include "proxy/thread_signals.h"

#include <spdlog/async.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>

namespace pgmoat::telemetry {

namespace {

// Lines waiting for a slow reader of the log: a few megabytes, or minutes of ordinary traffic.
constexpr std::size_t queue_lines_max = 8192;

// PostgreSQL's order for log_min_messages: LOG is above ERROR, so that only FATAL hides it.
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

std::shared_ptr<spdlog::details::thread_pool> start_queue() {
    const SignalsBlocked inherited; // by its thread
    return std::make_shared<spdlog::details::thread_pool>(queue_lines_max, 1);
}

} // namespace

struct Log::Sink {
    // A shared_ptr because each line in spdlog's queue holds its logger. Declared before the queue,
    // so that it is destroyed after the queue's thread has ended.
    std::shared_ptr<spdlog::async_logger> logger;
    std::shared_ptr<StderrSink> output = std::make_shared<StderrSink>();
    std::shared_ptr<spdlog::details::thread_pool> queue = start_queue();
    std::shared_ptr<FileSink> file; // shared with the logger, as spdlog requires
    std::atomic<int> from{1};
    std::atomic<config::LogFormat> format{config::LogFormat::text};
};

Log::Log() : sink_(std::make_unique<Sink>()) {
    sink_->logger = std::make_shared<spdlog::async_logger>(
        "pgmoat", sink_->output, sink_->queue, spdlog::async_overflow_policy::overrun_oldest);
    sink_->logger->set_level(spdlog::level::trace);
    sink_->logger->set_pattern("%v");
}

// The queue's thread writes what is left, but a reader that does not read cannot block the
// shutdown.
Log::~Log() {
    constexpr std::chrono::seconds patience{1};
    sink_->output->end_by(StderrSink::Clock::now() + patience);
}

void Log::write(Level level, std::string_view event, const Fields& fields) {
    if (!shows(level)) return;
    const bool json = sink_->format.load(std::memory_order_relaxed) == config::LogFormat::json;
    const std::string line =
        json ? json_line(word(level), event, fields) : text_line(word(level), event, fields);
    sink_->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

bool Log::shows(Level level) const noexcept {
    return rank(level) >= sink_->from.load(std::memory_order_relaxed);
}

void Log::configure(Level from, config::LogFormat format) {
    sink_->from.store(rank(from), std::memory_order_relaxed);
    sink_->format.store(format, std::memory_order_relaxed);
}

void Log::write_to(const std::string& file) {
    sink_->file = std::make_shared<FileSink>(file);
    sink_->file->set_pattern("%v");
    sink_->logger->sinks() = {sink_->file};
}

std::string Log::reopen() {
    return sink_->file ? sink_->file->reopen() : std::string();
}

std::uint64_t Log::dropped() const {
    const std::uint64_t unwritten = sink_->file ? sink_->file->lost() : 0;
    return sink_->queue->overrun_counter() + sink_->output->lost() + unwritten;
}

} // namespace pgmoat::telemetry
