#include "proxy/command_serve.h"

#include "proxy/admin/listen.h"
#include "proxy/config/config.h"
#include "proxy/control/setup.h"
#include "proxy/exit_code.h"
#include "proxy/process.h"
#include "proxy/server.h"
#include "tls/context.h"

#include <cstdio>
#include <exception>
#include <utility>

namespace pgmoat {

namespace {

void say(const char* level, const std::string& line) {
    std::fprintf(stderr, "pgmoat: %s:  %s\n", level, line.c_str());
}

void say(const tls::Error& error) {
    say("FATAL", error.what());
    if (!error.detail.empty()) say("DETAIL", error.detail);
    if (!error.hint.empty()) say("HINT", error.hint);
}

// Turns what may go wrong before serving into words and an exit code.
template <typename Work>
int with_exit_codes(const std::string& config_file, Work work) {
    try {
        return work();
    } catch (const config::ConfigError& error) {
        for (const auto& message : error.messages)
            say("LOG", message);
        say("FATAL", "configuration file \"" + config_file + "\" contains errors");
        return exit_configuration;
    } catch (const tls::Error& error) {
        say(error);
        return exit_tls;
    } catch (const control::BindError& error) {
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

} // namespace

int serve(const std::string& config_file) {
    protect_process();
    return with_exit_codes(config_file, [&]() -> int {
        config::Config config = config::load_config(config_file);
        const std::string user = config.user;
        refuse_root(user);
        Log log;
        log.configure(config.log_min_messages, config.log_format);
        Server server(std::move(config), log);
        become_user(user);
        return server.run();
    });
}

int check(const std::string& config_file) {
    return with_exit_codes(config_file, [&]() -> int {
        const auto setup = control::build_setup(config::load_config(config_file));
        for (const auto& warning : setup->config.warnings)
            say("WARNING", warning);
        for (const auto& warning : control::scram_warnings(*setup))
            say("WARNING", warning);
        std::printf("configuration file \"%s\" is valid\n", config_file.c_str());
        return exit_ok;
    });
}

} // namespace pgmoat
