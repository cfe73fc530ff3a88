#include "proxy/cli/serve.h"

#include "proxy/access/load_rules.h"
#include "proxy/admin/http/http_access.h"
#include "proxy/admin/http/listen.h"
#include "proxy/cli/check.h"
#include "proxy/cli/check_secrets.h"
#include "proxy/cli/exit_code.h"
#include "proxy/cli/failures.h"
#include "proxy/config/config.h"
#include "proxy/hba/net_address.h"
#include "proxy/server/load_runtime_config.h"
#include "proxy/server/probe_once.h"
#include "proxy/server/process.h"
#include "proxy/server/server.h"
#include "proxy/server/service_manager.h"

#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <utility>

namespace pgmoat::cli {

namespace {

int print_findings(const std::vector<Finding>& findings) {
    int code = exit_ok;
    for (const Finding& finding : findings) {
        switch (finding.level) {
        case Finding::Level::ok: std::printf("ok: %s\n", finding.text.c_str()); break;
        case Finding::Level::warning: say("WARNING", finding.text); break;
        case Finding::Level::error:
            say("ERROR", finding.text);
            code = exit_tls;
            break;
        }
    }
    return code;
}

void print_sslmodes(const runtime::RuntimeConfig& setup, const ClientQuestion& question) {
    std::vector<const hba::Rules*> rules;
    for (const auto& access : setup.access)
        rules.push_back(access.rules.get());
    for (const auto& line : explain_sslmodes(setup.config, rules, question, std::time(nullptr)))
        std::printf("%s\n", line.c_str());
}

// What applies to this process, and may differ for the service.
std::vector<std::string> process_warnings(const config::Config& config) {
    std::vector<std::string> warnings;
    const auto wanted = static_cast<std::size_t>(config.max_connections);
    const auto shortage =
        server::shortage_of_descriptors(server::connections_allowed(wanted), wanted);
    if (!shortage.empty()) warnings.push_back(shortage);
    if (::geteuid() == 0 && config.user.empty())
        warnings.emplace_back(
            "checked as root, but pgmoat does not run as root: private keys must be owned by root "
            "or by the user it runs as");
    return warnings;
}

void require_question_makes_sense(const CheckOptions& options) {
    const ClientQuestion& asked = options.question;
    const bool is_asked = !asked.host.empty() || !asked.who.user.empty() ||
                          !asked.who.database.empty() || !asked.who.address.empty();
    if (is_asked && !options.explain)
        throw UsageError("--host, --user, --database and --address are for --explain");
    if (!asked.who.address.empty() && !hba::numeric_address(asked.who.address))
        throw UsageError("\"" + asked.who.address + "\" is not a valid IP address");
}

int load_and_run(const std::string& config_file, server::ServiceManager& service_manager) {
    config::Config config = config::load_config(config_file);
    const std::string user = config.user;
    server::refuse_root(user);
    server::require_user(user);
    telemetry::Log log;
    log.configure(config.log_min_messages, config.log_format);
    const std::string log_file = config.log_file;
    server::Server server(std::move(config), log, service_manager);
    server::become_user(user);
    if (!log_file.empty()) log.write_to(log_file); // opened as the user who will reopen it
    return server.run();
}

} // namespace

int serve(const std::string& config_file) {
    server::hold_signals();
    server::protect_process();
    server::ServiceManager service_manager;
    return serving_with_exit_codes(config_file, [&] {
        try {
            return load_and_run(config_file, service_manager);
        } catch (const config::ConfigError& error) {
            service_manager.failed(error.messages.front());
            throw;
        } catch (const std::exception& error) {
            service_manager.failed(error.what());
            throw;
        }
    });
}

int check(const CheckOptions& options) {
    const std::string& config_file = options.config_file;
    return with_exit_codes(config_file, [&]() -> int {
        require_question_makes_sense(options);
        config::Config config = config::load_config(config_file);
        server::require_user(config.user);
        const auto setup = server::load_runtime_config(std::move(config));
        const auto http = admin::load_http_access(setup->config);
        for (const auto& warning : setup->config.warnings)
            say("WARNING", warning);
        for (const auto& warning : process_warnings(setup->config))
            say("WARNING", warning);
        for (const auto& warning : http.warnings)
            say("WARNING", warning);
        const auto exposure = admin::exposure_of(http);
        if (admin::sounds_exposed(http.listen) && !exposure.empty()) say("WARNING", exposure);
        for (const auto& warning : access::access_warnings(setup->access))
            say("WARNING", warning);
        const auto scram = server::scram_warnings(*setup);
        for (const auto& warning : scram)
            say("WARNING", warning);
        if (setup->tls && scram.empty()) std::printf("ok: libpq clients can log in with SCRAM\n");
        if (setup->tls)
            for (const auto& note : setup->tls->notes())
                say("WARNING", note);
        (void)print_findings(check_secrets(*setup));
        const int code = print_findings(check_tls(setup->config, std::time(nullptr)));
        if (options.probe) {
            telemetry::Log log;
            server::probe_once(setup, log);
        }
        if (options.explain) print_sslmodes(*setup, options.question);
        if (code == exit_ok)
            std::printf("configuration file \"%s\" is valid\n", config_file.c_str());
        return code;
    });
}

} // namespace pgmoat::cli
