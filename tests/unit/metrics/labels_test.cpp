// The closed lists: every value has a word of its own, and a name outside a list is `other`.
#include "metrics/labels.h"
#include "tests/support/catch.h"

#include <cerrno>
#include <set>
#include <string>

using namespace pgmoat::metrics;

namespace {

template <class Enum>
std::set<std::string> words_of(std::size_t count) {
    std::set<std::string> words;
    for (std::size_t i = 0; i < count; ++i) {
        words.insert(std::string(to_word(static_cast<Enum>(i))));
    }
    return words;
}

bool is_label_word(const std::string& word) {
    return !word.empty() &&
           word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

template <class Enum>
void check_words(std::size_t count) {
    const auto words = words_of<Enum>(count);
    CHECK(words.size() == count);
    for (const std::string& word : words) {
        INFO(word);
        CHECK(is_label_word(word));
    }
}

} // namespace

TEST_CASE("Every value of a closed list has a word of its own") {
    check_words<CloseReason>(close_reason_count);
    check_words<Mode>(mode_count);
    check_words<StartupKind>(startup_kind_count);
    check_words<StartupError>(startup_error_count);
    check_words<Side>(side_count);
    check_words<Direction>(direction_count);
    check_words<HandshakeFailure>(handshake_failure_count);
    check_words<Sni>(sni_count);
    check_words<ConnectResult>(connect_result_count);
    check_words<CancelOutcome>(cancel_outcome_count);
    check_words<Limit>(limit_count);
    check_words<ClientMessage>(client_message_count);
    check_words<ServerMessage>(server_message_count);
    check_words<TransactionEnd>(transaction_end_count);
    CHECK(words_of<SqlstateClass>(sqlstate_class_count).size() == sqlstate_class_count);
}

TEST_CASE("The last value of a list has the last word in its table") {
    CHECK(to_word(CloseReason::internal) == "internal");
    CHECK(to_word(CloseReason::proxy_header) == "proxy_header");
    CHECK(to_word(StartupError::proxy_header) == "proxy_header");
    CHECK(to_word(HandshakeFailure::other) == "other");
    CHECK(to_word(ConnectResult::other) == "other");
    CHECK(to_word(CancelOutcome::invalid) == "invalid");
    CHECK(to_word(StartupKind::invalid) == "invalid");
    CHECK(to_word(AcceptError::other) == "other");
}

TEST_CASE("A name that OpenSSL uses comes back as it went in") {
    for (const std::string name : {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}) {
        CHECK(to_word(tls_version_from(name)) == name);
    }
    for (const std::string name : {"TLS_AES_256_GCM_SHA384",
                                   "TLS_CHACHA20_POLY1305_SHA256",
                                   "ECDHE-RSA-AES256-GCM-SHA384",
                                   "ECDHE-ECDSA-AES128-SHA256",
                                   "DHE-RSA-AES256-SHA",
                                   "AES128-SHA",
                                   "DES-CBC3-SHA"}) {
        CHECK(to_word(cipher_from(name)) == name);
    }
    for (const std::string name :
         {"X25519", "prime256v1", "ffdhe2048", "X25519MLKEM768", "MLKEM1024"}) {
        CHECK(to_word(group_from(name)) == name);
    }
}

TEST_CASE("A name outside the list is other") {
    for (const std::string name : {"", "TLSv1.4", "tlsv1.3", "TLSv1.3 ", "\"} 1\nevil"}) {
        INFO(name);
        CHECK(to_word(tls_version_from(name)) == "other");
        CHECK(to_word(cipher_from(name)) == "other");
    }
    CHECK(to_word(group_from("curve9")) == "other");
}

TEST_CASE("A handshake without a group has the group none") {
    CHECK(to_word(group_from("")) == "none");
}

TEST_CASE("An errno of accept is named or other") {
    CHECK(to_word(accept_error_from(EMFILE)) == "EMFILE");
    CHECK(to_word(accept_error_from(ENFILE)) == "ENFILE");
    CHECK(to_word(accept_error_from(ENOBUFS)) == "ENOBUFS");
    CHECK(to_word(accept_error_from(ENOMEM)) == "ENOMEM");
    CHECK(to_word(accept_error_from(ECONNABORTED)) == "ECONNABORTED");
    CHECK(to_word(accept_error_from(EPERM)) == "EPERM");
    CHECK(to_word(accept_error_from(EINVAL)) == "other");
}

TEST_CASE("A message type has its own word in each direction") {
    struct Case {
        char type;
        const char* from_client;
        const char* from_server;
    };
    for (const auto& [type, from_client, from_server] : {Case{'Q', "query", "other"},
                                                         Case{'S', "sync", "parameter_status"},
                                                         Case{'E', "execute", "error_response"},
                                                         Case{'Z', "other", "ready_for_query"},
                                                         Case{'d', "other", "other"},
                                                         Case{'\0', "other", "other"},
                                                         Case{'\xff', "other", "other"}}) {
        INFO(type);
        const auto byte = static_cast<std::uint8_t>(type);
        CHECK(to_word(client_message_from(byte)) == from_client);
        CHECK(to_word(server_message_from(byte)) == from_server);
    }
}

TEST_CASE("A class of SQLSTATE is PostgreSQL's or other") {
    CHECK(to_word(sqlstate_class_from("23")) == "23");
    CHECK(to_word(sqlstate_class_from("XX")) == "XX");
    for (const std::string& text : {std::string("ZZ"), std::string("2"), std::string(2, '\0')})
        CHECK(sqlstate_class_from(text) == SqlstateClass::other);
}
