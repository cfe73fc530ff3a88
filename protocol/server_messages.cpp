#include "protocol/server_messages.h"

#include "protocol/authentication_codes.h"

namespace pgmoat::protocol {
namespace {

// Writes the type byte and room for the length, which the destructor fills in.
class MessageWriter {
  public:
    MessageWriter(Bytes& out, char type) : out_(out) {
        out_.push_back(static_cast<std::uint8_t>(type));
        length_at_ = out_.size();
        append_uint32(out_, 0);
    }
    ~MessageWriter() {
        const auto length = static_cast<std::uint32_t>(out_.size() - length_at_);
        for (std::size_t i = 0; i < 4; ++i)
            out_[length_at_ + i] = static_cast<std::uint8_t>((length >> (24 - 8 * i)) & 0xff);
    }
    MessageWriter(const MessageWriter&) = delete;
    MessageWriter& operator=(const MessageWriter&) = delete;

    MessageWriter& uint8(std::uint8_t value) {
        out_.push_back(value);
        return *this;
    }
    MessageWriter& uint16(std::uint16_t value) {
        return uint8(static_cast<std::uint8_t>(value >> 8))
            .uint8(static_cast<std::uint8_t>(value & 0xff));
    }
    MessageWriter& uint32(std::uint32_t value) {
        append_uint32(out_, value);
        return *this;
    }
    MessageWriter& bytes(std::string_view text) {
        out_.insert(out_.end(), text.begin(), text.end());
        return *this;
    }
    MessageWriter& c_string(std::string_view text) {
        return bytes(text.substr(0, text.find('\0'))).uint8(0);
    }
    MessageWriter& field(char type, std::string_view text) {
        return uint8(static_cast<std::uint8_t>(type)).c_string(text);
    }

  private:
    Bytes& out_;
    std::size_t length_at_ = 0;
};

constexpr std::uint32_t version_3_0 = 3U << 16;

} // namespace

void append_error(Bytes& out, Severity severity, const ErrorText& text) {
    const std::string_view word = severity == Severity::fatal ? "FATAL" : "ERROR";
    MessageWriter message(out, 'E');
    message.field('S', word).field('V', word).field('C', text.sqlstate).field('M', text.message);
    if (!text.detail.empty()) message.field('D', text.detail);
    if (!text.hint.empty()) message.field('H', text.hint);
    message.uint8(0);
}

void append_sasl_request(Bytes& out, std::span<const std::string_view> mechanisms) {
    MessageWriter message(out, 'R');
    message.uint32(authentication_sasl);
    for (const std::string_view mechanism : mechanisms)
        message.c_string(mechanism);
    message.uint8(0);
}

void append_sasl_continue(Bytes& out, std::string_view text) {
    MessageWriter(out, 'R').uint32(authentication_sasl_continue).bytes(text);
}

void append_sasl_final(Bytes& out, std::string_view text) {
    MessageWriter(out, 'R').uint32(authentication_sasl_final).bytes(text);
}

void append_authentication_ok(Bytes& out) {
    MessageWriter(out, 'R').uint32(authentication_ok);
}

void append_negotiate_version(Bytes& out, std::span<const std::string> unknown_options) {
    MessageWriter message(out, 'v');
    message.uint32(version_3_0).uint32(static_cast<std::uint32_t>(unknown_options.size()));
    for (const std::string& option : unknown_options)
        message.c_string(option);
}

void append_parameter_status(Bytes& out, std::string_view name, std::string_view value) {
    MessageWriter(out, 'S').c_string(name).c_string(value);
}

void append_ready_for_query(Bytes& out, TransactionStatus status) {
    MessageWriter(out, 'Z').uint8(static_cast<std::uint8_t>(status));
}

void append_row_description(Bytes& out, std::span<const ColumnDescription> columns) {
    MessageWriter message(out, 'T');
    message.uint16(static_cast<std::uint16_t>(columns.size()));
    for (const ColumnDescription& column : columns) {
        message.c_string(column.name).uint32(0).uint16(0); // not a column of a table
        message.uint32(column.type_oid).uint16(column.type_size);
        message.uint32(0xffff'ffff).uint16(column.format); // no type modifier
    }
}

void append_data_row(Bytes& out, std::span<const std::optional<std::string>> values) {
    MessageWriter message(out, 'D');
    message.uint16(static_cast<std::uint16_t>(values.size()));
    for (const auto& value : values) {
        if (value)
            message.uint32(static_cast<std::uint32_t>(value->size())).bytes(*value);
        else
            message.uint32(0xffff'ffff);
    }
}

void append_command_complete(Bytes& out, std::string_view tag) {
    MessageWriter(out, 'C').c_string(tag);
}

void append_parameter_description(Bytes& out, std::span<const std::uint32_t> type_oids) {
    MessageWriter message(out, 't');
    message.uint16(static_cast<std::uint16_t>(type_oids.size()));
    for (const std::uint32_t oid : type_oids)
        message.uint32(oid);
}

void append_bare(Bytes& out, Bare message) {
    MessageWriter(out, static_cast<char>(message));
}

} // namespace pgmoat::protocol
