#include "proxy/lookups/own_header.h"

#include "protocol/proxy_protocol_writer.h"

namespace pgmoat::lookups {

protocol::Bytes own_header(config::ProxyProtocol version) {
    protocol::ProxyHeader own;
    own.local = true;
    switch (version) {
    case config::ProxyProtocol::off: return {};
    case config::ProxyProtocol::v1: return write_proxy_line(own);
    case config::ProxyProtocol::v2: return write_proxy_binary(own);
    }
    return {};
}

} // namespace pgmoat::lookups
