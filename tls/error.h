// OpenSSL's error queue in PostgreSQL's words and in ours. Every caller of OpenSSL empties the queue
// through here: a leftover would be taken for the failure of the next session on the same thread.
#pragma once

#include "tls/session.h"

#include <string>

namespace pgmoat::tls {

// The reason of the oldest error, which is the one that PostgreSQL shows (SSLerrmessage()); never
// empty. The queue is empty afterwards.
[[nodiscard]] std::string take_reason();

// The reason of one code of the queue.
[[nodiscard]] std::string reason_text(unsigned long code);

// What a failed handshake or read comes to. `verify_result` is SSL_get_verify_result()'s.
[[nodiscard]] Failure classify(unsigned long code, long verify_result);

// OpenSSL's "unexpected eof while reading".
[[nodiscard]] bool is_unexpected_end(unsigned long code);

} // namespace pgmoat::tls
