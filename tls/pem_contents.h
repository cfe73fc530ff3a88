// Tells an operator what a file contains that OpenSSL could not load: OpenSSL's own reason ("no
// start line") says what the parser missed, not what the file is. Reads the file; throws nothing.
#pragma once

#include <string>

namespace pgmoat::tls {

enum class Pem { certificate, key, revocation_list };

// A sentence for a HINT, such as "The file holds a private key, not a certificate."; empty if there
// is nothing to add to OpenSSL's reason.
[[nodiscard]] std::string hint_about(const std::string& path, Pem wanted);

} // namespace pgmoat::tls
