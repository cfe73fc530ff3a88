// What OpenSSL calls back during a session: the same functions in every context. They write into
// the Notes of the session, which hang on its SSL object (SSL_set_app_data). No exception leaves
// them.
#pragma once

#include <string>
#include <string_view>

struct ssl_ctx_st;

namespace pgmoat::tls {

struct Notes {
    bool is_server = false;
    // Why the peer's certificate was refused, in PostgreSQL's words.
    std::string refusal;
    // KeyUpdates and refused renegotiations since data came last; see limits.h.
    unsigned fruitless_messages = 0;
};

// Counts fruitless messages.
void watch_messages(ssl_ctx_st* context);
// Asks the peer for a certificate, checks it when one comes, and notes why it was refused.
void verify_peers(ssl_ctx_st* context, int mode);
// Server: choose `name`, one of alpn.h; a client that offers other protocols only is refused.
void require_alpn(ssl_ctx_st* context, const std::string_view& name);

} // namespace pgmoat::tls
