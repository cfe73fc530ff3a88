#include "proxy/server/reloader.h"

#include "proxy/access/load_rules.h"
#include "proxy/config/reload.h"
#include "proxy/server/certificate_watch.h"
#include "proxy/server/load_runtime_config.h"
#include "proxy/thread_signals.h"
#include "tls/context.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

namespace pgmoat::server {

namespace {

config::Config read_config(const config::Config& running, std::vector<std::string>& warnings) {
    config::Config fresh = config::load_config(running.file);
    for (const auto& name : config::restart_only_changes(running, fresh))
        warnings.push_back("parameter \"" + name +
                           "\" cannot be changed without restarting the server");
    warnings.insert(warnings.end(), fresh.warnings.begin(), fresh.warnings.end());
    config::keep_restart_only(running, fresh);
    return fresh;
}

void load_setup(const runtime::RuntimeConfig& running,
                const config::Config& wanted,
                Reloaded& result,
                const std::stop_token& stop) {
    result.http = admin::load_http_access(wanted);
    const auto& about_http = result.http.warnings;
    if (result.kind == ReloadKind::all)
        result.warnings.insert(result.warnings.end(), about_http.begin(), about_http.end());
    if (result.kind == ReloadKind::tls_files) {
        result.setup = reload_tls(running, wanted, stop);
    } else {
        result.setup = load_runtime_config(wanted, &running, stop);
        for (auto& warning : access::access_warnings(result.setup->access))
            result.warnings.push_back(std::move(warning));
    }
    // Logged at start, and after a reload that has changed the warnings.
    if (const auto said = scram_warnings(*result.setup); said != scram_warnings(running))
        result.warnings.insert(result.warnings.end(), said.begin(), said.end());
    if (!result.setup->tls) return;
    const auto& notes = result.setup->tls->notes();
    result.warnings.insert(result.warnings.end(), notes.begin(), notes.end());
}

// Reads files again that ssl_watch also watches but that contexts are not built from.
void reread_files(config::Config& wanted) {
    config::reread_hosts(wanted, config::Disk());
    config::reread_secrets(wanted, config::Disk());
}

std::vector<std::string> lines_of(const tls::Error& error) {
    std::vector<std::string> lines{error.what()};
    if (!error.detail.empty()) lines.push_back(error.detail);
    if (!error.hint.empty()) lines.push_back(error.hint);
    lines.emplace_back("SSL configuration was not reloaded; no changes were applied");
    return lines;
}

} // namespace

Reloaded
load_again(const runtime::RuntimeConfig& running, ReloadKind kind, const std::stop_token& stop) {
    Reloaded result;
    result.kind = kind;
    config::Config wanted = running.config;
    result.looks = look_at(tls_files_of(wanted)); // before the hosts file and the others are read
    try {
        if (kind == ReloadKind::all)
            wanted = read_config(running.config, result.warnings);
        else
            reread_files(wanted);
        result.looks.merge(look_at(tls_files_of(wanted)));
        load_setup(running, wanted, result, stop);
        result.certificates = read_certificates(*result.setup);
    } catch (const config::ConfigError& error) {
        result.errors = error.messages;
        result.errors.push_back("configuration file \"" + running.config.file +
                                "\" contains errors; no changes were applied");
    } catch (const tls::Error& error) {
        result.errors = lines_of(error);
        result.certificates = find_faults(wanted, loading(tls::Occasion::reload, stop));
    } catch (const std::exception& error) {
        result.errors = {error.what(), "no changes were applied"};
    }
    return result;
}

Reloader::Reloader(boost::asio::io_context& context, Running running, Done done)
    : context_(context), running_(std::move(running)), done_(std::move(done)) {}

void Reloader::request(ReloadKind kind, Heard heard) {
    if (heard) asked_for_.push_back(std::move(heard));
    if (!busy_) return start(kind);
    again_ = true;
    next_ = std::max(next_, kind);
}

void Reloader::start(ReloadKind kind) {
    busy_ = true;
    asked_ = std::exchange(asked_for_, {});
    const auto hand_over = [this](Reloaded reloaded) {
        boost::asio::post(context_, [this, result = std::move(reloaded)]() mutable {
            finish(std::move(result));
        });
    };
    try {
        // The assignment joins the previous thread, which has already posted its result.
        thread_ = start_thread<std::jthread>(
            [hand_over, kind, running = running_()](const std::stop_token& stop) {
                hand_over(load_again(*running, kind, stop));
            });
    } catch (const std::system_error& error) { // no more threads available
        Reloaded failed;
        failed.kind = kind;
        failed.errors = {std::string("could not start a thread to reload: ") + error.what(),
                         "no changes were applied"};
        hand_over(std::move(failed));
    }
}

void Reloader::finish(Reloaded reloaded) {
    busy_ = false;
    reloaded.heard = std::exchange(asked_, {});
    done_(std::move(reloaded));
    if (!std::exchange(again_, false)) return;
    start(std::exchange(next_, ReloadKind::tls_files));
}

} // namespace pgmoat::server
