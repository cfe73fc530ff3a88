// Follows the server's messages from the startup packet to the first ReadyForQuery, without holding
// or changing them, except one: SCRAM-SHA-256-PLUS is removed from the SASL list when the client's
// leg is plaintext (design section 7). It sees the server's frames only; what the client sends
// while it authenticates only passes through (law 7). Where the SCRAM bridge may answer in the
// client's place, the server's SASL messages are handed to the driver instead: intercept_sasl().
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
// An E of protocol 2 is what a postmaster that cannot fork answers before it has read a byte: text
// up to a NUL where a length should be. It is told by four bytes of text in the place of the
// length, which libpq and we take for no length at all; libpq shows it to its user, so it goes out
// as it came.
//
// What the server says in a SASL exchange (R 11, R 12) is not kept: only the code of R is read,
// and what was intercepted is overwritten when it is dropped.
//
// A request that is less than the caller accepts does not go out, nor does an R 0 after less: the
// client has then sent no password to a server that should not have asked for it, and is not let in
// by one that should have. R 0 after a SCRAM exchange without its end (R 12) is one without proof.
// All this is judged before a message is intercepted, so that it holds for a bridged login too.
// Source: PostgreSQL protocol, "Message Flow / Start-up"; libpq fe-connect.c,
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

// What became known of the login. Texts are the server's: cleaned where they are logged.
struct LoginFacts {
    std::vector<std::string> sasl_mechanisms; // as the server offered them
    bool plus_removed = false;
    std::uint32_t authentication_request =
        0; // the last R code: 0 ok, 3 password, 5 md5, 10 SASL, ...
    // What the client was asked for; at R 0 what it has proved itself by.
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
        sasl,    // a message was intercepted: pass_intercepted() or drop_intercepted() goes on
        ready,   // ReadyForQuery went out: the rest of the input is not consumed
        refused, // an ErrorResponse of severity FATAL or PANIC went out; the server will close.
                 // An error without a severity that we can read does not end the login: the
                 // server's close does
        standby, // the server says that it is one, after refuse_standby(): the rest is not consumed
        unproven, // the server asks for less than is accepted (facts().method), or for nothing
        protocol_violation, // not a message that may stand here; see complaint()
    };

    struct Step {
        Progress progress;
        std::size_t consumed; // of `in`
    };

    // `strip_channel_binding`: the client's leg is in the clear while the server's is in TLS.
    // `accepted`: what the client may be asked for.
    explicit LoginObserver(bool strip_channel_binding,
                           ServerMethods accepted = ServerMethods::all()) noexcept
        : strip_channel_binding_(strip_channel_binding), accepted_(accepted) {}

    // Takes the next bytes from the server and appends to `out` what the client is to get. Bytes of
    // a message that must be seen whole are held back until it is complete. However the input is
    // cut, the output and the facts are the same. Once it is not in_login any more nothing is
    // consumed.
    [[nodiscard]] Step observe(ByteView in, Bytes& out);

    // A server that says in_hot_standby=on is not wanted. PostgreSQL says so since 14, after R 0.
    void refuse_standby() noexcept { refuses_standby_ = true; }

    // From now on AuthenticationSASL is withheld and progress is `sasl`; the list is in facts().
    // Passed, it is as if it had never been intercepted, and nothing is any more. Dropped, after it
    // was passed too, every further Authentication message is withheld, AuthenticationOk included,
    // until end_interception(): the client is told nothing that the bridge did not check.
    void intercept_sasl() noexcept { interception_ = Interception::of_list; }
    // The body of the message that was intercepted, its code included.
    [[nodiscard]] ByteView intercepted() const noexcept { return held_body(); }
    void pass_intercepted(Bytes& out);
    void drop_intercepted();
    void end_interception() noexcept { interception_ = Interception::none; }

    [[nodiscard]] const LoginFacts& facts() const noexcept { return facts_; }
    // AuthenticationXxx messages so far.
    [[nodiscard]] std::size_t authentication_messages() const noexcept {
        return authentication_messages_;
    }
    // What was wrong, for the log. Empty unless protocol_violation.
    [[nodiscard]] const std::string& complaint() const noexcept { return complaint_; }

  private:
    // Where in the stream we are: the part of a message that the next byte belongs to.
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
    Progress progress_after_message_ = Progress::in_login; // once its last byte is out

    // Bounds depend on the type of a message, so the walker itself takes any length.
    FrameWalker walker_{UINT32_MAX};
    Part part_ = Part::header;
    Interception interception_ = Interception::none;
    bool first_message_ = true;
    FrameHeader header_;         // of the current message
    Bytes held_;                 // what of it must be seen before it may go out
    std::size_t hold_bytes_ = 0; // how much that is, header included
};

} // namespace pgmoat::protocol
