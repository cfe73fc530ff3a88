#include "bench/transport.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace pgmoat::bench {
namespace {

TlsContext make_context(const SSL_METHOD* method) {
    TlsContext context(SSL_CTX_new(method));
    if (!context) {
        throw std::runtime_error("could not create a TLS context");
    }
    SSL_CTX_set_mode(context.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                         SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context.get(), 1);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    return context;
}

IoStatus status_of_errno() {
    if (errno == EAGAIN) {
        return IoStatus::would_block;
    }
    return errno == ECONNRESET || errno == EPIPE ? IoStatus::closed : IoStatus::failed;
}

} // namespace

void ContextDeleter::operator()(SSL_CTX* context) const noexcept {
    SSL_CTX_free(context);
}

TlsContext make_client_context() {
    return make_context(TLS_client_method());
}

TlsContext make_server_context(const std::string& cert, const std::string& key) {
    TlsContext context = make_context(TLS_server_method());
    // As PostgreSQL: no tickets.
    SSL_CTX_set_num_tickets(context.get(), 0);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    if (SSL_CTX_use_certificate_chain_file(context.get(), cert.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
        throw std::runtime_error("could not load " + cert + " and " + key);
    }
    return context;
}

Transport::~Transport() {
    ::close(descriptor_);
}

void Transport::SslDeleter::operator()(SSL* ssl) const noexcept {
    SSL_free(ssl);
}

void Transport::start_tls(SSL_CTX& context, Role role) {
    ssl_.reset(SSL_new(&context));
    if (!ssl_ || SSL_set_fd(ssl_.get(), descriptor_) != 1) {
        throw std::runtime_error("could not create a TLS session");
    }
    if (role == Role::client) {
        SSL_set_connect_state(ssl_.get());
    } else {
        SSL_set_accept_state(ssl_.get());
    }
}

IoStatus Transport::handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    return result == 1 ? IoStatus::done : status_of(result);
}

IoStatus Transport::status_of(int result) const {
    switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return IoStatus::would_block;
    case SSL_ERROR_ZERO_RETURN: return IoStatus::closed;
    default: return IoStatus::failed;
    }
}

IoResult Transport::read(std::span<char> into) {
    if (ssl_) {
        ERR_clear_error();
        std::size_t got = 0;
        const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &got);
        return result == 1 ? IoResult{IoStatus::done, got} : IoResult{status_of(result)};
    }
    const ssize_t got = ::recv(descriptor_, into.data(), into.size(), 0);
    if (got > 0) {
        return {IoStatus::done, static_cast<std::size_t>(got)};
    }
    return {got == 0 ? IoStatus::closed : status_of_errno()};
}

IoResult Transport::write(std::string_view bytes) {
    if (ssl_) {
        ERR_clear_error();
        std::size_t put = 0;
        const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &put);
        return result == 1 ? IoResult{IoStatus::done, put} : IoResult{status_of(result)};
    }
    const ssize_t put = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put >= 0) {
        return {IoStatus::done, static_cast<std::size_t>(put)};
    }
    return {status_of_errno()};
}

void Transport::say_goodbye() {
    if (ssl_) {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
    }
}

std::string Transport::description() const {
    if (!ssl_) {
        return "plaintext";
    }
    const auto group = static_cast<int>(SSL_get_negotiated_group(ssl_.get()));
    const char* group_name = OBJ_nid2sn(group);
    return std::string(SSL_get_version(ssl_.get())) + " " + SSL_get_cipher_name(ssl_.get()) + " " +
           (group_name != nullptr ? group_name : "?");
}

} // namespace pgmoat::bench
