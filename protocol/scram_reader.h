// Reads the attributes of a SCRAM message, `r=...,s=...`, in PostgreSQL's order and with its error
// texts (auth-scram.c: read_attr_value(), read_any_attr()). After the first error every read
// returns an empty value, so a parser can read on and check once, at the end. The views point into
// the message. For scram_server and scram_client.
#pragma once

#include "protocol/bytes.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::protocol {

// A peer's error, with PostgreSQL's texts for it. Nothing in it is secret.
struct ScramFault {
    std::string_view sqlstate;
    std::string message;
    std::string detail = {};
    bool operator==(const ScramFault&) const = default;
};

[[nodiscard]] ScramFault malformed_scram(std::string detail);

// PostgreSQL's sanitize_char() and sanitize_str(): safe to print, whatever was sent.
[[nodiscard]] std::string sanitized(char c);
[[nodiscard]] std::string sanitized(std::string_view text);

// Printable ASCII without a comma.
[[nodiscard]] bool is_scram_printable(std::string_view text) noexcept;

class ScramReader {
  public:
    struct Attribute {
        char name = '\0';
        std::string_view value;
    };

    // An empty message or one with a zero byte is an error at once.
    explicit ScramReader(ByteView message);

    // The value of `<name>=<value>`, which must come next; also consumes the comma after it.
    std::string_view value(char name);
    Attribute any();
    // The next character; NUL at the end, as in a C string.
    [[nodiscard]] char next() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
    // Skips one character.
    void skip() noexcept;
    [[nodiscard]] bool at_end() const noexcept { return at_ >= text_.size(); }

    [[nodiscard]] std::size_t position() const noexcept { return at_; }
    [[nodiscard]] std::string_view text() const noexcept { return text_; }

    void fail(ScramFault fault);
    [[nodiscard]] bool failed() const noexcept { return fault_.has_value(); }
    [[nodiscard]] const std::optional<ScramFault>& fault() const noexcept { return fault_; }

  private:
    std::string_view rest_of_attribute(char name);

    std::string_view text_;
    std::size_t at_ = 0;
    std::optional<ScramFault> fault_;
};

} // namespace pgmoat::protocol
