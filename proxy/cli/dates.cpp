#include "proxy/cli/dates.h"

#include <array>
#include <ctime>

namespace pgmoat::cli {

std::string date_of(std::int64_t unix_seconds) {
    const std::time_t time = unix_seconds;
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::array<char, 32> text{};
    (void)std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts);
    return text.data();
}

} // namespace pgmoat::cli
