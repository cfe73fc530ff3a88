// Invariant: whatever bytes a peer sent, the log, JSON, console and page show them as one line of
// valid UTF-8 without unsafe characters, and Boost.JSON reads the JSON back as the same text, with
// U+FFFD for each invalid byte.
#include "protocol/shown_text.h"

#include "protocol/utf8.h"
#include "proxy/telemetry/log_fields.h"

#include <boost/json/src.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace pgmoat;

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

void demand_safe(std::string_view text) {
    while (!text.empty()) {
        const auto character = protocol::first_character(text);
        demand(character.length > 0 && !protocol::is_unsafe_to_show(character.code));
        text.remove_prefix(character.length);
    }
}

std::string repaired(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto character = protocol::first_character(text);
        if (character.length == 0)
            out += "\xEF\xBF\xBD";
        else
            out += text.substr(0, character.length);
        text.remove_prefix(character.length == 0 ? 1 : character.length);
    }
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string json = protocol::json_string(text);
    demand_safe(json);
    demand(boost::json::parse(json).as_string() == repaired(text));
    demand_safe(protocol::make_visible(text));
    demand_safe(protocol::make_visible(text, 16));
    (void)boost::json::parse(protocol::json_string(text, 16));

    telemetry::Fields fields;
    fields.add("name", text).add("number", std::uint64_t{size}).add_seconds("seconds", 0.25);
    demand_safe(fields.as_text());
    const std::string object = '{' + fields.as_json() + '}';
    demand_safe(object);
    demand(boost::json::parse(object).as_object().size() == 3);
    return 0;
}
