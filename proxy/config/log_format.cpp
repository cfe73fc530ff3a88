#include "proxy/config/log_format.h"

#include "proxy/config/guc_file.h"
#include "proxy/config/text.h"

namespace pgmoat::config {

LogFormat log_format_of(const std::string& file) {
    Problems said_elsewhere;
    std::string format;
    for (const Setting& setting : read_guc_file(Disk(), file, said_elsewhere))
        if (setting.name == "log_format") format = lower_case(setting.value);
    return format == "json" ? LogFormat::json : LogFormat::text;
}

} // namespace pgmoat::config
