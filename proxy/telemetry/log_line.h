// One line of the log, without its end: the time, the process id, a level such as WARNING, the
// event and its facts. For the log, and for messages before the log is open.
#pragma once

#include "proxy/telemetry/log_fields.h"

#include <string>
#include <string_view>

namespace pgmoat::telemetry {

[[nodiscard]] std::string
text_line(std::string_view level, std::string_view event, const Fields& fields = {});
[[nodiscard]] std::string
json_line(std::string_view level, std::string_view event, const Fields& fields = {});

} // namespace pgmoat::telemetry
