// The command line. Every command gives an exit code of exit_code.h.

#include "proxy/command_cert.h"
#include "proxy/command_serve.h"
#include "proxy/exit_code.h"
#include "tls/context.h"

#include <CLI/CLI.hpp>
#include <boost/version.hpp>

#include <string>

namespace {

using pgmoat::CertKind;
using pgmoat::CertOptions;

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
    command.add_option("--days", options.days, "Days it is valid")->check(CLI::Range(1, 36500));
    command.add_flag("--overwrite", options.overwrite, "Write over existing files");
}

void add_ca_options(CLI::App& command, CertOptions& options) {
    command
        .add_option("--ca-cert", options.ca_certificate_file, "Certificate of the CA that signs")
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
    auto* ca =
        add_cert_command(cert, options, CertKind::ca, "ca", "A certificate authority of your own");
    ca->add_option("--name", options.name, "Its common name")->required();

    auto* server = add_cert_command(
        cert, options, CertKind::server, "server", "A server certificate, signed by your CA");
    server->add_option("--host", options.hosts, "Host name or address, repeatable")->required();
    add_ca_options(*server, options);

    auto* client = add_cert_command(
        cert, options, CertKind::client, "client", "A client certificate, signed by your CA");
    client->add_option("--user", options.name, "The database user, becomes the common name")
        ->required();
    add_ca_options(*client, options);

    auto* self_signed = add_cert_command(cert,
                                         options,
                                         CertKind::self_signed,
                                         "self-signed",
                                         "A server certificate that signs itself, for trials");
    self_signed->add_option("--host", options.hosts, "Host name or address, repeatable")
        ->required();
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("A TLS-aware connection proxy in front of PostgreSQL.", "pgmoat");
    app.set_version_flag("--version", version());
    std::string config_file;
    app.add_option("--config", config_file, "Configuration file, in the syntax of postgresql.conf");

    CLI::App* check =
        app.add_subcommand("check", "Load everything, bind nothing, say what is wrong");
    check->add_option("--config", config_file, "Configuration file")->required();
    CLI::App* cert = app.add_subcommand("cert", "Make keys and certificates");
    CertOptions cert_options;
    add_cert_commands(*cert, cert_options);

    try {
        app.parse(argc, argv);
        if (app.get_subcommands().empty() && config_file.empty())
            throw CLI::RequiredError("--config");
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? pgmoat::exit_ok : pgmoat::exit_usage;
    }
    if (*check) return pgmoat::check(config_file);
    if (*cert) return pgmoat::make_certificate(cert_options);
    return pgmoat::serve(config_file);
}
