#include "proxy/cli/cert.h"

#include "proxy/cli/exit_code.h"
#include "tls/context.h"
#include "tls/issue.h"

#include <cstdio>

namespace pgmoat::cli {

namespace {

tls::CertificateRequest request_for(const CertOptions& options) {
    tls::CertificateRequest request;
    request.common_name = options.name.empty() ? options.hosts.front() : options.name;
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
               "certificate "
               "as sslrootcert";
    }
    return "";
}

} // namespace

int make_certificate(const CertOptions& options) {
    try {
        tls::issue_certificate(
            request_for(options), options.certificate_file, options.key_file, options.overwrite);
    } catch (const tls::Error& error) {
        std::fprintf(stderr, "pgmoat: %s\n", error.what());
        return exit_failed;
    }
    std::printf("wrote %s and %s (0600): %s\n",
                options.certificate_file.c_str(),
                options.key_file.c_str(),
                advice(options.kind));
    return exit_ok;
}

} // namespace pgmoat::cli
