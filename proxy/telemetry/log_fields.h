// The facts of an event or connection, in order, and the two ways to write them: as text for
// people, as JSON for machines. Values may contain anything that a peer sent: quotes, control
// characters and invalid UTF-8 are escaped here and nowhere else, so callers pass them unchanged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::telemetry {

// The names of a fact, as literals: in text, and in JSON, where OpenTelemetry's name is used if
// there is one. With an empty name the fact is left out of that form.
struct FieldName {
    constexpr FieldName(const char* both) : text(both), json(both) {}
    constexpr FieldName(const char* in_text, const char* in_json) : text(in_text), json(in_json) {}
    std::string_view text;
    std::string_view json;
};

class Fields {
  public:
    Fields& add(FieldName name, std::string_view text);
    Fields& add(FieldName name, const char* text) { return add(name, std::string_view(text)); }
    // In quotes in the text log even if not needed, as PostgreSQL writes this field.
    Fields& add_quoted(FieldName name, std::string_view text);
    Fields& add(FieldName name, std::uint64_t number);
    Fields& add_flag(FieldName name, bool flag);
    Fields& add_seconds(FieldName name, double seconds);

    // `name=value` each, separated by blanks.
    [[nodiscard]] std::string as_text() const;
    // `"name":value` each, separated by commas, without the braces.
    [[nodiscard]] std::string as_json() const;

  private:
    struct Field {
        FieldName name;
        std::string value;
        bool is_text; // otherwise a literal: a number, true, false
        bool always_quoted = false;
    };
    std::vector<Field> fields_;
};

// `text` as a field of the text log: in quotes if it is empty or holds a blank, escaped as in JSON.
// Not named `quoted`: with a std::string argument std::quoted would be found first.
[[nodiscard]] std::string text_field(std::string_view text, std::size_t bytes_max = 256);

} // namespace pgmoat::telemetry
