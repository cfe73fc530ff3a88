// ClientHello, RFC 8446 section 4.1.2 and RFC 5246 section 7.4.1.2. Strict where a lenient parser
// could differ from the server's: what we take for "no SNI" the server must not take for a name.
#include "protocol/limits.h"
#include "protocol/tls_hello.h"
#include "protocol/tls_wire.h"
#include "protocol/wire_reader.h"

#include <algorithm>
#include <utility>

namespace pgmoat::protocol {
namespace {

using namespace tls_wire;

constexpr std::uint8_t host_name_type = 0;
// OpenSSL's TLSEXT_MAXLEN_host_name: no DNS name is longer.
constexpr std::size_t host_name_bytes_max = 255;

// Values that clients insert at random places to keep servers tolerant. They offer nothing.
bool is_grease(std::uint16_t value) noexcept {
    return (value & 0x0f0f) == 0x0a0a && (value >> 8) == (value & 0xff);
}

// Reads a list of code points that fills `reader`. False: empty, or an odd number of bytes.
bool read_code_points(WireReader reader, std::vector<std::uint16_t>& into) {
    if (reader.at_end()) return false;
    while (!reader.at_end()) {
        const std::uint16_t value = reader.uint16();
        if (!reader.failed() && !is_grease(value)) into.push_back(value);
    }
    return reader.complete();
}

// The functions below return what is wrong, or an empty text.

std::string_view read_server_name(ByteView body, ClientHelloFacts& facts) {
    WireReader extension{body};
    WireReader list{extension.counted16()};
    const std::uint8_t type = list.uint8();
    const std::string_view name = as_text(list.counted16());
    if (!extension.complete() || !list.complete() || type != host_name_type)
        return "SNI is not exactly one host name";
    if (name.empty() || name.size() > host_name_bytes_max) return "SNI of a wrong length";
    const bool printable = std::all_of(
        name.begin(), name.end(), [](char letter) { return letter > 0x20 && letter < 0x7f; });
    if (!printable) return "SNI with a byte that no host name has";

    facts.server_name = name;
    for (char& letter : facts.server_name)
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    return {};
}

std::string_view read_alpn(ByteView body, ClientHelloFacts& facts) {
    WireReader extension{body};
    WireReader list{extension.counted16()};
    if (!extension.complete() || list.at_end()) return "malformed ALPN";
    while (!list.at_end()) {
        const std::string_view protocol = as_text(list.counted8());
        if (protocol.empty()) return "malformed ALPN";
        if (facts.alpn.size() == alpn_protocols_max) return "too many ALPN protocols";
        facts.alpn.emplace_back(protocol);
    }
    return {};
}

std::string_view read_versions(ByteView body, ClientHelloFacts& facts) {
    WireReader extension{body};
    const ByteView list = extension.counted8();
    facts.versions.clear();
    return extension.complete() && read_code_points(WireReader{list}, facts.versions)
               ? std::string_view{}
               : "malformed supported_versions";
}

std::string_view read_groups(ByteView body, ClientHelloFacts& facts) {
    WireReader extension{body};
    const ByteView list = extension.counted16();
    return extension.complete() && read_code_points(WireReader{list}, facts.groups)
               ? std::string_view{}
               : "malformed supported_groups";
}

struct ExtensionRule {
    std::uint16_t type;
    std::string_view (*read)(ByteView body, ClientHelloFacts& facts);
    bool seen = false;
};

std::string_view read_extensions(WireReader block, ClientHelloFacts& facts) {
    ExtensionRule rules[] = {{server_name_extension, read_server_name},
                             {alpn_extension, read_alpn},
                             {supported_versions_extension, read_versions},
                             {supported_groups_extension, read_groups}};
    while (!block.at_end()) {
        const Extension extension = read_extension(block);
        if (block.failed()) return "malformed extensions";
        for (ExtensionRule& rule : rules) {
            if (rule.type != extension.type) continue;
            if (std::exchange(rule.seen, true)) return "duplicate extension";
            const std::string_view complaint = rule.read(extension.body, facts);
            if (!complaint.empty()) return complaint;
        }
    }
    return {};
}

std::string_view read_client_hello(ByteView body, ClientHelloFacts& facts) {
    WireReader hello{body};
    const std::uint16_t legacy_version = hello.uint16();
    hello.take(random_bytes);
    const ByteView session_id = hello.counted8();
    const ByteView cipher_suites = hello.counted16();
    const ByteView compression_methods = hello.counted8();
    if (hello.failed() || session_id.size() > session_id_bytes_max || compression_methods.empty())
        return "malformed ClientHello";
    if (legacy_version >> 8 != 3) return "ClientHello of an unknown version";
    if (!read_code_points(WireReader{cipher_suites}, facts.cipher_suites))
        return "malformed cipher suites";

    // Without supported_versions the client offers TLS 1.2 at most (RFC 8446 4.2.1).
    facts.versions = {std::min(legacy_version, tls_1_2)};
    if (hello.at_end()) return {}; // a hello of TLS 1.2 or older may end here

    const ByteView extensions = hello.counted16();
    if (!hello.complete()) return "malformed extensions";
    return read_extensions(WireReader{extensions}, facts);
}

} // namespace

HelloProgress ClientHelloReader::feed(ByteView bytes) {
    using Event = TlsHandshakeReader::Event;
    while (progress_ == HelloProgress::need_more) {
        switch (reader_.next(bytes)) {
        case Event::need_more: return progress_;
        case Event::message_begins:
            if (reader_.message_type() != client_hello)
                return fail(HelloProgress::malformed,
                            "handshake does not begin with a ClientHello");
            if (reader_.message_bytes() > client_hello_bytes_max)
                return fail(HelloProgress::too_large, "ClientHello too large");
            reader_.keep(reader_.message_bytes());
            break;
        case Event::message_complete: finish(); break;
        case Event::malformed: return fail(HelloProgress::malformed, reader_.complaint());
        case Event::change_cipher_spec:
            if (std::exchange(may_change_cipher_spec_, false)) break;
            [[fallthrough]];
        case Event::alert:
            return fail(HelloProgress::malformed, "handshake does not begin with a ClientHello");
        }
    }
    return progress_;
}

void ClientHelloReader::finish() {
    const std::string_view complaint = read_client_hello(reader_.kept_body(), facts_);
    if (!complaint.empty()) {
        static_cast<void>(fail(HelloProgress::malformed, complaint));
        return;
    }
    progress_ = HelloProgress::done;
    reader_ = {}; // the facts no longer need the hello's bytes
}

// Clears the facts, so that no one takes them for those of a complete hello.
HelloProgress ClientHelloReader::fail(HelloProgress progress, std::string_view complaint) {
    progress_ = progress;
    complaint_ = complaint;
    facts_ = {};
    reader_ = {};
    return progress_;
}

} // namespace pgmoat::protocol
