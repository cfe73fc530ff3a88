#include "proxy/cli/cert.h"

#include "proxy/cli/dates.h"
#include "proxy/cli/exit_code.h"
#include "proxy/cli/failures.h"
#include "proxy/cli/limits.h"
#include "tls/context.h"
#include "tls/issue.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace pgmoat::cli {

namespace {

// The first name that fits; a server needs no common name.
std::string common_name_of(const std::vector<std::string>& hosts) {
    const auto found = std::find_if(hosts.begin(), hosts.end(), [](const std::string& host) {
        return host.size() <= common_name_bytes_max;
    });
    return found == hosts.end() ? "" : *found;
}

tls::CertificateRequest request_for(const CertOptions& options) {
    const bool is_server =
        options.kind == CertKind::server || options.kind == CertKind::self_signed;
    tls::CertificateRequest request;
    request.common_name = is_server ? common_name_of(options.hosts) : options.name;
    request.days = options.days;
    switch (options.kind) {
    case CertKind::ca: request.kind = tls::CertificateKind::authority; return request;
    case CertKind::self_signed:
        request.kind = tls::CertificateKind::server;
        request.names = options.hosts;
        return request;
    case CertKind::server:
        request.kind = tls::CertificateKind::server;
        request.names = options.hosts;
        break;
    case CertKind::client: request.kind = tls::CertificateKind::client; break;
    }
    request.issuer_certificate_file = options.ca_certificate_file;
    request.issuer_key_file = options.ca_key_file;
    return request;
}

const char* advice(CertKind kind) {
    switch (kind) {
    case CertKind::ca:
        return "give the certificate to clients as sslrootcert; keep the key away from servers";
    case CertKind::server: return "use them as ssl_cert_file and ssl_key_file";
    case CertKind::client: return "give them to the client as sslcert and sslkey";
    case CertKind::self_signed:
        return "use them as ssl_cert_file and ssl_key_file; clients that verify need the "
               "certificate as sslrootcert";
    }
    return "";
}

void explain(const tls::Error& error) {
    std::fprintf(stderr, "pgmoat: %s\n", error.what());
    if (!error.hint.empty()) say("HINT", error.hint);
}

} // namespace

int make_certificate(const CertOptions& options) {
    try {
        const std::int64_t end = tls::issue_certificate(
            request_for(options), options.certificate_file, options.key_file, options.overwrite);
        std::printf("wrote %s, valid until %s, and %s (0600): %s\n",
                    options.certificate_file.c_str(),
                    date_of(end).c_str(),
                    options.key_file.c_str(),
                    advice(options.kind));
    } catch (const tls::InvalidRequest& error) {
        explain(error);
        return exit_usage;
    } catch (const tls::Error& error) {
        explain(error);
        return exit_failed;
    }
    return exit_ok;
}

} // namespace pgmoat::cli
