// Follows both directions of a session after its login and reports messages and transactions to a
// sink. It reads only message headers, the status byte of ReadyForQuery, the SQLSTATE class of
// ErrorResponse and the first letter of a command's tag that is as long as ROLLBACK. It looks at no
// other byte of a body, and keeps none. If the bytes are not valid messages, it stops following the
// stream; the relay goes on.
//
// CopyData messages, the rows of COPY, are skipped quickly and not reported.
//
// A transaction ends when ReadyForQuery reports idle; at most one with each ReadyForQuery. How it
// ended is derived from headers:
//
//   failed       the block was in a failed state, or an error came since the last ReadyForQuery
//   rolled_back  a block, and the only command that was completed since is ROLLBACK
//   unknown      several commands were completed, and ROLLBACK was among them; or its end is all
//                that was seen of it
//   committed    everything else: ROLLBACK was not among the commands. A transaction that was
//                prepared is among these
//
// If no command was completed, as after a lone Sync or Parse, no transaction has ended. COMMIT AND
// CHAIN cannot be seen: the session is in a block before and after it.
//
// A session is idle if the last ReadyForQuery said so and the client has sent no request since.
// Query, FunctionCall and Sync are each answered by one ReadyForQuery. During COPY the server
// ignores the Sync that came before the data, so no ReadyForQuery is expected for it. Source:
// PostgreSQL protocol, "Message Flow", "Message Formats".
#pragma once

#include "protocol/bytes.h"
#include "protocol/frames.h"
#include "protocol/limits.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace pgmoat::protocol {

enum class TransactionEnd : std::uint8_t { committed, rolled_back, failed, unknown };

// The first two characters of a SQLSTATE, as sent by the server; the sink looks them up in a list.
// Zeros: the error had none.
using SqlstateClass = std::array<char, 2>;

// Requests that run something on the server: Query, Execute, FunctionCall.
[[nodiscard]] constexpr bool is_query(std::uint8_t client_type) noexcept {
    return client_type == 'Q' || client_type == 'E' || client_type == 'F';
}

class TrafficSink {
  public:
    virtual void came_from_client(std::uint8_t type, std::uint64_t messages) noexcept = 0;
    virtual void came_from_server(std::uint8_t type, std::uint64_t messages) noexcept = 0;
    virtual void transaction_ended(TransactionEnd end) noexcept = 0;
    virtual void server_error(SqlstateClass sqlstate_class) noexcept = 0;

  protected:
    ~TrafficSink() = default;
};

// The sums that the sink gets do not depend on how the streams are cut.
class TrafficObserver {
  public:
    // The next bytes of a direction. Both begin after the first ReadyForQuery.
    void from_client(ByteView bytes, TrafficSink& sink) noexcept;
    void from_server(ByteView bytes, TrafficSink& sink) noexcept;

    // Bytes of a direction were relayed without being seen here. Unless they were all part of one
    // body, nothing of that direction is reported until the server's bytes end in ReadyForQuery.
    // The next byte from the client then begins a message, unless it pipelines: that is a guess
    // until the next ReadyForQuery finds the client between two messages.
    void client_sent_unseen(std::size_t count) noexcept;
    void server_sent_unseen(std::size_t count) noexcept;

    // The boundaries of the server's messages are known.
    [[nodiscard]] bool follows_server() const noexcept {
        return !server_lost_ && !server_.broken();
    }
    // After how many of these next bytes from the server its current message is complete; 0 between
    // two messages. Nothing: not within them, or unknown.
    [[nodiscard]] std::optional<std::size_t> server_message_ends_in(ByteView bytes) const noexcept;
    // No transaction, query or message is in progress. False if that is not known.
    [[nodiscard]] bool idle() const noexcept;
    // The client sent Terminate: the connection's end then counts as the client's.
    [[nodiscard]] bool client_terminated() const noexcept { return client_terminated_; }

    // What is read of the body of a server's message.
    enum class Peek : std::uint8_t {
        nothing,
        tag,
        status,
        field_code,
        field,
        sqlstate,
        sqlstate_second
    };

    // The commands since the last ReadyForQuery.
    struct Cycle {
        bool failed = false;
        bool completed_one = false;
        bool completed_several = false;
        bool rolled_back = false;
        bool operator==(const Cycle&) const = default;
    };

    // The complete state, so that another observer can continue with the session.
    struct State {
        FrameWalker::State client;
        FrameWalker::State server;
        bool client_lost = false;
        bool client_guessed = false;
        bool server_lost = false;
        bool client_terminated = false;
        std::uint8_t status = 'I';
        std::uint32_t ready_owed = 0;
        std::uint8_t last_request = 0;
        bool unsynced = false;
        Cycle cycle;
        Peek peek = Peek::nothing;
        std::uint8_t peeked_bytes = 0;
        char sqlstate_first = 0;
        bool operator==(const State&) const = default;
    };
    [[nodiscard]] State state() const noexcept;
    // Nothing: not a valid state.
    [[nodiscard]] static std::optional<TrafficObserver> from(const State& state) noexcept;

  private:
    void
    begin_server_message(const FrameHeader& header, ByteView& rest, TrafficSink& sink) noexcept;
    void note_request(std::uint8_t type) noexcept;
    void note_copy_in() noexcept;
    void note_completion() noexcept;
    [[nodiscard]] bool peek(ByteView& rest, TrafficSink& sink) noexcept;
    void peek_at_error(std::uint8_t byte, TrafficSink& sink) noexcept;
    void tell_error(SqlstateClass sqlstate_class, TrafficSink& sink) noexcept;
    void ready(std::uint8_t status, TrafficSink& sink) noexcept;
    [[nodiscard]] TransactionEnd how_it_ended() const noexcept;
    void look_for_ready(ByteView bytes, TrafficSink& sink) noexcept;
    void find_client() noexcept;

    FrameWalker client_{message_length_max};
    FrameWalker server_{message_length_max};
    bool client_lost_ = false; // after unseen bytes
    bool client_guessed_ = false;
    bool server_lost_ = false;
    bool client_terminated_ = false;
    std::uint8_t status_ = 'I';     // of the last ReadyForQuery
    std::uint32_t ready_owed_ = 0;  // how many ReadyForQuery the server owes
    std::uint8_t last_request_ = 0; // that caused the last of them
    bool unsynced_ = false;         // messages of the extended protocol without a Sync so far
    Cycle cycle_;
    Peek peek_ = Peek::nothing;
    std::uint8_t peeked_bytes_ = 0; // of an ErrorResponse
    char sqlstate_first_ = 0;
};

} // namespace pgmoat::protocol
