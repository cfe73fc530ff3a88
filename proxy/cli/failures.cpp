#include "proxy/cli/failures.h"

#include "proxy/admin/http/listen.h"
#include "proxy/cli/exit_code.h"
#include "proxy/config/config.h"
#include "proxy/server/open_listeners.h"
#include "proxy/session/accept.h"
#include "tls/context.h"

#include <cstdio>
#include <exception>

namespace pgmoat::cli {

void say(const char* level, const std::string& line) {
    std::fprintf(stderr, "pgmoat: %s:  %s\n", level, line.c_str());
}

namespace {

void say_all(const tls::Error& error) {
    say("FATAL", error.what());
    if (!error.detail.empty()) say("DETAIL", error.detail);
    if (!error.hint.empty()) say("HINT", error.hint);
}

} // namespace

int with_exit_codes(const std::string& config_file, const std::function<int()>& work) {
    try {
        return work();
    } catch (const config::ConfigError& error) {
        for (const auto& message : error.messages)
            say("ERROR", message);
        say("FATAL", "configuration file \"" + config_file + "\" contains errors");
        return exit_configuration;
    } catch (const UsageError& error) {
        say("ERROR", error.what());
        return exit_usage;
    } catch (const tls::Error& error) {
        say_all(error);
        return exit_tls;
    } catch (const server::BindError& error) {
        say("FATAL", error.what());
        return exit_bind;
    } catch (const admin::ListenError& error) {
        say("FATAL", error.what());
        return exit_bind;
    } catch (const std::exception& error) {
        say("FATAL", error.what());
        return exit_failed;
    }
}

} // namespace pgmoat::cli
