// One connection to the stub backend: just enough of a PostgreSQL server to log in and answer.
//
//   startup      --SSLRequest-->        handshaking   (or 'N' and stay, without a certificate)
//   handshaking  --TLS established-->   startup
//   startup      --StartupMessage-->    serving       (trust: no authentication)
//   serving      --Query-->             a fixed small result; for "bulk N" N bytes of rows; for
//                                       "row N" one row of N bytes; for "copy-in" CopyInResponse
//   serving      --CopyData, CopyDone-->  taken; CommandComplete after the second
//   any          --Terminate, cancel, end of stream, nonsense-->  closed
#pragma once

#include "bench/transport.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace pgmoat::bench {

class StubSession {
  public:
    // `context` may be null: SSLRequest is then answered 'N'.
    StubSession(int descriptor, ssl_ctx_st* context)
        : descriptor_(descriptor), transport_(descriptor), context_(context) {}

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    [[nodiscard]] bool logged_in() const noexcept { return state_ == State::serving; }

    enum class Turn { waiting, wants_another, closed };
    // Called on an edge, and again while it wants another turn.
    [[nodiscard]] Turn advance(bool peer_closed);

  private:
    enum class State { startup, handshaking, serving };

    [[nodiscard]] Turn flush();
    [[nodiscard]] bool flush_output();
    [[nodiscard]] Turn flush_rows();
    [[nodiscard]] Turn read_and_answer(bool peer_closed);
    [[nodiscard]] bool consume(std::string_view bytes);
    // Both return the bytes taken: 0 if the packet is incomplete, npos to close.
    [[nodiscard]] std::size_t take_startup_packet(std::string_view bytes);
    [[nodiscard]] std::size_t take_message(std::string_view bytes);
    [[nodiscard]] std::size_t answer_ssl_request(std::string_view bytes);
    void log_in();
    void answer_query(std::string_view text);

    int descriptor_; // transport_ closes it
    Transport transport_;
    ssl_ctx_st* context_;
    State state_ = State::startup;
    std::string input_;           // a packet that has not arrived whole
    std::string output_;          // answers not yet sent
    std::uint64_t rows_left_ = 0; // of a bulk result, after output_; or pieces of one large row
    std::size_t row_sent_ = 0;    // bytes of the current row that are out
};

} // namespace pgmoat::bench
