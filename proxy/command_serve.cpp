#include "proxy/command_serve.h"

#include "proxy/admin/http_access.h"
#include "proxy/command_failures.h"
#include "proxy/config/config.h"
#include "proxy/control/setup.h"
#include "proxy/exit_code.h"
#include "proxy/process.h"
#include "proxy/server.h"

#include <cstdio>
#include <utility>

namespace pgmoat {

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
        (void)admin::load_http_access(setup->config);
        for (const auto& warning : setup->config.warnings)
            say("WARNING", warning);
        for (const auto& warning : control::access_warnings(setup->access))
            say("WARNING", warning);
        for (const auto& warning : control::scram_warnings(*setup))
            say("WARNING", warning);
        std::printf("configuration file \"%s\" is valid\n", config_file.c_str());
        return exit_ok;
    });
}

} // namespace pgmoat
