// Finds the end of a header; parse_proxy_header() gives a complete one to the parser of its
// version.
#include "protocol/proxy_protocol.h"

#include "protocol/limits.h"
#include "protocol/proxy_protocol_wire.h"
#include "protocol/wire_reader.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace pgmoat::protocol {
namespace {

bool agree(ByteView bytes, ByteView prefix) noexcept {
    const std::size_t common = std::min(bytes.size(), prefix.size());
    return std::equal(
        bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(common), prefix.begin());
}

ByteView line_prefix() noexcept {
    return as_bytes(proxy_line_prefix);
}

} // namespace

ByteView address_bytes(const ProxyHeader& header, const ProxyEndpoint& endpoint) noexcept {
    assert(header.has_address());
    return ByteView{endpoint.address}.first(header.family == ProxyHeader::Family::ipv4 ? 4 : 16);
}

std::variant<ProxyHeader, std::string_view> parse_proxy_header(ByteView header) {
    if (header.size() >= proxy_signature.size() && agree(header, proxy_signature))
        return parse_proxy_binary(header);
    return parse_proxy_line(as_text(header));
}

ProxyHeaderReader::Progress ProxyHeaderReader::read(ByteView& bytes) {
    while (complaint_.empty()) {
        if (is_whole()) return parse();
        if (bytes.empty()) return Progress::need_more;
        const ByteView taken = bytes.first(wanted(bytes));
        held_.insert(held_.end(), taken.begin(), taken.end());
        bytes = bytes.subspan(taken.size());
        complaint_ = fault();
    }
    return Progress::malformed;
}

bool ProxyHeaderReader::is_binary() const noexcept {
    return !held_.empty() && held_.front() == proxy_signature.front();
}

// The length of the whole header, once its fixed part has arrived.
std::size_t ProxyHeaderReader::binary_bytes() const noexcept {
    if (held_.size() < proxy_binary_prefix_bytes) return proxy_binary_prefix_bytes;
    return proxy_binary_prefix_bytes +
           WireReader{ByteView{held_}.subspan(proxy_length_offset)}.uint16();
}

// For a line: five spaces, something after each, and CRLF; fewer after UNKNOWN.
std::size_t ProxyHeaderReader::needed() const noexcept {
    if (held_.size() < proxy_line_bytes_min) return proxy_line_bytes_min - held_.size();
    if (is_binary()) return binary_bytes() - held_.size();
    const std::size_t line_end = held_.back() == '\r' ? 1 : 2;
    if (as_text(held_).starts_with("PROXY UNKNOWN")) return line_end;
    const auto spaces = static_cast<std::size_t>(std::count(held_.begin(), held_.end(), ' '));
    return spaces < 5 ? 2 * (5 - spaces) + line_end : line_end;
}

// A line is read up to its line feed, wherever that is; the first byte decides between line and
// binary.
std::size_t ProxyHeaderReader::wanted(ByteView bytes) const noexcept {
    if (held_.empty()) return 1;
    if (is_binary()) return std::min(bytes.size(), binary_bytes() - held_.size());
    const auto line_feed = std::find(bytes.begin(), bytes.end(), std::uint8_t{'\n'});
    const auto line = static_cast<std::size_t>(line_feed - bytes.begin()) + 1;
    return std::min({bytes.size(), line, proxy_line_bytes_max - held_.size()});
}

// Checked as early as possible: a client that sends something else must not have to wait.
std::string_view ProxyHeaderReader::fault() const noexcept {
    if (!is_binary()) {
        if (!agree(held_, line_prefix())) return "no PROXY protocol header";
        if (!is_whole() && held_.size() >= proxy_line_bytes_max) return "PROXY line too long";
        return {};
    }
    if (!agree(held_, proxy_signature)) return "no PROXY protocol header";
    if (binary_bytes() > proxy_header_bytes_max) return "PROXY header too long";
    return {};
}

bool ProxyHeaderReader::is_whole() const noexcept {
    if (held_.empty()) return false;
    if (!is_binary()) return held_.back() == '\n';
    return held_.size() >= proxy_binary_prefix_bytes && held_.size() == binary_bytes();
}

ProxyHeaderReader::Progress ProxyHeaderReader::parse() {
    auto parsed = parse_proxy_header(held_);
    if (const auto* complaint = std::get_if<std::string_view>(&parsed)) {
        complaint_ = *complaint;
        return Progress::malformed;
    }
    header_ = std::get<ProxyHeader>(std::move(parsed));
    return Progress::complete;
}

} // namespace pgmoat::protocol
