// The command line. Every command gives an exit code of exit_code.h.

#include "proxy/cli/cert.h"
#include "proxy/cli/exit_code.h"
#include "proxy/cli/hba_list.h"
#include "proxy/cli/hba_test.h"
#include "proxy/cli/scram_secret.h"
#include "proxy/cli/serve.h"
#include "tls/context.h"

#include <CLI/CLI.hpp>
#include <boost/version.hpp>

#include <string>

namespace {

using pgmoat::cli::CertKind;
using pgmoat::cli::CertOptions;

std::string version() {
    return "pgmoat " PGMOAT_VERSION "\n"
           "compiler: " __VERSION__ "\n"
           "Boost: " +
           std::to_string(BOOST_VERSION / 100000) + "." +
           std::to_string(BOOST_VERSION / 100 % 1000) + "." + std::to_string(BOOST_VERSION % 100) +
           "\nOpenSSL, built with: " + pgmoat::tls::build_version() +
           "\nOpenSSL, running with: " + pgmoat::tls::runtime_version();
}

void add_output_options(CLI::App& command, CertOptions& options) {
    command.add_option("--cert", options.certificate_file, "Certificate file to write")->required();
    command.add_option("--key", options.key_file, "Private key file to write, mode 0600")
        ->required();
    command
        .add_option(
            "--days",
            options.days,
            "Days of validity; default: a year (a CA: ten years), but no longer than its CA")
        ->check(CLI::Range(1, 36500));
    command.add_flag("--overwrite", options.overwrite, "Replace existing files");
}

void add_ca_options(CLI::App& command, CertOptions& options) {
    command.add_option("--ca-cert", options.ca_certificate_file, "Certificate of the signing CA")
        ->required();
    command.add_option("--ca-key", options.ca_key_file, "Private key of that CA")->required();
}

CLI::App* add_cert_command(CLI::App& cert,
                           CertOptions& options,
                           CertKind kind,
                           const std::string& name,
                           const std::string& what) {
    CLI::App* command = cert.add_subcommand(name, what);
    add_output_options(*command, options);
    command->callback([&options, kind] { options.kind = kind; });
    return command;
}

void add_cert_commands(CLI::App& cert, CertOptions& options) {
    cert.require_subcommand(1);
    auto* ca = add_cert_command(cert, options, CertKind::ca, "ca", "Certificate authority");
    ca->add_option("--name", options.name, "Its common name")->required();

    auto* server = add_cert_command(
        cert, options, CertKind::server, "server", "Server certificate, signed by a CA");
    server->add_option("--host", options.hosts, "Host name or address, repeatable")->required();
    add_ca_options(*server, options);

    auto* client = add_cert_command(
        cert, options, CertKind::client, "client", "Client certificate, signed by a CA");
    client->add_option("--user", options.name, "Database user, which becomes the common name")
        ->required();
    add_ca_options(*client, options);

    auto* self_signed = add_cert_command(cert,
                                         options,
                                         CertKind::self_signed,
                                         "self-signed",
                                         "Self-signed server certificate for testing");
    self_signed->add_option("--host", options.hosts, "Host name or address, repeatable")
        ->required();
}

void add_check_options(CLI::App& check, pgmoat::cli::CheckOptions& options) {
    check.add_flag("--probe",
                   options.probe,
                   "Connect to the upstream servers, as at start, and check their authentication");
    check.add_flag(
        "--explain",
        options.explain,
        "For each sslmode of a client: whether it connects, and which attacks it resists");
    auto& question = options.question;
    check.add_option("--host", question.host, "Explain for clients that connect to this host");
    check.add_option("--user", question.who.user, "Explain for this database user");
    check.add_option("--database", question.who.database, "Explain for this database");
    check.add_option("--address", question.who.address, "Explain for clients from this address");
}

void add_hba_test_command(CLI::App& hba, pgmoat::cli::HbaTestOptions& options) {
    CLI::App* test =
        hba.add_subcommand("test", "Show which access rule decides about a connection, and how");
    test->add_option("--config", options.config_file, "Configuration file")->required();
    test->add_option("--file", options.hba_file, "Rules to test instead of the listener's");
    test->add_option("--listener", options.listener, "Name of the listener; default: the first");
    test->add_option("--address", options.address, "Client address, or \"local\" for a Unix socket")
        ->required();
    test->add_option("--user", options.user, "Database user");
    test->add_option("--database", options.database, "Database; default: the user's name");
    test->add_option("--replication", options.replication, "on, off, database");
    test->add_option(
        "--tls", options.tls, "Negotiated TLS version, such as TLSv1.3; default: no TLS");
    test->add_option("--cipher", options.cipher, "Negotiated cipher, in OpenSSL's spelling");
    test->add_option("--group", options.group, "Negotiated group");
    test->add_option("--sni", options.server_name, "Server name that the client asks for");
    test->add_option("--client-cert",
                     options.client_certificate_file,
                     "The client's certificate, taken as verified");
    test->add_option(
        "--system-user", options.system_user, "Operating system user of a Unix socket's client");
}

CLI::App* add_hba_list_command(CLI::App& hba, pgmoat::cli::HbaListOptions& options) {
    CLI::App* list = hba.add_subcommand("list", "Print the access rules as rows, errors included");
    auto* config = list->add_option("--config", options.config_file, "Configuration file");
    auto* file = list->add_option(
        "--file", options.hba_file, "Rules of this file instead of the listener's");
    list->add_option("--listener", options.listener, "Name of the listener; default: the first")
        ->needs(config);
    list->add_flag("--json", options.json, "Print JSON");
    list->callback([config, file] {
        if (!*config && !*file) throw CLI::RequiredError("--config or --file");
    });
    return list;
}

struct ScramSecretOptions {
    std::string user;
    int iterations = 4096; // PostgreSQL's scram_iterations
    bool line_only = false;
};

CLI::App* add_scram_secret_command(CLI::App& app, ScramSecretOptions& options) {
    CLI::App* command = app.add_subcommand(
        "scram-secret",
        "Prompt for a password and print a line for auth_file and the ALTER ROLE statement");
    command->add_option("USER", options.user, "User name")->required();
    command->add_option("--iterations", options.iterations, "As scram_iterations of the server")
        ->check(CLI::Range(1, 10'000'000));
    command->add_flag("--line", options.line_only, "Print the line only");
    return command;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("A TLS-aware connection proxy in front of PostgreSQL.", "pgmoat");
    app.set_version_flag("--version", version());
    std::string config_file;
    app.add_option("--config", config_file, "Configuration file, in the syntax of postgresql.conf");

    CLI::App* check = app.add_subcommand("check", "Validate the configuration without starting");
    check->add_option("--config", config_file, "Configuration file")->required();
    pgmoat::cli::CheckOptions check_options;
    add_check_options(*check, check_options);
    CLI::App* hba =
        app.add_subcommand("hba", "Inspect and test access rules")->require_subcommand(1);
    pgmoat::cli::HbaTestOptions hba_test_options;
    add_hba_test_command(*hba, hba_test_options);
    pgmoat::cli::HbaListOptions hba_list_options;
    const CLI::App* hba_list = add_hba_list_command(*hba, hba_list_options);
    CLI::App* cert = app.add_subcommand("cert", "Make keys and certificates");
    CertOptions cert_options;
    add_cert_commands(*cert, cert_options);
    ScramSecretOptions scram_secret_options;
    const CLI::App* scram_secret = add_scram_secret_command(app, scram_secret_options);
    CLI::App* http_user = app.add_subcommand(
        "http-user", "Deprecated: use scram-secret. Print a line for http_users_file");
    std::string http_user_name;
    http_user->add_option("NAME", http_user_name, "User name")->required();

    try {
        app.parse(argc, argv);
        if (app.get_subcommands().empty() && config_file.empty())
            throw CLI::RequiredError("--config");
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? pgmoat::cli::exit_ok : pgmoat::cli::exit_usage;
    }
    check_options.config_file = config_file;
    if (*check) return pgmoat::cli::check(check_options);
    if (*hba_list) return pgmoat::cli::list_hba(hba_list_options);
    if (*hba) return pgmoat::cli::test_hba(hba_test_options);
    if (*cert) return pgmoat::cli::make_certificate(cert_options);
    if (*scram_secret)
        return pgmoat::cli::make_scram_secret(scram_secret_options.user,
                                              scram_secret_options.iterations,
                                              scram_secret_options.line_only);
    if (*http_user) return pgmoat::cli::make_scram_secret(http_user_name, 4096, true);
    return pgmoat::cli::serve(config_file);
}
