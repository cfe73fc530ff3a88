// Follows both directions of a session after its login and tells a sink what passed: from message
// headers, the status byte of ReadyForQuery, the SQLSTATE class of ErrorResponse and the first
// letter of a command's tag that is as long as ROLLBACK. No other byte of a body is looked at, and
// none is kept. A stream that is no stream of messages is followed no
// further; it can do no harm.
//
// CopyData, the rows of COPY, are passed over as fast as can be and not told.
//
// A transaction ends when ReadyForQuery says idle, at most one with each. How it ended, as far as
// headers tell:
//
//   failed       the block was in a failed state, or an error came since the last ReadyForQuery
//   rolled_back  a block, and the only command that was completed since is ROLLBACK
//   unknown      several commands were completed, and ROLLBACK was among them; or its end is all
//                that was seen of it
//   committed    everything else: ROLLBACK was not among the commands. A transaction that was
//                prepared is among these
//
// Where nothing was completed, as after a lone Sync or Parse, none has ended. COMMIT AND CHAIN does
// not show: the session is in a block before and after it.
//
// A session is idle when the last ReadyForQuery said so and nothing was sent since that asks for
// work. Query, FunctionCall and Sync are each answered by one ReadyForQuery. A COPY swallows the
// Sync that came before its data: that one is not waited for.
// Source: PostgreSQL protocol, "Message Flow", "Message Formats".
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

// The first two characters, as the server sent them: looked up in a list where it is counted. Zeros:
// the error had none.
using SqlstateClass = std::array<char, 2>;

// Asks the server to run something: Query, Execute, FunctionCall.
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

// However the streams are cut, the sink is told the same in sum.
class TrafficObserver {
  public:
    // The next bytes of a direction. Both begin behind the first ReadyForQuery.
    void from_client(ByteView bytes, TrafficSink& sink) noexcept;
    void from_server(ByteView bytes, TrafficSink& sink) noexcept;

    // Bytes of a direction went by unseen. Unless they were of one body, nothing is told of the
    // direction until the server is known to be ready for a query: when bytes that it sent end in
    // ReadyForQuery. A client begins a message then, if it does not send ahead: that is a guess
    // until the ReadyForQuery after it finds the client between two messages.
    void client_sent_unseen(std::size_t count) noexcept;
    void server_sent_unseen(std::size_t count) noexcept;

    // Where the server's messages begin is known.
    [[nodiscard]] bool follows_server() const noexcept {
        return !server_lost_ && !server_.broken();
    }
    // After how many of these next bytes of the server's its current message is complete: 0 between
    // two. Nothing: not within them, or not known.
    [[nodiscard]] std::optional<std::size_t> server_message_ends_in(ByteView bytes) const noexcept;
    // Nothing is under way: no transaction, no query, no message begun. False where it is not known.
    [[nodiscard]] bool idle() const noexcept;
    // The client sent Terminate: whatever ends after that, the client ended it.
    [[nodiscard]] bool client_terminated() const noexcept { return client_terminated_; }

    // What of a server's message is looked at.
    enum class Peek : std::uint8_t {
        nothing,
        tag,
        status,
        field_code,
        field,
        sqlstate,
        sqlstate_second
    };

    // Of the commands since the last ReadyForQuery.
    struct Cycle {
        bool failed = false;
        bool completed_one = false;
        bool completed_several = false;
        bool rolled_back = false;
        bool operator==(const Cycle&) const = default;
    };

    // All that it remembers, so that another observer can go on with the session.
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
    // Nothing: no observer can be in that state.
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
    bool client_lost_ = false; // by unseen bytes
    bool client_guessed_ = false;
    bool server_lost_ = false;
    bool client_terminated_ = false;
    std::uint8_t status_ = 'I';     // of the last ReadyForQuery
    std::uint32_t ready_owed_ = 0;  // how many ReadyForQuery the server owes
    std::uint8_t last_request_ = 0; // that asked for the last of them
    bool unsynced_ = false;         // messages of the extended protocol that no Sync followed yet
    Cycle cycle_;
    Peek peek_ = Peek::nothing;
    std::uint8_t peeked_bytes_ = 0; // of the ErrorResponse
    char sqlstate_first_ = 0;
};

} // namespace pgmoat::protocol
