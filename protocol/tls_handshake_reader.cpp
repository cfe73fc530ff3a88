// Turns records into messages: next() returns the next event; there is one read_*() for each thing
// that may come next.
#include "protocol/tls_handshake_reader.h"

#include "protocol/limits.h"
#include "protocol/wire_reader.h"

#include <algorithm>

namespace pgmoat::protocol {
namespace {

constexpr std::uint8_t change_cipher_spec_record = 20;
constexpr std::uint8_t alert_record = 21;
constexpr std::uint8_t handshake_record = 22;
constexpr std::size_t plaintext_record_bytes_max = 16'384;

std::size_t small_body_bytes(std::uint8_t record_type) noexcept {
    return record_type == alert_record ? 2 : 1;
}

// Moves bytes from the front of `bytes` to `into` until that is full; it may have been begun
// earlier.
template <std::size_t size>
bool fill(std::array<std::uint8_t, size>& into, std::size_t& filled, ByteView& bytes) noexcept {
    const std::size_t taken = std::min(size - filled, bytes.size());
    std::copy_n(bytes.begin(), taken, into.begin() + static_cast<std::ptrdiff_t>(filled));
    bytes = bytes.subspan(taken);
    filled += taken;
    return filled == size;
}

} // namespace

TlsHandshakeReader::Event TlsHandshakeReader::next(ByteView& bytes) {
    while (true) {
        if (in_message_ && message_left_ == 0) {
            in_message_ = false;
            return Event::message_complete;
        }
        if (bytes.empty()) return Event::need_more;
        const Event event = record_left_ == 0 ? read_record_header(bytes) : read_record_body(bytes);
        if (event != Event::need_more) return event;
    }
}

// Clients choose the minor version for compatibility; it must be ignored (RFC 8446 5.1).
TlsHandshakeReader::Event TlsHandshakeReader::read_record_header(ByteView& bytes) {
    if (!fill(record_header_, record_header_filled_, bytes)) return Event::need_more;
    record_header_filled_ = 0;

    WireReader reader{record_header_};
    const std::uint8_t type = reader.uint8();
    const std::uint8_t major_version = reader.uint8();
    reader.uint8();
    record_left_ = reader.uint16();

    if (major_version != 3) return complain("not a TLS record");
    if (record_left_ > plaintext_record_bytes_max) return complain("TLS record too long");
    switch (type) {
    case handshake_record:
        if (record_left_ == 0 && ++empty_records_ > empty_tls_records_max)
            return complain("too many empty TLS records");
        return Event::need_more;
    case change_cipher_spec_record:
        if (in_message_ || message_header_filled_ > 0)
            return complain("ChangeCipherSpec inside a handshake message");
        [[fallthrough]];
    case alert_record:
        if (record_left_ != small_body_bytes(type)) return complain("TLS record of a wrong length");
        small_body_filled_ = 0;
        return Event::need_more;
    default: return complain("TLS record of a type that cannot stand in a handshake");
    }
}

TlsHandshakeReader::Event TlsHandshakeReader::read_record_body(ByteView& bytes) {
    if (record_header_[0] != handshake_record) return read_small_body(bytes);
    return in_message_ ? read_message_body(bytes) : read_message_header(bytes);
}

TlsHandshakeReader::Event TlsHandshakeReader::read_message_header(ByteView& bytes) {
    ByteView part = take_of_record(bytes, message_header_.size() - message_header_filled_);
    if (!fill(message_header_, message_header_filled_, part)) return Event::need_more;
    message_header_filled_ = 0;

    message_bytes_ = WireReader{ByteView{message_header_}.subspan(1)}.uint24();
    message_left_ = message_bytes_;
    in_message_ = true;
    keep_bytes_ = 0;
    kept_ = {}; // frees the memory of an earlier message
    return Event::message_begins;
}

TlsHandshakeReader::Event TlsHandshakeReader::read_message_body(ByteView& bytes) {
    const ByteView part = take_of_record(bytes, message_left_);
    message_left_ -= static_cast<std::uint32_t>(part.size());
    const ByteView kept = part.first(std::min(part.size(), keep_bytes_ - kept_.size()));
    kept_.insert(kept_.end(), kept.begin(), kept.end());
    return Event::need_more;
}

TlsHandshakeReader::Event TlsHandshakeReader::read_small_body(ByteView& bytes) {
    for (const std::uint8_t byte : take_of_record(bytes, record_left_))
        small_body_[small_body_filled_++] = byte;
    if (record_left_ > 0) return Event::need_more;
    if (record_header_[0] == alert_record) return Event::alert;
    return small_body_[0] == 1 ? Event::change_cipher_spec : complain("malformed ChangeCipherSpec");
}

ByteView TlsHandshakeReader::take_of_record(ByteView& bytes, std::size_t at_most) noexcept {
    const ByteView taken = bytes.first(std::min({bytes.size(), record_left_, at_most}));
    bytes = bytes.subspan(taken.size());
    record_left_ -= taken.size();
    return taken;
}

TlsHandshakeReader::Event TlsHandshakeReader::complain(std::string_view complaint) noexcept {
    complaint_ = complaint;
    return Event::malformed;
}

} // namespace pgmoat::protocol
