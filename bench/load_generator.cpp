// The load generator: one thread, one kind of load, figures as "name value" lines.
// Any error makes the run invalid: exit code 1 and the first error on standard error.

#include "bench/modes.h"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <utility>

namespace pgmoat::bench {
namespace {

void add_options(CLI::App& app, Load& load) {
    app.add_option("--host", load.target.host, "IPv4 address, or path of a unix socket")
        ->capture_default_str();
    app.add_option("--port", load.target.port, "TCP port")->capture_default_str();
    app.add_option("--sources", load.target.sources, "connect from 127.0.0.1 .. 127.0.0.N in turn")
        ->check(CLI::Range(0, 200));
    app.add_flag("--tls", load.tls, "ask for TLS by SSLRequest");
    app.add_option("--user", load.account.user)->capture_default_str();
    app.add_option("--password", load.account.password, "for SCRAM-SHA-256");
    app.add_option("--clients", load.clients, "connections, or connects at a time")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--warm-up", load.warm_up_seconds, "seconds before the window")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--seconds", load.seconds, "length of the window, or of holding idle")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--watch", load.watched, "processes whose CPU time is taken over the window")
        ->delimiter(',');
}

int print(const Report& report) {
    for (const auto& [name, value] : report.figures) {
        std::printf("%s %s\n", name.c_str(), value.c_str());
    }
    if (report.errors > 0) {
        std::fprintf(stderr,
                     "invalid run, %llu errors, the first: %s\n",
                     static_cast<unsigned long long>(report.errors),
                     report.first_error.c_str());
        return 1;
    }
    return 0;
}

} // namespace
} // namespace pgmoat::bench

int main(int argc, char** argv) {
    using namespace pgmoat::bench;
    Load load;
    CLI::App app("Load for PostgreSQL proxies");
    app.fallthrough();
    app.require_subcommand(1);
    add_options(app, load);
    CLI::App* query = app.add_subcommand("query", "one small query in flight per client");
    query->add_option("--text", load.query, "the query")->capture_default_str();
    CLI::App* connect = app.add_subcommand("connect", "connect, log in, leave, again");
    connect->add_flag("--ask-once", load.ask_once, "run one small query before leaving");
    CLI::App* handshake = app.add_subcommand("handshake", "connect, shake hands, leave, again");
    CLI::App* bulk = app.add_subcommand("bulk", "large results");
    bulk->add_option(
            "--text", load.bulk_query, "\"bulk N\" and \"row N\" are for bench_stub_backend")
        ->capture_default_str();
    CLI::App* copy_in = app.add_subcommand("copy-in", "COPY data to bench_stub_backend");
    copy_in->add_option("--bytes", load.copy_in_bytes, "of one COPY")->capture_default_str();
    CLI::App* idle = app.add_subcommand("idle", "log in and hold, in steps");
    CLI::App* growth = app.add_subcommand("growth", "at each step hold, query, connect");
    for (CLI::App* steps : {idle, growth}) {
        steps->add_option("--steps", load.steps, "connections, ascending")->delimiter(',');
        steps->add_flag("--wait-for-input", load.wait_for_input, "hold until a line comes in");
    }
    const std::pair<CLI::App*, Report (*)(const Load&)> modes[] = {{query, run_query},
                                                                   {connect, run_connect},
                                                                   {handshake, run_handshake},
                                                                   {bulk, run_bulk},
                                                                   {copy_in, run_copy_in},
                                                                   {idle, run_idle},
                                                                   {growth, run_growth}};
    CLI11_PARSE(app, argc, argv);
    try {
        std::signal(SIGPIPE, SIG_IGN);
        for (const auto& [mode, run] : modes) {
            if (mode->parsed()) {
                return print(run(load));
            }
        }
        return 1; // require_subcommand() leaves no other
    } catch (const std::exception& error) {
        std::fprintf(stderr, "invalid run: %s\n", error.what());
        return 1;
    }
}
