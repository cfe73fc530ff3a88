// ServerHello, HelloRetryRequest and TLS 1.2's ServerKeyExchange: RFC 8446 section 4.1.3 and 4.1.4,
// RFC 5246 section 7.4.1.3, RFC 8422 section 5.4.
#include "protocol/limits.h"
#include "protocol/tls_hello.h"
#include "protocol/tls_names.h"
#include "protocol/tls_wire.h"
#include "protocol/wire_reader.h"

#include <algorithm>
#include <array>

namespace pgmoat::protocol {
namespace {

using namespace tls_wire;

// SHA-256 of "HelloRetryRequest": this random distinguishes it from a ServerHello (RFC 8446 4.1.3).
constexpr std::array<std::uint8_t, random_bytes> hello_retry_random{
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

// Of ServerKeyExchange only the curve is read: its type (named_curve) and its code point.
constexpr std::uint8_t named_curve = 3;
constexpr std::size_t named_curve_bytes = 3;

// A message in the format of a ServerHello.
struct ServerHello {
    ServerHelloFacts facts;
    bool is_retry = false;
    bool selected_version = false; // supported_versions was present
};

// The functions below return what is wrong, or an empty text.

std::string_view read_alpn(WireReader extension, ServerHelloFacts& facts) {
    WireReader list{extension.counted16()};
    facts.alpn = as_text(list.counted8());
    return extension.complete() && list.complete() && !facts.alpn.empty() ? std::string_view{}
                                                                          : "malformed ALPN";
}

// A HelloRetryRequest only names the group that it wants; a ServerHello also sends its key share.
std::string_view read_key_share(WireReader extension, ServerHello& hello) {
    hello.facts.group = extension.uint16();
    if (!hello.is_retry && extension.counted16().empty()) return "malformed key_share";
    return extension.complete() ? std::string_view{} : "malformed key_share";
}

std::string_view read_selected_version(WireReader extension, ServerHello& hello) {
    // Below TLS 1.3 it must be absent, and legacy_version decides (RFC 8446 4.2.1).
    hello.facts.version = extension.uint16();
    hello.selected_version = true;
    return extension.complete() && hello.facts.version >= tls_1_3 ? std::string_view{}
                                                                  : "malformed supported_versions";
}

std::string_view read_extension_body(const Extension& extension, ServerHello& hello) {
    const WireReader body{extension.body};
    switch (extension.type) {
    case alpn_extension: return read_alpn(body, hello.facts);
    case key_share_extension: return read_key_share(body, hello);
    case supported_versions_extension: return read_selected_version(body, hello);
    default: return {};
    }
}

std::string_view read_extensions(WireReader block, ServerHello& hello) {
    while (!block.at_end()) {
        const Extension extension = read_extension(block);
        if (block.failed()) return "malformed extensions";
        const std::string_view complaint = read_extension_body(extension, hello);
        if (!complaint.empty()) return complaint;
    }
    return {};
}

std::string_view read_server_hello(ByteView body, ServerHello& hello) {
    WireReader reader{body};
    const std::uint16_t legacy_version = reader.uint16();
    const ByteView random = reader.take(random_bytes);
    const ByteView session_id = reader.counted8();
    hello.facts.version = legacy_version;
    hello.facts.cipher_suite = reader.uint16();
    reader.uint8(); // compression method
    if (reader.failed() || session_id.size() > session_id_bytes_max) return "malformed ServerHello";
    if (legacy_version < ssl_3_0 || legacy_version > tls_1_2)
        return "ServerHello of an unknown version";
    hello.is_retry = std::equal(
        random.begin(), random.end(), hello_retry_random.begin(), hello_retry_random.end());

    if (!reader.at_end()) {
        const ByteView extensions = reader.counted16();
        if (!reader.complete()) return "malformed extensions";
        const std::string_view complaint = read_extensions(WireReader{extensions}, hello);
        if (!complaint.empty()) return complaint;
    }
    if (hello.is_retry && !hello.selected_version)
        return "HelloRetryRequest without supported_versions";
    return {};
}

} // namespace

HelloProgress ServerHelloReader::feed(ByteView bytes) {
    using Event = TlsHandshakeReader::Event;
    while (progress_ == HelloProgress::need_more) {
        switch (reader_.next(bytes)) {
        case Event::need_more: return progress_;
        case Event::message_begins: begin_message(); break;
        case Event::message_complete: finish_message(); break;
        case Event::change_cipher_spec: change_cipher_spec(); break;
        case Event::alert:
            alert_ = reader_.alert_description();
            end(HelloProgress::done);
            break;
        case Event::malformed: fail(HelloProgress::malformed, reader_.complaint()); break;
        }
    }
    return progress_;
}

void ServerHelloReader::begin_message() {
    constexpr std::size_t message_header_bytes = 4;
    const std::size_t bytes = reader_.message_bytes();
    flight_bytes_ += message_header_bytes + bytes;
    if (flight_bytes_ > server_flight_bytes_max)
        return fail(HelloProgress::too_large, "no ServerKeyExchange in sight");

    if (awaiting_ == Awaiting::server_key_exchange) {
        if (reader_.message_type() == server_key_exchange) reader_.keep(named_curve_bytes);
        return; // a certificate or an OCSP answer is skipped
    }
    if (reader_.message_type() != server_hello)
        return fail(HelloProgress::malformed, "handshake does not begin with a ServerHello");
    if (bytes > server_hello_bytes_max)
        return fail(HelloProgress::too_large, "ServerHello too large");
    reader_.keep(bytes);
}

void ServerHelloReader::finish_message() {
    if (awaiting_ == Awaiting::server_hello) return finish_server_hello();
    if (reader_.message_type() == server_key_exchange) return finish_key_exchange();
    if (reader_.message_type() == server_hello_done) end(HelloProgress::done);
}

void ServerHelloReader::finish_server_hello() {
    ServerHello hello;
    const std::string_view complaint = read_server_hello(reader_.kept_body(), hello);
    if (!complaint.empty()) return fail(HelloProgress::malformed, complaint);
    if (hello.is_retry) {
        if (facts_.hello_retry) return fail(HelloProgress::malformed, "second HelloRetryRequest");
        facts_.hello_retry = true;
        return;
    }

    hello.facts.hello_retry = facts_.hello_retry;
    facts_ = hello.facts;
    if (facts_.version <= tls_1_2 && key_exchange_names_a_curve(facts_.cipher_suite))
        awaiting_ = Awaiting::server_key_exchange;
    else
        end(HelloProgress::done);
}

void ServerHelloReader::finish_key_exchange() {
    WireReader reader{reader_.kept_body()};
    const std::uint8_t curve_type = reader.uint8();
    const std::uint16_t curve = reader.uint16();
    if (reader.failed()) return fail(HelloProgress::malformed, "malformed ServerKeyExchange");
    if (curve_type == named_curve) facts_.group = curve;
    end(HelloProgress::done);
}

// A TLS 1.3 server may send it between the two hellos, for middleboxes. In TLS 1.2, after the
// ServerHello, it means a resumed session, which has no key exchange.
void ServerHelloReader::change_cipher_spec() {
    if (awaiting_ == Awaiting::server_key_exchange) return end(HelloProgress::done);
    if (!facts_.hello_retry || retry_change_cipher_spec_)
        return fail(HelloProgress::malformed, "handshake does not begin with a ServerHello");
    retry_change_cipher_spec_ = true;
}

void ServerHelloReader::end(HelloProgress progress) {
    progress_ = progress;
    reader_ = {}; // the facts no longer need the hello's bytes
}

// Clears the facts, so that no one takes them for those of a complete hello.
void ServerHelloReader::fail(HelloProgress progress, std::string_view complaint) {
    complaint_ = complaint;
    facts_ = {};
    end(progress);
}

} // namespace pgmoat::protocol
