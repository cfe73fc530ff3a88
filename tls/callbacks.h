// OpenSSL's callbacks during a session, the same functions in every context. They write into the
// session's Notes, to which the SSL object points (SSL_set_app_data). They never throw.
#pragma once

#include "tls/limits.h"
#include "tls/message_rate.h"

#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace pgmoat::tls {

struct Notes {
    bool is_server = false;
    // Why the peer's certificate or the host that it asked for was refused, in PostgreSQL's words.
    std::string refusal;
    bool unknown_host = false;
    // KeyUpdates and refused renegotiations.
    MessageRate no_progress_messages{no_progress_messages_per_second};
};

// Counts messages that bring no progress.
void watch_messages(ssl_ctx_st* context);
// Requests a certificate from the peer, verifies it if one comes, and notes why it was refused.
void verify_peers(ssl_ctx_st* context, int mode);
// Notes why no host was found for the name that the client asked for.
void note_unknown_host(ssl_st* ssl, std::string text);
// Server: choose `name`, one of alpn.h; a client that offers other protocols only is refused.
void require_alpn(ssl_ctx_st* context, const std::string_view& name);

} // namespace pgmoat::tls
