// OpenSSL's error queue as PostgreSQL's texts and as values of our own. Every caller of OpenSSL
// empties the queue through here: OpenSSL keeps one queue per thread, so an error left in it would
// be taken for a failure of the next session on that thread.
#pragma once

#include "tls/session.h"

#include <string>

namespace pgmoat::tls {

// The reason of the oldest error, the one that PostgreSQL shows (SSLerrmessage()); never empty. The
// queue is empty afterwards.
[[nodiscard]] std::string take_reason();

// The reason text of one error code.
[[nodiscard]] std::string reason_text(unsigned long code);

// Classifies a failed handshake or read. `verify_result` is SSL_get_verify_result()'s.
[[nodiscard]] Failure classify(unsigned long code, long verify_result);

// OpenSSL's "unexpected eof while reading".
[[nodiscard]] bool is_unexpected_end(unsigned long code);

} // namespace pgmoat::tls
