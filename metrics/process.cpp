#include "metrics/process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace pgmoat::metrics {

namespace {

// The fields of /proc/self/stat after the command, by their number in proc(5); the first is 3. The
// command is in parentheses and may itself contain spaces and parentheses.
class StatFields {
  public:
    StatFields() {
        std::ifstream file("/proc/self/stat");
        std::string line;
        std::getline(file, line);
        const std::size_t command_end = line.rfind(')');
        if (command_end == std::string::npos) return;
        std::istringstream rest(line.substr(command_end + 1));
        for (std::string field; rest >> field;)
            fields_.push_back(field);
    }

    [[nodiscard]] std::optional<double> at(std::size_t number) const {
        const std::size_t index = number - 3;
        if (index >= fields_.size()) return std::nullopt;
        try {
            return std::stod(fields_[index]);
        } catch (const std::exception&) {
            return std::nullopt;
        }
    }

  private:
    std::vector<std::string> fields_;
};

double seconds_of(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Computed once: from two clocks that are read at slightly different times, the result would vary
// from scrape to scrape.
std::optional<double> start_time(const StatFields& stat, double ticks_per_second) {
    static const std::optional<double> start = [&]() -> std::optional<double> {
        const auto ticks = stat.at(22);
        if (!ticks) return std::nullopt;
        const double age = seconds_of(CLOCK_BOOTTIME) - *ticks / ticks_per_second;
        return seconds_of(CLOCK_REALTIME) - age;
    }();
    return start;
}

std::optional<double> count_open_fds() {
    constexpr const char* folder = "/proc/self/fd";
    // Since Linux 6.2 the directory's st_size is the number of descriptors; before, it is 0.
    struct stat facts {};
    if (::stat(folder, &facts) == 0 && facts.st_size > 0) return static_cast<double>(facts.st_size);

    const auto close = [](DIR* directory) { ::closedir(directory); };
    const std::unique_ptr<DIR, decltype(close)> directory(::opendir(folder), close);
    if (!directory) return std::nullopt;
    double entries = 0;
    while (::readdir(directory.get()) != nullptr)
        ++entries;
    return entries - 3; // ".", ".." and the descriptor that reads them
}

std::optional<double> max_fds() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
    return static_cast<double>(limit.rlim_cur);
}

} // namespace

ProcessFacts read_process_facts() {
    const StatFields stat;
    const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
    const auto page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE));

    ProcessFacts facts;
    const auto user_ticks = stat.at(14);
    const auto system_ticks = stat.at(15);
    if (user_ticks && system_ticks) {
        facts.cpu_seconds = (*user_ticks + *system_ticks) / ticks_per_second;
    }
    facts.start_time_seconds = start_time(stat, ticks_per_second);
    facts.virtual_memory_bytes = stat.at(23);
    if (const auto pages = stat.at(24)) facts.resident_memory_bytes = *pages * page_bytes;
    facts.threads = stat.at(20);
    facts.open_fds = count_open_fds();
    facts.max_fds = max_fds();
    return facts;
}

} // namespace pgmoat::metrics
