#include "bench/window.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace pgmoat::bench {
namespace {

using Seconds = std::chrono::duration<double>;

Window::Clock::duration from_seconds(double seconds) {
    return std::chrono::duration_cast<Window::Clock::duration>(Seconds(seconds));
}

// Fields 14 and 15 of /proc/PID/stat, counted behind the command name, which may hold anything.
double cpu_seconds_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    if (!std::getline(file, line)) {
        throw std::runtime_error("process " + std::to_string(pid) + " is gone");
    }
    std::istringstream fields(line.substr(line.rfind(')') + 2));
    std::string skipped;
    for (int field = 3; field < 14; ++field) {
        fields >> skipped;
    }
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

} // namespace

Window::Window(double warm_up_seconds, double seconds, std::vector<pid_t> watched)
    : watched_(std::move(watched)), length_(from_seconds(seconds)),
      begin_(Clock::now() + from_seconds(warm_up_seconds)) {}

Window::Phase Window::update(Clock::time_point now) {
    if (phase_ == Phase::warming_up && now >= begin_) {
        phase_ = Phase::measuring;
        just_begun_ = true;
        cpu_at_begin_ = read_cpu();
        begin_ = Clock::now();
        end_ = begin_ + length_;
    } else if (phase_ == Phase::measuring && now >= end_) {
        phase_ = Phase::over;
        cpu_at_end_ = read_cpu();
        end_ = now;
    }
    return phase_;
}

bool Window::has_just_begun() noexcept {
    return std::exchange(just_begun_, false);
}

double Window::seconds() const {
    return Seconds(end_ - begin_).count();
}

double Window::read_cpu() const {
    double sum = 0;
    for (const pid_t pid : watched_) {
        sum += cpu_seconds_of(pid);
    }
    return sum;
}

} // namespace pgmoat::bench
