#include "proxy/cli/failures.h"

#include "protocol/shown_text.h"
#include "proxy/admin/http/listen.h"
#include "proxy/cli/exit_code.h"
#include "proxy/config/config.h"
#include "proxy/config/log_format.h"
#include "proxy/server/open_listeners.h"
#include "proxy/session/accept.h"
#include "proxy/telemetry/log_line.h"
#include "tls/context.h"

#include <cstdio>
#include <exception>

namespace pgmoat::cli {

void say(const char* level, const std::string& line) {
    // The message contains names and values from files.
    constexpr std::size_t bytes_max = 8192;
    std::fprintf(
        stderr, "pgmoat: %s:  %s\n", level, protocol::make_visible(line, bytes_max).c_str());
}

namespace {

struct Message {
    const char* level;
    std::string text;
    std::string detail;
    std::string hint;
};
using Teller = std::function<void(const Message&)>;

void tell_in_text(const Message& message) {
    say(message.level, message.text);
    if (!message.detail.empty()) say("DETAIL", message.detail);
    if (!message.hint.empty()) say("HINT", message.hint);
}

void tell_in_json(const Message& message) {
    telemetry::Fields fields;
    if (!message.detail.empty()) fields.add("detail", message.detail);
    if (!message.hint.empty()) fields.add("hint", message.hint);
    std::fprintf(stderr, "%s\n", telemetry::json_line(message.level, message.text, fields).c_str());
}

int run(const std::string& config_file, const std::function<int()>& work, const Teller& tell) {
    try {
        return work();
    } catch (const config::ConfigError& error) {
        for (const auto& message : error.messages)
            tell({"ERROR", message, {}, {}});
        tell({"FATAL", "configuration file \"" + config_file + "\" contains errors", {}, {}});
        return exit_configuration;
    } catch (const UsageError& error) {
        tell({"ERROR", error.what(), {}, {}});
        return exit_usage;
    } catch (const tls::Error& error) {
        tell({"FATAL", error.what(), error.detail, error.hint});
        return exit_tls;
    } catch (const server::BindError& error) {
        tell({"FATAL", error.what(), {}, {}});
        return exit_bind;
    } catch (const admin::ListenError& error) {
        tell({"FATAL", error.what(), {}, {}});
        return exit_bind;
    } catch (const std::exception& error) {
        tell({"FATAL", error.what(), {}, {}});
        return exit_failed;
    }
}

} // namespace

int with_exit_codes(const std::string& config_file, const std::function<int()>& work) {
    return run(config_file, work, tell_in_text);
}

int serving_with_exit_codes(const std::string& config_file, const std::function<int()>& work) {
    const bool json = config::log_format_of(config_file) == config::LogFormat::json;
    return run(config_file, work, json ? tell_in_json : tell_in_text);
}

} // namespace pgmoat::cli
