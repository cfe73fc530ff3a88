// The facts of an event or of a connection, in order, and the two ways to write them: as text for
// people, as JSON for machines. Values may hold anything that a peer sent: quotes, control
// characters and invalid UTF-8 are escaped here and nowhere else, so callers pass them as they
// came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::telemetry {

// What a fact is called, as literals: in text, and in JSON, where OpenTelemetry's name stands if
// there is one. An empty name leaves the fact out of that form.
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
    // In quotes in the text log even where they are not needed: as PostgreSQL writes this one.
    Fields& add_quoted(FieldName name, std::string_view text);
    Fields& add(FieldName name, std::uint64_t number);
    Fields& add_flag(FieldName name, bool flag);
    Fields& add_seconds(FieldName name, double seconds);

    // `name=value` each, a blank between.
    [[nodiscard]] std::string as_text() const;
    // `"name":value` each, a comma between, without the braces.
    [[nodiscard]] std::string as_json() const;

  private:
    struct Field {
        FieldName name;
        std::string value;
        bool is_text; // else a word that stands for itself: a number, true, false
        bool always_quoted = false;
    };
    std::vector<Field> fields_;
};

// `text` as a field of the text log: in quotes if it is empty or holds a blank, escaped as in JSON.
// Not `quoted`: a std::string would find std::quoted first.
[[nodiscard]] std::string text_field(std::string_view text, std::size_t bytes_max = 256);

} // namespace pgmoat::telemetry
