#include "tls/certificate_file.h"

#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/context_parts.h"
#include "tls/error.h"
#include "tls/handles.h"
#include "tls/pem_contents.h"

#include <openssl/bio.h>
#include <openssl/pem.h>

namespace pgmoat::tls {

CertificateFacts read_certificate(const std::string& file) {
    const BioPtr bio(BIO_new_file(file.c_str(), "r"));
    const CertificatePtr certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)
                                         : nullptr);
    if (!certificate)
        throw Error("could not load certificate file " + quoted(file) + ": " + take_reason(),
                    "",
                    hint_about(file, Pem::certificate));
    return certificate_facts(certificate.get());
}

} // namespace pgmoat::tls
