// A client's messages of the query protocols: their fields, and invalid messages.
#include "protocol/client_messages.h"
#include "protocol/message_buffer.h"
#include "protocol/messages.h"
#include "tests/support/catch.h"

#include <string>

using namespace pgmoat::protocol;
using namespace std::string_literals;

namespace {

ByteView view(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

ClientMessage parse(char type, const std::string& body) {
    return parse_client_message(static_cast<std::uint8_t>(type), view(body));
}

std::string message(char type, const std::string& body) {
    Bytes length;
    append_uint32(length, static_cast<std::uint32_t>(4 + body.size()));
    return type + std::string(length.begin(), length.end()) + body;
}

} // namespace

TEST_CASE("Each message of the query protocols has its fields") {
    REQUIRE(std::get<Query>(parse('Q', "SELECT 1\0"s)).text == "SELECT 1");
    const auto parsed = std::get<Parse>(parse('P', "s1\0SHOW HELP\0\0\1\0\0\0\x17"s));
    REQUIRE(parsed.statement == "s1");
    REQUIRE(parsed.text == "SHOW HELP");
    REQUIRE(parsed.parameter_types == std::vector<std::uint32_t>{23});
    const auto bind =
        std::get<Bind>(parse('B', "p\0s\0\0\1\0\1\0\2\0\0\0\2xy\xff\xff\xff\xff\0\2\0\0\0\1"s));
    REQUIRE(bind.portal == "p");
    REQUIRE(bind.statement == "s");
    REQUIRE(bind.parameters == std::vector<std::optional<std::string>>{"xy", std::nullopt});
    REQUIRE(bind.result_formats == std::vector<std::uint16_t>{0, 1});
    const auto describe = std::get<Describe>(parse('D', "Pp\0"s));
    REQUIRE(describe.target == Target::portal);
    REQUIRE(describe.name == "p");
    REQUIRE(std::get<Close>(parse('C', "Ss\0"s)).target == Target::statement);
    const auto execute = std::get<Execute>(parse('E', "p\0\0\0\0\5"s));
    REQUIRE(execute.portal == "p");
    REQUIRE(execute.rows_max == 5);
    REQUIRE(std::holds_alternative<Sync>(parse('S', "")));
    REQUIRE(std::holds_alternative<Flush>(parse('H', "")));
    REQUIRE(std::holds_alternative<Terminate>(parse('X', "")));
    REQUIRE(std::holds_alternative<FunctionCall>(parse('F', "whatever")));
}

TEST_CASE("A message with a field too few or a byte too many is malformed") {
    const std::pair<char, std::string> wrong[] = {{'Q', "SELECT 1"},
                                                  {'Q', "SELECT 1\0x"s},
                                                  {'P', "s\0SHOW HELP\0\0\1"s},
                                                  {'B', "\0\0\0\0\xff\xff"s},
                                                  {'B', "\0\0\0\0\0\0\0\1\0\2"s}, // format 2
                                                  {'D', "Xp\0"s},
                                                  {'D', ""},
                                                  {'E', "p\0\0\0"s},
                                                  {'S', "x"},
                                                  {'d', ""}};
    for (const auto& [type, body] : wrong) {
        INFO(type);
        REQUIRE(std::holds_alternative<Malformed>(parse(type, body)));
    }
}

TEST_CASE("Messages are collected whole, however the stream is cut") {
    const std::string stream = message('Q', "SELECT 1\0"s) + message('S', "") + message('X', "");
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        MessageBuffer buffer(1000);
        std::string types;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            buffer.feed(view(stream.substr(at, piece)));
            while (const auto next = buffer.next())
                types += static_cast<char>(next->type);
        }
        REQUIRE(types == "QSX");
        REQUIRE_FALSE(buffer.broken());
    }
}

TEST_CASE("A length out of bounds breaks the stream before the body is waited for") {
    for (const std::string& header : {"Q\0\0\0\3"s, "Q\0\0\4\0"s, "Q\xff\xff\xff\xff"s}) {
        MessageBuffer buffer(1000);
        buffer.feed(view(header));
        REQUIRE_FALSE(buffer.next());
        REQUIRE(buffer.broken());
    }
}
