#include "metrics/labels.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <string_view>

namespace pgmoat::metrics {

namespace {

using Word = std::string_view;

template <std::size_t size, class Enum>
Word word_of(const std::array<Word, size>& words, Enum value) noexcept {
    return words[static_cast<std::size_t>(value)];
}

// The index of a name in its table; 0, `other`, if it is not there.
template <class Enum, std::size_t size>
Enum position_of(const std::array<Word, size>& names, Word name) noexcept {
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? Enum{} : static_cast<Enum>(found - names.begin());
}

constexpr std::array<Word, close_reason_count> close_reasons = {
    "client_closed",   "server_closed",
    "client_io_error", "server_io_error",
    "tls_truncated",   "startup",
    "proxy_header",    "handshake",
    "denied",          "too_many_connections",
    "accept_error",    "upstream_failed",
    "login_failed",    "cancel",
    "timeout",         "idle",
    "lifetime",        "tls_flood",
    "rate_limited",    "drain",
    "handed_over",     "killed",
    "internal",
};

constexpr std::array<Word, mode_count> modes = {"terminate", "passthrough"};

constexpr std::array<Word, startup_kind_count> startup_kinds = {
    "ssl", "gssenc", "direct_tls", "plain", "cancel", "eof", "invalid"};

constexpr std::array<Word, startup_error_count> startup_errors = {
    "timeout",
    "incomplete",
    "bad_length",
    "bad_layout",
    "protocol_violation",
    "unsupported_version",
    "tls_required",
    "tls_not_enabled",
    "plaintext_injected",
    "proxy_header",
};

constexpr std::array<Word, side_count> sides = {"client", "server"};

constexpr std::array<Word, direction_count> directions = {"from_client", "from_server"};

constexpr std::array<Word, handshake_failure_count> handshake_failures = {
    "timeout",
    "eof",
    "reset",
    "protocol_version",
    "no_shared_cipher",
    "no_shared_group",
    "no_alpn",
    "unrecognized_name",
    "cert_required",
    "cert_untrusted",
    "cert_expired",
    "cert_revoked",
    "cert_name",
    "cert_other",
    "plaintext_injected",
    "flood",
    "other",
};

constexpr std::array<Word, sni_count> snis = {"present", "absent", "unknown"};

constexpr std::array<Word, tls_version_count> tls_versions = {
    "other", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};

// OpenSSL's names (ciphers(1)) of the suites of TLS 1.3, and of those that a TLS 1.2 server may
// still be configured with: AEAD and CBC suites with ECDHE, DHE and RSA key exchange.
constexpr std::array<Word, 48> ciphers = {
    "other",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-CCM",
    "ECDHE-ECDSA-AES256-CCM",
    "ECDHE-ECDSA-AES128-CCM8",
    "ECDHE-ECDSA-AES256-CCM8",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-RSA-AES256-SHA384",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-AES256-SHA",
    "DHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-CHACHA20-POLY1305",
    "DHE-RSA-AES128-CCM",
    "DHE-RSA-AES256-CCM",
    "DHE-RSA-AES128-CCM8",
    "DHE-RSA-AES256-CCM8",
    "DHE-RSA-AES128-SHA256",
    "DHE-RSA-AES256-SHA256",
    "DHE-RSA-AES128-SHA",
    "DHE-RSA-AES256-SHA",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-CCM",
    "AES256-CCM",
    "AES128-CCM8",
    "AES256-CCM8",
    "AES128-SHA256",
    "AES256-SHA256",
    "AES128-SHA",
    "AES256-SHA",
    "ECDHE-ECDSA-DES-CBC3-SHA",
    "ECDHE-RSA-DES-CBC3-SHA",
    "DES-CBC3-SHA",
};

constexpr std::array<Word, 21> groups = {
    "other",
    "none",
    "X25519",
    "X448",
    "prime256v1",
    "secp384r1",
    "secp521r1",
    "secp256k1",
    "brainpoolP256r1",
    "brainpoolP384r1",
    "brainpoolP512r1",
    "ffdhe2048",
    "ffdhe3072",
    "ffdhe4096",
    "ffdhe6144",
    "ffdhe8192",
    "X25519MLKEM768",
    "SecP256r1MLKEM768",
    "SecP384r1MLKEM1024",
    "MLKEM768",
    "MLKEM1024",
};
static_assert(ciphers.size() <= std::numeric_limits<std::uint8_t>::max());
static_assert(groups.size() <= std::numeric_limits<std::uint8_t>::max());
// A table shorter than its declared size would end in empty words.
static_assert(!ciphers.back().empty() && !groups.back().empty());

constexpr std::array<Word, connect_result_count> connect_results = {
    "connected",
    "name_not_resolved",
    "refused",
    "unreachable",
    "timeout",
    "closed",
    "tls_not_offered",
    "tls_failed",
    "protocol_violation",
    "other",
};

constexpr std::array<Word, scram_outcome_count> scram_outcomes = {
    "ok",
    "wrong_proof",
    "no_secret",
    "refused_by_server",
    "stale_secret",
    "lookup_failed",
    "bad_message",
    "downgrade",
    "bad_server_message",
    "server_not_verified",
    "not_configured",
    "abandoned",
};

constexpr std::array<Word, cancel_outcome_count> cancel_outcomes = {
    "forwarded", "unknown_key", "rate_limited", "failed", "invalid"};

constexpr std::array<Word, accept_error_count> accept_errors = {
    "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ECONNABORTED", "EPERM", "other"};

constexpr std::array<Word, limit_count> limits = {
    "max_connections",
    "cancel_requests",
    "connections_per_address",
    "handshakes_per_address",
    "logins_per_address",
    "failed_logins_per_address",
    "handshakes",
};

struct MessageName {
    char type;
    Word word;
};

constexpr std::array<MessageName, client_message_count> client_messages = {{
    {0, "other"},
    {'B', "bind"},
    {'C', "close"},
    {'D', "describe"},
    {'E', "execute"},
    {'F', "function_call"},
    {'H', "flush"},
    {'P', "parse"},
    {'Q', "query"},
    {'S', "sync"},
    {'X', "terminate"},
    {'c', "copy_done"},
    {'f', "copy_fail"},
    {'p', "password"},
}};

constexpr std::array<MessageName, server_message_count> server_messages = {{
    {0, "other"},
    {'1', "parse_complete"},
    {'2', "bind_complete"},
    {'3', "close_complete"},
    {'A', "notification_response"},
    {'C', "command_complete"},
    {'D', "data_row"},
    {'E', "error_response"},
    {'G', "copy_in_response"},
    {'H', "copy_out_response"},
    {'I', "empty_query_response"},
    {'K', "backend_key_data"},
    {'N', "notice_response"},
    {'R', "authentication"},
    {'S', "parameter_status"},
    {'T', "row_description"},
    {'V', "function_call_response"},
    {'W', "copy_both_response"},
    {'Z', "ready_for_query"},
    {'c', "copy_done"},
    {'n', "no_data"},
    {'s', "portal_suspended"},
    {'t', "parameter_description"},
    {'v', "negotiate_protocol_version"},
}};

// Indexed by type byte: searching a list for each message would be too slow.
template <class Enum, std::size_t size>
constexpr std::array<Enum, 256> by_type(const std::array<MessageName, size>& names) {
    std::array<Enum, 256> indexes{};
    for (std::size_t i = 1; i < size; ++i)
        indexes[static_cast<unsigned char>(names[i].type)] = static_cast<Enum>(i);
    return indexes;
}
constexpr auto client_message_places = by_type<ClientMessage>(client_messages);
constexpr auto server_message_places = by_type<ServerMessage>(server_messages);

constexpr std::array<Word, transaction_end_count> transaction_ends = {
    "committed", "rolled_back", "failed", "unknown"};

constexpr std::array<Word, sqlstate_class_count> sqlstate_classes = {
    "other", "00", "01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20",
    "21",    "22", "23", "24", "25", "26", "27", "28", "2B", "2D", "2F", "34", "38", "39", "3B",
    "3D",    "3F", "40", "42", "44", "53", "54", "55", "57", "58", "72", "F0", "HV", "P0", "XX"};
static_assert(!client_messages.back().word.empty() && !server_messages.back().word.empty() &&
              !sqlstate_classes.back().empty());

} // namespace

Word to_word(CloseReason reason) noexcept {
    return word_of(close_reasons, reason);
}
Word to_word(Mode mode) noexcept {
    return word_of(modes, mode);
}
Word to_word(StartupKind kind) noexcept {
    return word_of(startup_kinds, kind);
}
Word to_word(StartupError error) noexcept {
    return word_of(startup_errors, error);
}
Word to_word(Side side) noexcept {
    return word_of(sides, side);
}
Word to_word(Direction direction) noexcept {
    return word_of(directions, direction);
}
Word to_word(HandshakeFailure failure) noexcept {
    return word_of(handshake_failures, failure);
}
Word to_word(Sni sni) noexcept {
    return word_of(snis, sni);
}
Word to_word(TlsVersion version) noexcept {
    return word_of(tls_versions, version);
}
Word to_word(Cipher cipher) noexcept {
    return word_of(ciphers, cipher);
}
Word to_word(Group group) noexcept {
    return word_of(groups, group);
}
Word to_word(ConnectResult result) noexcept {
    return word_of(connect_results, result);
}
Word to_word(CancelOutcome outcome) noexcept {
    return word_of(cancel_outcomes, outcome);
}
Word to_word(ScramOutcome outcome) noexcept {
    return word_of(scram_outcomes, outcome);
}
Word to_word(AcceptError error) noexcept {
    return word_of(accept_errors, error);
}
Word to_word(Limit limit) noexcept {
    return word_of(limits, limit);
}

Word to_word(ClientMessage message) noexcept {
    return client_messages[static_cast<std::size_t>(message)].word;
}
Word to_word(ServerMessage message) noexcept {
    return server_messages[static_cast<std::size_t>(message)].word;
}
Word to_word(TransactionEnd end) noexcept {
    return word_of(transaction_ends, end);
}
Word to_word(SqlstateClass sqlstate_class) noexcept {
    return word_of(sqlstate_classes, sqlstate_class);
}

TlsVersion tls_version_from(std::string_view name) noexcept {
    return position_of<TlsVersion>(tls_versions, name);
}

Cipher cipher_from(std::string_view name) noexcept {
    return position_of<Cipher>(ciphers, name);
}

Group group_from(std::string_view name) noexcept {
    return name.empty() ? Group::none : position_of<Group>(groups, name);
}

ClientMessage client_message_from(std::uint8_t type) noexcept {
    return client_message_places[type];
}

ServerMessage server_message_from(std::uint8_t type) noexcept {
    return server_message_places[type];
}

SqlstateClass sqlstate_class_from(std::string_view text) noexcept {
    return position_of<SqlstateClass>(sqlstate_classes, text);
}

AcceptError accept_error_from(int errno_value) noexcept {
    switch (errno_value) {
    case EMFILE: return AcceptError::emfile;
    case ENFILE: return AcceptError::enfile;
    case ENOBUFS: return AcceptError::enobufs;
    case ENOMEM: return AcceptError::enomem;
    case ECONNABORTED: return AcceptError::econnaborted;
    case EPERM: return AcceptError::eperm;
    default: return AcceptError::other;
    }
}

} // namespace pgmoat::metrics
