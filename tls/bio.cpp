#include "tls/bio.h"

#include "tls/session.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <exception>

namespace pgmoat::tls {

namespace {

Wire* wire_of(BIO* bio) {
    return static_cast<Wire*>(BIO_get_data(bio));
}

// Without input returns 0: with a retry flag while more may come, without one after the peer's FIN,
// which OpenSSL takes for the end of the stream.
int read_wire(BIO* bio, char* buffer, std::size_t size, std::size_t* taken) {
    BIO_clear_retry_flags(bio);
    *taken = 0;
    Wire* wire = wire_of(bio);
    if (wire == nullptr) return 0;
    if (wire->in.empty()) {
        if (!wire->end_of_stream) BIO_set_retry_read(bio);
        return 0;
    }
    *taken = std::min(size, wire->in.size());
    std::memcpy(buffer, wire->in.data(), *taken);
    wire->in = wire->in.subspan(*taken);
    return 1;
}

int write_wire(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
    BIO_clear_retry_flags(bio);
    *written = 0;
    Wire* wire = wire_of(bio);
    if (wire == nullptr) return 0;
    // Inserting chars into a vector of uint8_t would copy byte by byte.
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(data);
    try {
        wire->out.insert(wire->out.end(), bytes, bytes + size);
    } catch (const std::exception&) { // no memory; it must not unwind through OpenSSL's frames
        return 0;
    }
    *written = size;
    return 1;
}

// Unknown controls must return 0: a catch-all 1 would tell OpenSSL that kernel TLS works and that
// the stream has ended.
long control_wire(BIO* bio, int command, long, void*) {
    const Wire* wire = wire_of(bio);
    switch (command) {
    case BIO_CTRL_FLUSH: return 1; // without it no handshake completes
    case BIO_CTRL_EOF: return wire != nullptr && wire->end_of_stream && wire->in.empty() ? 1 : 0;
    case BIO_CTRL_PENDING: return wire == nullptr ? 0 : static_cast<long>(wire->in.size());
    case BIO_CTRL_WPENDING: return wire == nullptr ? 0 : static_cast<long>(wire->out.size());
    default: return 0;
    }
}

int create_wire(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD* make_method() {
    BIO_METHOD* method =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "pgmoat ciphertext");
    if (method == nullptr) return nullptr;
    BIO_meth_set_read_ex(method, read_wire);
    BIO_meth_set_write_ex(method, write_wire);
    BIO_meth_set_ctrl(method, control_wire);
    BIO_meth_set_create(method, create_wire);
    return method;
}

// One method for the whole process, never freed: BIOs of sessions that end late still point to it.
BIO_METHOD* method() {
    static BIO_METHOD* const the_method = make_method();
    return the_method;
}

} // namespace

BioPtr new_wire_bio() noexcept {
    BIO_METHOD* the_method = method();
    return BioPtr(the_method == nullptr ? nullptr : BIO_new(the_method));
}

WireInUse::WireInUse(ssl_st* ssl, Wire& wire) noexcept : bio_(SSL_get_rbio(ssl)) {
    BIO_set_data(bio_, &wire);
}

WireInUse::~WireInUse() {
    BIO_set_data(bio_, nullptr);
}

} // namespace pgmoat::tls
