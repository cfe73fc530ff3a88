#include "proxy/config/conninfo_uri.h"

#include "proxy/config/text.h"

#include <algorithm>
#include <array>

namespace pgmoat::config {
namespace {

constexpr std::array<std::string_view, 2> prefixes{"postgresql://", "postgres://"};

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

char percent_decoded(std::string_view three, std::string_view whole) {
    const int high = three.size() == 3 ? hex_value(three[1]) : -1;
    const int low = three.size() == 3 ? hex_value(three[2]) : -1;
    if (high < 0 || low < 0)
        throw ConninfoError("invalid percent-encoded token: " + in_quotes(whole));
    if (high == 0 && low == 0)
        throw ConninfoError("forbidden value %00 in percent-encoded value: " + in_quotes(whole));
    return static_cast<char>(static_cast<unsigned char>(high * 16 + low));
}

// White space around a value is dropped; inside, it should have been %20 (libpq 18).
std::string decode(std::string_view encoded) {
    std::string_view text = trim(encoded);
    if (text.find_first_of(blanks) != std::string_view::npos) {
        throw ConninfoError("unexpected spaces found in " + in_quotes(encoded) +
                            ", use percent-encoded spaces (%20) instead");
    }
    std::string value;
    while (!text.empty()) {
        const bool escaped = text[0] == '%';
        value += escaped ? percent_decoded(text.substr(0, 3), encoded) : text[0];
        text.remove_prefix(escaped ? 3 : 1);
    }
    return value;
}

class UriReader {
  public:
    UriReader(std::string_view uri, IsKeyword is_keyword) : uri_(uri), is_keyword_(is_keyword) {}

    std::vector<KeywordValue> read();

  private:
    [[nodiscard]] char next_char() const { return rest_.empty() ? '\0' : rest_[0]; }
    [[nodiscard]] std::string_view take_until(std::string_view delimiters);
    void store(std::string_view keyword, std::string_view encoded);
    void read_user();
    void read_hosts();
    [[nodiscard]] std::string_view take_address_in_brackets();
    void read_parameter();

    std::string_view uri_;
    std::string_view rest_;
    IsKeyword is_keyword_;
    std::vector<KeywordValue> pairs_;
};

std::vector<KeywordValue> UriReader::read() {
    const auto* const prefix = std::find_if(prefixes.begin(), prefixes.end(), [&](auto candidate) {
        return uri_.starts_with(candidate);
    });
    rest_ = uri_.substr(prefix->size());
    read_user();
    read_hosts();
    if (next_char() == '/') {
        rest_.remove_prefix(1);
        store("dbname", take_until("?"));
    }
    if (next_char() == '?') rest_.remove_prefix(1);
    while (!rest_.empty())
        read_parameter();
    return std::move(pairs_);
}

std::string_view UriReader::take_until(std::string_view delimiters) {
    const std::string_view taken = rest_.substr(0, rest_.find_first_of(delimiters));
    rest_.remove_prefix(taken.size());
    return taken;
}

void UriReader::store(std::string_view keyword, std::string_view encoded) {
    if (!encoded.empty()) pairs_.push_back({std::string(keyword), decode(encoded)});
}

// user:password@, if there is an @ before the first slash.
void UriReader::read_user() {
    const std::size_t end = rest_.find_first_of("@/");
    if (end == std::string_view::npos || rest_[end] != '@') return;
    store("user", take_until(":@"));
    if (next_char() == ':') {
        rest_.remove_prefix(1);
        store("password", take_until("@"));
    }
    rest_.remove_prefix(1);
}

void UriReader::read_hosts() {
    std::string hosts;
    std::string ports;
    for (;;) {
        hosts += next_char() == '[' ? take_address_in_brackets() : take_until(":/?,");
        if (next_char() == ':') {
            rest_.remove_prefix(1);
            ports += take_until("/?,");
        }
        if (next_char() != ',') break;
        rest_.remove_prefix(1);
        hosts += ',';
        ports += ',';
    }
    store("host", hosts);
    store("port", ports);
}

std::string_view UriReader::take_address_in_brackets() {
    rest_.remove_prefix(1);
    const std::string_view address = take_until("]");
    if (rest_.empty()) {
        throw ConninfoError("end of string reached when looking for matching \"]\" in IPv6 host "
                            "address in URI: " +
                            in_quotes(uri_));
    }
    if (address.empty())
        throw ConninfoError("IPv6 host address may not be empty in URI: " + in_quotes(uri_));
    rest_.remove_prefix(1);
    if (!rest_.empty() && std::string_view(":/?,").find(rest_[0]) == std::string_view::npos) {
        throw ConninfoError("unexpected character " + in_quotes(rest_.substr(0, 1)) +
                            " at position " + std::to_string(uri_.size() - rest_.size() + 1) +
                            " in URI (expected \":\" or \"/\"): " + in_quotes(uri_));
    }
    return address;
}

void UriReader::read_parameter() {
    const std::string_view parameter = take_until("&");
    if (!rest_.empty()) rest_.remove_prefix(1);
    const std::size_t equals = parameter.find('=');
    const std::string_view encoded_keyword = parameter.substr(0, equals);
    if (equals == std::string_view::npos) {
        throw ConninfoError("missing key/value separator \"=\" in URI query parameter: " +
                            in_quotes(encoded_keyword));
    }
    const std::string_view encoded_value = parameter.substr(equals + 1);
    if (encoded_value.find('=') != std::string_view::npos) {
        throw ConninfoError("extra key/value separator \"=\" in URI query parameter: " +
                            in_quotes(encoded_keyword));
    }
    KeywordValue pair{decode(encoded_keyword), decode(encoded_value)};
    if (pair.keyword == "ssl" && pair.value == "true") pair = {"sslmode", "require"}; // as JDBC
    if (!is_keyword_(pair.keyword))
        throw ConninfoError("invalid URI query parameter: " + in_quotes(pair.keyword));
    pairs_.push_back(std::move(pair));
}

} // namespace

bool is_connection_uri(std::string_view text) noexcept {
    return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) {
        return text.starts_with(prefix);
    });
}

std::vector<KeywordValue> split_connection_uri(std::string_view uri, IsKeyword is_keyword) {
    return UriReader(uri, is_keyword).read();
}

} // namespace pgmoat::config
