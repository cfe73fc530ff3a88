#include "proxy/session/proxy_hop.h"

#include "protocol/ip_text.h"
#include "protocol/limits.h"
#include "protocol/proxy_protocol_writer.h"
#include "proxy/hba/net_address.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace pgmoat::session {
namespace {

using protocol::ProxyEndpoint;
using protocol::ProxyHeader;

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// IPv4-mapped addresses become IPv4, as those of sockets do: rules must see the same client in both
// cases.
std::string text_of(const ProxyHeader& header, const ProxyEndpoint& endpoint) {
    const protocol::ByteView bytes = address_bytes(header, endpoint);
    const bool mapped =
        bytes.size() == 16 && std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin());
    return protocol::ip_text(mapped ? bytes.subspan(mapped_prefix.size()) : bytes);
}

// True: a valid address of that family.
bool set(ProxyEndpoint& endpoint,
         ProxyHeader::Family family,
         const std::string& text,
         std::uint16_t port) {
    endpoint.port = port;
    const std::string bare = text.substr(0, text.find('%')); // without an IPv6 zone
    if (family == ProxyHeader::Family::ipv4) {
        const auto address = protocol::parse_ipv4(bare);
        if (address) std::copy(address->begin(), address->end(), endpoint.address.begin());
        return address.has_value();
    }
    const auto address = protocol::parse_ipv6(bare);
    if (address) endpoint.address = *address;
    return address.has_value();
}

void set_addresses(ProxyHeader& header, const Hop& hop) {
    using Family = ProxyHeader::Family;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        if (!set(header.source, family, hop.client.client_address, hop.client_port)) continue;
        if (!set(header.destination, family, hop.local.text, hop.local.port))
            header.destination = {};
        header.family = family;
        return;
    }
}

void set_tls(ProxyHeader& header, const telemetry::ClientFacts& facts) {
    const telemetry::TlsFacts& client = facts.client_tls;
    header.alpn = client.alpn;
    header.authority = client.server_name;
    if (client.version.empty()) return;
    protocol::ProxyTls& tls = header.tls.emplace();
    tls.tls = true;
    tls.version = client.version;
    tls.cipher = client.cipher;
    tls.group = client.group;
    if (!facts.client_certificate) return;
    // A certificate that does not verify fails the handshake, as in PostgreSQL, so one that is
    // there is verified.
    tls.certificate_on_connection = tls.certificate_in_session = tls.verified = true;
    tls.common_name = facts.client_certificate->common_name;
}

} // namespace

bool is_trusted(const config::Listener& listener, const io::PeerAddress& peer) {
    if (peer.local) return true;
    const hba::NetAddress address = hba::net_address_from(peer.text);
    const auto bytes = std::span{address.bytes}.first(address.family == hba::Family::ipv4 ? 4 : 16);
    return address.family != hba::Family::local &&
           std::ranges::any_of(listener.trusted, [bytes](const config::Network& network) {
               return network.contains(bytes);
           });
}

Awaitable<ArrivedHeader> read_proxy_header(io::Stream& client) {
    using Progress = protocol::ProxyHeaderReader::Progress;
    protocol::ProxyHeaderReader reader;
    std::array<std::uint8_t, 512> buffer{};
    for (;;) {
        const auto into = std::span{buffer}.first(std::min(buffer.size(), reader.needed()));
        const io::Result io = co_await client.read_some(into);
        if (!io && reader.bytes_read() == 0 && io.status == io::Result::Status::end_of_stream)
            co_return Ended{CloseReason::startup, ""}; // a probe
        if (!io && io.status == io::Result::Status::end_of_stream)
            co_return Ended{CloseReason::proxy_header,
                            "client: closed within a PROXY protocol header"};
        if (!io) co_return ended_by(Side::client, io);
        protocol::ByteView bytes = protocol::ByteView{buffer}.first(io.bytes);
        switch (reader.read(bytes)) {
        case Progress::need_more: continue;
        case Progress::complete: co_return reader.header();
        case Progress::malformed:
            co_return Ended{CloseReason::proxy_header,
                            "client: " + std::string(reader.complaint())};
        }
    }
}

io::PeerAddress named_client(const ProxyHeader& header, const io::PeerAddress& proxy) {
    if (!header.has_address()) return proxy;
    return {text_of(header, header.source), header.source.port, false};
}

protocol::Bytes header_for_server(config::ProxyProtocol version, const Hop& hop) {
    if (version == config::ProxyProtocol::off) return {};
    ProxyHeader header;
    if (hop.before != nullptr && hop.before->has_address())
        header = *hop.before;
    else
        set_addresses(header, hop);
    header.version = 2;
    if (hop.client.encryption == telemetry::Encryption::tls) set_tls(header, hop.client);
    if (header.unique_id.empty()) header.unique_id = std::to_string(hop.id);
    return version == config::ProxyProtocol::v1 ? write_proxy_line(header)
                                                : write_proxy_binary(header);
}

} // namespace pgmoat::session
