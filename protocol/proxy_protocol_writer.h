// Writes PROXY protocol headers: for an upstream that wants to know who the client is. Fields have
// lengths and values are written as bytes, so a value that a client chose cannot end its field
// early or begin another (as in CVE-2026-47692 of another proxy). Source: HAProxy,
// doc/proxy-protocol.txt.
#pragma once

#include "protocol/bytes.h"
#include "protocol/proxy_protocol.h"

namespace pgmoat::protocol {

// `PROXY TCP4 ...`, or `PROXY UNKNOWN` when the header has no address. Version 1 carries nothing
// else.
[[nodiscard]] Bytes write_proxy_line(const ProxyHeader& header);

// LOCAL for header.local; else PROXY with the family's block, the values that are not empty, and a
// CRC-32C. A text longer than limits.h allows is left out, never cut: a cut name is another name.
[[nodiscard]] Bytes write_proxy_binary(const ProxyHeader& header);

} // namespace pgmoat::protocol
