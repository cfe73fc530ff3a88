// Extracts the plaintext handshake messages from a TLS record stream. Messages may span records,
// and records may span reads. For the hello readers of tls_hello.h, which decide for each message
// how much to keep. Memory grows with the bytes that arrive, never by an announced length.
//
//   record           | may be                              | event
//   -----------------+-------------------------------------+-----------------------------------
//   handshake (22)   | cut and joined at will, <= 2^14     | message_begins, message_complete
//   alert (21)       | exactly one alert                   | alert
//   CCS (20)         | exactly one byte, between messages  | change_cipher_spec
//   any other        |                                     | malformed
//
// Source: RFC 8446 section 5.1, RFC 5246 section 6.2.1; the bound on empty records is OpenSSL's.
#pragma once

#include "protocol/bytes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pgmoat::protocol {

class TlsHandshakeReader {
  public:
    enum class Event {
        need_more,
        message_begins,   // type and length are known; the caller may refuse it or call keep()
        message_complete, // the kept bytes are in kept_body()
        alert,
        change_cipher_spec,
        malformed, // see complaint(); the reader must not be called again
    };

    // Consumes bytes from the front of `bytes` up to the next event.
    [[nodiscard]] Event next(ByteView& bytes);

    [[nodiscard]] std::uint8_t message_type() const noexcept { return message_header_[0]; }
    [[nodiscard]] std::uint32_t message_bytes() const noexcept { return message_bytes_; }
    // How many of the first bytes of the message that begins are kept; by default none.
    void keep(std::size_t bytes) noexcept { keep_bytes_ = bytes; }
    [[nodiscard]] ByteView kept_body() const noexcept { return kept_; }

    [[nodiscard]] std::uint8_t alert_description() const noexcept { return small_body_[1]; }
    [[nodiscard]] std::string_view complaint() const noexcept { return complaint_; }

  private:
    [[nodiscard]] Event read_record_header(ByteView& bytes);
    [[nodiscard]] Event read_record_body(ByteView& bytes);
    [[nodiscard]] Event read_message_header(ByteView& bytes);
    [[nodiscard]] Event read_message_body(ByteView& bytes);
    [[nodiscard]] Event read_small_body(ByteView& bytes);
    [[nodiscard]] ByteView take_of_record(ByteView& bytes, std::size_t at_most) noexcept;
    [[nodiscard]] Event complain(std::string_view complaint) noexcept;

    std::array<std::uint8_t, 5> record_header_{};
    std::size_t record_header_filled_ = 0;
    std::size_t record_left_ = 0;
    unsigned empty_records_ = 0;

    std::array<std::uint8_t, 4> message_header_{};
    std::size_t message_header_filled_ = 0;
    bool in_message_ = false; // between message_begins and message_complete
    std::uint32_t message_bytes_ = 0;
    std::uint32_t message_left_ = 0;
    std::size_t keep_bytes_ = 0;
    Bytes kept_;

    std::array<std::uint8_t, 2> small_body_{}; // of an alert or CCS, which may be cut as well
    std::size_t small_body_filled_ = 0;
    std::string_view complaint_;
};

} // namespace pgmoat::protocol
