#include "proxy/session/learn_client.h"

#include "protocol/tls_names.h"
#include "proxy/session/proxy_hop.h"
#include "proxy/telemetry/connection_fields.h"

#include <memory>
#include <utility>

namespace pgmoat::session {

io::PeerAddress learn_proxy_header(telemetry::ClientFacts& client,
                                   protocol::ProxyHeader header,
                                   const io::PeerAddress& proxy) {
    client.proxy_address = telemetry::client_of(client.client_address, proxy.port);
    client.proxied = std::make_shared<const protocol::ProxyHeader>(std::move(header));
    io::PeerAddress named = named_client(*client.proxied, proxy);
    client.client_address = named.text;
    return named;
}

void learn_tls(telemetry::ClientFacts& client, const tls::PeerFacts& peer) {
    client.encryption = telemetry::Encryption::tls;
    client.client_tls = {
        peer.version, peer.cipher, peer.cipher_bits, peer.group, peer.server_name, peer.alpn};
    client.client_certificate_was_requested = peer.certificate_was_requested;
    if (peer.certificate)
        client.client_certificate =
            std::make_shared<const tls::CertificateFacts>(*peer.certificate);
}

void learn_startup(telemetry::ClientFacts& client, const protocol::StartupMessage& startup) {
    client.user = startup.user;
    client.database = startup.database;
    client.replication = startup.replication;
    client.application_name = startup.application_name;
}

void learn_server_hello(telemetry::ClientFacts& client, const protocol::ServerHelloFacts& hello) {
    auto& tls = client.client_tls;
    tls.version = protocol::tls_version_name(hello.version);
    tls.cipher = protocol::cipher_suite_name(hello.cipher_suite);
    tls.bits = protocol::cipher_suite_bits(hello.cipher_suite);
    tls.alpn = hello.alpn;
    if (hello.group != 0) tls.group = protocol::group_name(hello.group);
}

} // namespace pgmoat::session
