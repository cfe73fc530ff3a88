// The table of login_observer.h as code: take_header() finds the message's rule, take_held()
// buffers what must be seen of it, inspect_*() evaluate that, take_streamed() passes the rest on.
#include "protocol/login_observer.h"

#include "protocol/authentication_codes.h"
#include "protocol/limits.h"
#include "protocol/messages.h"
#include "protocol/scram_server.h"
#include "protocol/wire_reader.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace pgmoat::protocol {
namespace {

constexpr std::uint32_t whole_message = UINT32_MAX;
constexpr std::size_t old_error_bytes_max = login_error_bytes_max;

// The names of ParameterStatus that tell a server's role, and the longest body that does.
constexpr std::string_view in_hot_standby = "in_hot_standby";
constexpr std::string_view default_read_only = "default_transaction_read_only";
constexpr std::size_t role_parameter_bytes = default_read_only.size() + 1 + sizeof "off";

// One row of the table in the header.
struct MessageRule {
    std::uint8_t type;
    bool before_authentication;
    bool after_authentication;
    std::size_t length_min; // the length word's bounds
    std::size_t length_max;
    std::uint32_t inspected_body_bytes;
};

constexpr std::array message_rules{
    MessageRule{'R', true, false, 8, authentication_message_bytes_max, authentication_code_bytes},
    MessageRule{'v', true, false, 12, version_negotiation_bytes_max, 4},
    MessageRule{'E', true, true, 5, login_status_bytes_max, login_error_bytes_max},
    MessageRule{'N', true, true, 5, login_status_bytes_max, 0},
    MessageRule{'S', false, true, 6, login_status_bytes_max, role_parameter_bytes},
    MessageRule{
        'K', false, true, 8 + backend_key_bytes_min, 8 + backend_key_bytes_max, whole_message},
    MessageRule{'Z', false, true, 5, 5, whole_message},
};

const MessageRule* find_rule(std::uint8_t type) noexcept {
    const auto* found = std::find_if(message_rules.begin(),
                                     message_rules.end(),
                                     [type](const MessageRule& rule) { return rule.type == type; });
    return found == message_rules.end() ? nullptr : found;
}

// The peer chooses the type byte, so it is printed only if it is a letter.
std::string name_of(std::uint8_t type) {
    constexpr std::string_view digits = "0123456789abcdef";
    const bool letter = (type >= 'A' && type <= 'Z') || (type >= 'a' && type <= 'z');
    if (letter) return {'"', static_cast<char>(type), '"'};
    return {'0', 'x', digits[type >> 4], digits[type & 0x0f]};
}

// A length that is four bytes of text; as a number it is above 500 million.
bool is_text(const FrameHeader& header) noexcept {
    const auto bytes = header.encoded();
    return std::all_of(bytes.begin() + 1, bytes.end(), [](std::uint8_t byte) {
        return byte >= 0x20 && byte != 0x7f;
    });
}

bool is_sqlstate(std::string_view text) noexcept {
    return text.size() == 5 && std::all_of(text.begin(), text.end(), [](char letter) {
               return (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z');
           });
}

void append(Bytes& out, ByteView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

// Every field is optional here: a hostile server may leave out any of them, even the SQLSTATE
// (CVE-2026-6666), or the NUL after the last value (CVE-2022-41862).
struct ErrorFields {
    std::string_view severity;             // S: in the server's language
    std::string_view severity_unlocalized; // V: since PostgreSQL 9.6
    std::string_view sqlstate;
    std::string_view message;
};

ErrorFields read_error_fields(ByteView body) noexcept {
    ErrorFields fields;
    WireReader reader{body};
    while (const std::uint8_t code = reader.uint8()) {
        const std::string_view value = reader.c_string();
        if (code == 'S') fields.severity = value;
        if (code == 'V') fields.severity_unlocalized = value;
        if (code == 'C') fields.sqlstate = value;
        if (code == 'M') fields.message = value;
    }
    return fields;
}

} // namespace

LoginObserver::Step LoginObserver::observe(ByteView in, Bytes& out) {
    ByteView rest = in;
    while (progress_ == Progress::in_login && advance(rest, out)) {
    }
    return {progress_, in.size() - rest.size()};
}

// Processes one part of a message. False: `rest` ended inside it.
bool LoginObserver::advance(ByteView& rest, Bytes& out) {
    switch (part_) {
    case Part::header: return take_header(rest);
    case Part::held: return take_held(rest, out);
    case Part::streamed: return take_streamed(rest, out);
    case Part::old_error: return take_old_error(rest, out);
    }
    return false;
}

bool LoginObserver::take_header(ByteView& rest) {
    const auto header = walker_.next(rest);
    if (header) begin_message(*header);
    if (walker_.broken()) complain("message shorter than its own length word");
    return header.has_value();
}

void LoginObserver::begin_message(const FrameHeader& header) {
    header_ = header;
    const auto encoded = header.encoded();
    held_.assign(encoded.begin(), encoded.end());
    if (std::exchange(first_message_, false) && header.type == 'E' && is_text(header)) {
        part_ = Part::old_error;
        return;
    }

    const MessageRule* rule = find_rule(header.type);
    if (rule == nullptr)
        return complain("message of type " + name_of(header.type) + " during login");
    if (facts_.authenticated ? !rule->after_authentication : !rule->before_authentication)
        return complain("message of type " + name_of(header.type) +
                        (facts_.authenticated ? " after" : " before") +
                        " the end of authentication");
    if (header.length < rule->length_min || header.length > rule->length_max)
        return complain("message of type " + name_of(header.type) + " with length " +
                        std::to_string(header.length));

    hold_bytes_ = frame_header_bytes + std::min(header.body_bytes(), rule->inspected_body_bytes);
    part_ = Part::held;
}

bool LoginObserver::take_held(ByteView& rest, Bytes& out) {
    append(held_, walker_.take_body(rest, hold_bytes_ - held_.size()));
    if (held_.size() < hold_bytes_) return false;
    inspect();
    if (progress_ == Progress::in_login && held_.size() >= hold_bytes_) release_held(out);
    return true;
}

bool LoginObserver::take_streamed(ByteView& rest, Bytes& out) {
    append(out, walker_.take_body(rest));
    if (walker_.body_left() > 0) return false;
    part_ = Part::header;
    progress_ = progress_after_message_;
    return true;
}

bool LoginObserver::take_old_error(ByteView& rest, Bytes& out) {
    const auto nul = std::find(rest.begin(), rest.end(), std::uint8_t{0});
    const bool ends = nul != rest.end();
    const auto wanted = static_cast<std::size_t>(nul - rest.begin()) + (ends ? 1 : 0);
    const std::size_t taken = std::min(wanted, old_error_bytes_max - held_.size());
    append(held_, rest.first(taken));
    rest = rest.subspan(taken);

    if (held_.back() == 0) {
        std::string_view text = as_text(held_);
        text = text.substr(1, text.size() - 2);
        if (text.ends_with('\n')) text.remove_suffix(1);
        facts_.error_message = text;
        append(out, held_);
        held_.clear();
        progress_ = Progress::refused;
    } else if (held_.size() == old_error_bytes_max) {
        complain("error text without an end");
    }
    return false;
}

void LoginObserver::inspect() {
    switch (header_.type) {
    case 'R': return inspect_authentication();
    case 'v': return inspect_negotiation();
    case 'E': return inspect_error();
    case 'K': return inspect_key();
    case 'S': return inspect_parameter();
    case 'Z': progress_after_message_ = Progress::ready; return;
    default: return;
    }
}

void LoginObserver::inspect_authentication() {
    const std::uint32_t code = WireReader{held_body()}.uint32();
    const bool intercepted = intercepts(code);
    if (intercepted || code == authentication_sasl) {
        hold_bytes_ = frame_header_bytes + header_.body_bytes();
        held_.reserve(hold_bytes_); // allocated once: growing would leave copies of a SASL exchange
        if (held_.size() < hold_bytes_) return;
    }
    facts_.authentication_request = code;
    ++authentication_messages_;
    inspect_request(code);
    if (intercepted && progress_ == Progress::in_login) progress_ = Progress::sasl;
}

void LoginObserver::inspect_request(std::uint32_t code) {
    switch (code) {
    case authentication_ok: return inspect_ok();
    case authentication_password: return note_method(ServerMethod::password);
    case authentication_md5: return note_method(ServerMethod::md5);
    case authentication_gss: return note_method(ServerMethod::gss);
    case authentication_sspi: return note_method(ServerMethod::sspi);
    case authentication_sasl: return inspect_sasl_list();
    case authentication_gss_continue:
    case authentication_sasl_continue:
        // More of the same method (GSS, SASL): keeps the method that was noted first.
        if (facts_.method == ServerMethod::none) note_method(ServerMethod::other);
        return;
    case authentication_sasl_final: sasl_ended_ = true; return;
    default: return note_method(ServerMethod::other);
    }
}

void LoginObserver::note_method(ServerMethod method) {
    facts_.method = method;
    sasl_ended_ = false;
    if (accepted_.contains(method)) return;
    progress_ = Progress::unproven;
    held_.clear();
}

void LoginObserver::inspect_ok() {
    if (header_.body_bytes() != authentication_code_bytes)
        return complain("AuthenticationOk with length " + std::to_string(header_.length));
    if (facts_.method == ServerMethod::scram && !sasl_ended_) facts_.method = ServerMethod::none;
    if (!accepted_.contains(facts_.method)) return note_method(facts_.method);
    facts_.authenticated = !intercepts(authentication_ok);
}

bool LoginObserver::intercepts(std::uint32_t code) const noexcept {
    if (interception_ == Interception::of_list) return code == authentication_sasl;
    return interception_ == Interception::of_exchange;
}

void LoginObserver::pass_intercepted(Bytes& out) {
    interception_ = Interception::none;
    progress_ = Progress::in_login;
    if (strip_channel_binding_) remove_plus();
    release_held(out);
}

void LoginObserver::drop_intercepted() {
    interception_ = Interception::of_exchange;
    progress_ = Progress::in_login;
    overwrite_held();
    part_ = Part::header;
}

void LoginObserver::inspect_sasl_list() {
    std::vector<std::string> mechanisms;
    WireReader reader{held_body()};
    reader.uint32();
    for (auto name = reader.c_string(); !name.empty(); name = reader.c_string()) {
        if (mechanisms.size() == sasl_mechanisms_max) return complain("too many SASL mechanisms");
        mechanisms.emplace_back(name);
    }
    if (!reader.complete()) return complain("malformed list of SASL mechanisms");

    facts_.sasl_mechanisms = std::move(mechanisms);
    note_method(method_of(facts_.sasl_mechanisms));
    const bool goes_out = progress_ == Progress::in_login && interception_ == Interception::none;
    if (strip_channel_binding_ && goes_out) remove_plus();
}

// If PLUS is the only mechanism it stays: the client then reports why it cannot log in.
void LoginObserver::remove_plus() {
    const auto& offered = facts_.sasl_mechanisms;
    const auto plus = std::count(offered.begin(), offered.end(), scram_plus_mechanism);
    if (plus == 0 || static_cast<std::size_t>(plus) == offered.size()) return;

    Bytes list;
    for (const std::string& name : offered)
        if (name != scram_plus_mechanism) append_c_string(list, name);
    list.push_back(0);

    const auto body_bytes = static_cast<std::uint32_t>(authentication_code_bytes + list.size());
    const auto header = FrameHeader{'R', frame_length_min + body_bytes}.encoded();
    std::copy(header.begin(), header.end(), held_.begin());
    held_.resize(frame_header_bytes + authentication_code_bytes);
    append(held_, list);
    hold_bytes_ = held_.size();
    facts_.plus_removed = true;
}

void LoginObserver::inspect_negotiation() {
    facts_.negotiated_version = WireReader{held_body()}.uint32();
}

void LoginObserver::inspect_error() {
    const ErrorFields fields = read_error_fields(held_body());
    facts_.error_sqlstate = is_sqlstate(fields.sqlstate) ? fields.sqlstate : std::string_view{};
    facts_.error_message = fields.message;
    const std::string_view severity =
        fields.severity_unlocalized.empty() ? fields.severity : fields.severity_unlocalized;
    if (severity == "FATAL" || severity == "PANIC") progress_after_message_ = Progress::refused;
}

void LoginObserver::inspect_key() {
    WireReader reader{held_body()};
    facts_.backend_process_id = reader.uint32();
    const ByteView key = held_body().subspan(4);
    facts_.cancel_key.assign(key.begin(), key.end());
}

void LoginObserver::inspect_parameter() {
    if (header_.body_bytes() > role_parameter_bytes) return;
    WireReader reader{held_body()};
    const std::string_view name = reader.c_string();
    const std::string_view value = reader.c_string();
    if (!reader.complete() || (value != "on" && value != "off")) return;
    if (name == default_read_only) facts_.default_transaction_read_only = value == "on";
    if (name != in_hot_standby) return;
    facts_.in_hot_standby = value == "on";
    if (!refuses_standby_ || !*facts_.in_hot_standby) return;
    progress_ = Progress::standby;
    held_.clear();
}

ByteView LoginObserver::held_body() const noexcept {
    return ByteView{held_}.subspan(frame_header_bytes);
}

void LoginObserver::release_held(Bytes& out) {
    append(out, held_);
    held_.clear();
    part_ = Part::streamed;
}

// Drops what was buffered of the message: none of it may go out.
void LoginObserver::complain(std::string complaint) {
    complaint_ = std::move(complaint);
    progress_ = Progress::protocol_violation;
    overwrite_held();
}

// Nothing of a SASL exchange may stay in memory.
void LoginObserver::overwrite_held() {
    std::fill(held_.begin(), held_.end(), std::uint8_t{0});
    held_.clear();
}

} // namespace pgmoat::protocol
