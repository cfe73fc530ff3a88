#include "proxy/telemetry/log_fields.h"

#include "protocol/shown_text.h"

#include <array>
#include <cstdio>

namespace pgmoat::telemetry {

namespace {

constexpr std::size_t value_bytes_max = 1024;

} // namespace

Fields& Fields::add(FieldName name, std::string_view text) {
    fields_.push_back({name, std::string(text), true});
    return *this;
}

Fields& Fields::add_quoted(FieldName name, std::string_view text) {
    fields_.push_back({name, std::string(text), true, true});
    return *this;
}

Fields& Fields::add(FieldName name, std::uint64_t number) {
    fields_.push_back({name, std::to_string(number), false});
    return *this;
}

Fields& Fields::add_flag(FieldName name, bool flag) {
    fields_.push_back({name, flag ? "true" : "false", false});
    return *this;
}

Fields& Fields::add_seconds(FieldName name, double seconds) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3f", seconds);
    fields_.push_back({name, text.data(), false});
    return *this;
}

std::string Fields::as_text() const {
    std::string line;
    for (const Field& field : fields_) {
        if (field.name.text.empty()) continue;
        if (!line.empty()) line += ' ';
        line += field.name.text;
        line += '=';
        if (field.always_quoted)
            line += protocol::json_string(field.value, value_bytes_max);
        else
            line += field.is_text ? text_field(field.value, value_bytes_max) : field.value;
    }
    return line;
}

std::string Fields::as_json() const {
    std::string members;
    for (const Field& field : fields_) {
        if (field.name.json.empty()) continue;
        members += members.empty() ? "\"" : ",\"";
        members += field.name.json;
        members += "\":";
        members +=
            field.is_text ? protocol::json_string(field.value, value_bytes_max) : field.value;
    }
    return members;
}

std::string text_field(std::string_view text, std::size_t bytes_max) {
    std::string safe = protocol::escape_json(text, bytes_max);
    const bool plain = !safe.empty() && safe == text.substr(0, safe.size()) &&
                       safe.find_first_of(" =") == std::string::npos;
    return plain ? safe : '"' + safe + '"';
}

} // namespace pgmoat::telemetry
