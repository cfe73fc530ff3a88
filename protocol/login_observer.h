// Follows the server's messages from the startup packet to the first ReadyForQuery, without holding
// or changing them, except one: SCRAM-SHA-256-PLUS is removed from the SASL list when the client's
// leg is plaintext (deploy/docs/tls.md). It never sees what the client sends while it authenticates
// (law 7). Where the SCRAM bridge may answer in the client's place, the server's SASL messages are
// handed to the driver instead: intercept_sasl().
//
//   message                         | stands     | held         | effect
//   --------------------------------+------------+--------------+---------------------------------
//   R  Authentication...            | before R 0 | code         | R 0: authenticated
//   R  AuthenticationSASL           | before R 0 | whole        | list noted, perhaps rewritten
//   v  NegotiateProtocolVersion     | before R 0 | version      | noted
//   E  ErrorResponse                | anywhere   | its begin    | noted; FATAL, PANIC: refused
//   E  of protocol 2, no length     | first      | whole        | noted; refused
//   N  NoticeResponse               | anywhere   | header       |
//   S  ParameterStatus              | after R 0  | its begin    | role noted; a standby perhaps refused
//   K  BackendKeyData               | after R 0  | whole        | noted
//   Z  ReadyForQuery                | after R 0  | whole        | ready
//   anything else, anywhere else, or a length out of limits.h  | violation; the driver closes
//
// A postmaster that cannot fork answers with an E of protocol 2 before it has read a byte: text up
// to a NUL, without a length. It is recognized by four bytes of text in place of the length, as in
// libpq, which shows the text to its user; so it is passed on unchanged.
//
// The server's part of a SASL exchange (R 11, R 12) is not kept: only the code of R is read, and an
// intercepted message is wiped when it is dropped.
//
// A request for a weaker method than the caller accepts is not passed on, nor is R 0 after a weaker
// one: so the client sends no password to a server that should not have asked for it, and is not
// let in by a server that should have asked. R 0 after a SCRAM exchange without its end (R 12)
// counts as no authentication. All this is checked before a message is intercepted, so it holds for
// bridged logins too. Source: PostgreSQL protocol, "Message Flow / Start-up"; libpq fe-connect.c,
// CONNECTION_AWAITING_RESPONSE.
#pragma once

#include "protocol/bytes.h"
#include "protocol/frames.h"
#include "protocol/server_method.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pgmoat::protocol {

// What became known during the login. Texts are the server's: they are escaped where they are
// logged.
struct LoginFacts {
    std::vector<std::string> sasl_mechanisms; // as the server offered them
    bool plus_removed = false;
    std::uint32_t authentication_request =
        0; // the last R code: 0 ok, 3 password, 5 md5, 10 SASL, ...
    // What the server asked the client for; at R 0, how the client has authenticated.
    ServerMethod method = ServerMethod::none;
    bool authenticated = false; // R 0 was seen
    std::uint32_t backend_process_id = 0;
    Bytes cancel_key;                                // empty until BackendKeyData
    std::optional<std::uint32_t> negotiated_version; // from NegotiateProtocolVersion
    // Its last ParameterStatus of this name. PostgreSQL sends them since 14.
    std::optional<bool> in_hot_standby;
    std::optional<bool> default_transaction_read_only;
    std::string error_sqlstate; // of the last ErrorResponse
    std::string error_message;
    bool operator==(const LoginFacts&) const = default;
};

class LoginObserver {
  public:
    enum class Progress {
        in_login,
        sasl,  // a message was intercepted: continue with pass_intercepted() or drop_intercepted()
        ready, // ReadyForQuery went out: the rest of the input is not consumed
        refused, // an ErrorResponse of severity FATAL or PANIC went out; the server will close.
                 // An error without a severity that we can read does not end the login: the
                 // server's close does
        standby, // the server says that it is one, after refuse_standby(): the rest is not consumed
        unproven, // the server asks for less than is accepted (facts().method), or for nothing
        protocol_violation, // not a message allowed here; see complaint()
    };

    struct Step {
        Progress progress;
        std::size_t consumed; // of `in`
    };

    // `strip_channel_binding`: the client's leg is plaintext while the server's leg uses TLS.
    // `accepted`: the methods that the server may ask for.
    explicit LoginObserver(bool strip_channel_binding,
                           ServerMethods accepted = ServerMethods::all()) noexcept
        : strip_channel_binding_(strip_channel_binding), accepted_(accepted) {}

    // Takes the next bytes from the server and appends to `out` what the client is to get. A
    // message that must be seen whole is held back until it is complete. The output and the facts
    // do not depend on how the input is cut. Once the progress is no longer in_login, nothing is
    // consumed.
    [[nodiscard]] Step observe(ByteView in, Bytes& out);

    // From now on a server with in_hot_standby=on ends the login with `standby`. PostgreSQL reports
    // it after R 0, since version 14.
    void refuse_standby() noexcept { refuses_standby_ = true; }

    // From now on AuthenticationSASL is withheld and the progress is `sasl`; the list is in
    // facts(). pass_intercepted() sends it on and ends the interception. drop_intercepted(), also
    // after a pass, discards it and withholds every further Authentication message,
    // AuthenticationOk included, until end_interception(): the client gets nothing that the
    // bridge has not checked.
    void intercept_sasl() noexcept { interception_ = Interception::of_list; }
    // The body of the intercepted message, including its code.
    [[nodiscard]] ByteView intercepted() const noexcept { return held_body(); }
    void pass_intercepted(Bytes& out);
    void drop_intercepted();
    void end_interception() noexcept { interception_ = Interception::none; }

    [[nodiscard]] const LoginFacts& facts() const noexcept { return facts_; }
    // AuthenticationXxx messages so far.
    [[nodiscard]] std::size_t authentication_messages() const noexcept {
        return authentication_messages_;
    }
    // For the log: what was wrong. Empty unless protocol_violation.
    [[nodiscard]] const std::string& complaint() const noexcept { return complaint_; }

  private:
    // The part of a message that the next byte belongs to.
    enum class Part { header, held, streamed, old_error };
    enum class Interception { none, of_list, of_exchange };

    [[nodiscard]] bool advance(ByteView& rest, Bytes& out);
    [[nodiscard]] bool take_header(ByteView& rest);
    [[nodiscard]] bool take_held(ByteView& rest, Bytes& out);
    [[nodiscard]] bool take_streamed(ByteView& rest, Bytes& out);
    [[nodiscard]] bool take_old_error(ByteView& rest, Bytes& out);
    void begin_message(const FrameHeader& header);

    void inspect();
    void inspect_authentication();
    void inspect_request(std::uint32_t code);
    void note_method(ServerMethod method);
    void inspect_ok();
    [[nodiscard]] bool intercepts(std::uint32_t code) const noexcept;
    void inspect_sasl_list();
    void inspect_negotiation();
    void inspect_error();
    void inspect_key();
    void inspect_parameter();
    void remove_plus();

    [[nodiscard]] ByteView held_body() const noexcept;
    void release_held(Bytes& out);
    void overwrite_held();
    void complain(std::string complaint);

    bool strip_channel_binding_;
    bool refuses_standby_ = false;
    ServerMethods accepted_;
    bool sasl_ended_ = false; // R 12 was seen
    LoginFacts facts_;
    std::size_t authentication_messages_ = 0;
    std::string complaint_;
    Progress progress_ = Progress::in_login;
    Progress progress_after_message_ = Progress::in_login; // once its last byte was passed on

    // The bound depends on the type of a message, so the walker accepts any length.
    FrameWalker walker_{UINT32_MAX};
    Part part_ = Part::header;
    Interception interception_ = Interception::none;
    bool first_message_ = true;
    FrameHeader header_;         // of the current message
    Bytes held_;                 // the part that must be seen before it may go out
    std::size_t hold_bytes_ = 0; // how much that is, header included
};

} // namespace pgmoat::protocol
