// Every bound of the relay plane, with its reason. Measured values: see README.md.
//
// What a channel may cost in user space, however its peers behave: nothing but its own structs
// while it flows; while a side accepts no bytes, what one turn of the other side had produced
// (`turn_bytes`) plus the answers that TLS owed (`answer_bytes`), for each side: under 430 KiB. A
// stalled splice holds one pipe (64 KiB of kernel pages) per direction instead. The socket buffers
// are the kernel's to bound (tcp_rmem, tcp_wmem, TCP_NOTSENT_LOWAT).
#pragma once

#include <chrono>
#include <cstddef>

namespace pgmoat::relay::limits {

// One recv. A PostgreSQL server writes 8 KiB at a time: eight of them, or four full TLS records.
inline constexpr std::size_t receive_bytes = 64UL * 1024;

// One recv of a direction that is woken late, through TLS of ours: a tenth less work than with
// receive_bytes. Twice as much again would only speed up COPY in, and is held for peers that stall.
inline constexpr std::size_t late_receive_bytes = 128UL * 1024;

// What one recv may decrypt to: its own bytes and a record of which the first part came earlier and
// waited inside the TLS session (16 KiB and its overhead).
inline constexpr std::size_t plaintext_bytes = late_receive_bytes + 17UL * 1024;

// The same after encryption: at most 64 bytes more per record of 16 KiB (CBC in TLS 1.2 is the
// worst).
inline constexpr std::size_t turn_bytes = plaintext_bytes + 1024;

// What a direction may do per wake-up before others get their turn. Less makes TLS bulk slow (5 x 4
// KiB was too little for PgBouncer), more makes small queries wait.
inline constexpr std::size_t work_bytes = 256UL * 1024;
inline constexpr int work_turns = 4;

// Receives (and then sends) made with one system call, when so many channels are ready that it
// pays. A batch has its own buffer for each: small messages fit, and what is larger goes on alone.
inline constexpr std::size_t batch_operations = 32;
inline constexpr std::size_t batch_receive_bytes = 16UL * 1024;
inline constexpr std::size_t batch_pays_from = 3;
// What such a receive may decrypt to, as plaintext_bytes is to receive_bytes.
inline constexpr std::size_t batch_plaintext_bytes = batch_receive_bytes + 17UL * 1024;

// TLS answers (KeyUpdate, alerts) owed to a peer that reads nothing. One is 27 bytes.
inline constexpr std::size_t answer_bytes = 64UL * 1024;

// Splice pays from 4 to 16 KiB per read on (performance.md, section 9); two large reads in a row,
// or one that filled the buffer, say that more will come.
inline constexpr std::size_t bulk_enters_at = 16UL * 1024;
inline constexpr std::size_t bulk_leaves_below = 4UL * 1024;

// A direction that moved so much in a row is woken late: for so many bytes, or after a tick. What ends
// its result may then wait for a tick, which is next to nothing beside the time that so many bytes took.
// A tick that brings next to nothing ends it, until what would have reached the mark came at once.
inline constexpr std::size_t late_after_bytes = 8UL * 1024 * 1024;
inline constexpr int late_wakes_at = 256 * 1024;
inline constexpr std::size_t late_again_after_bytes = late_wakes_at;
inline constexpr std::chrono::microseconds late_tick{500};
inline constexpr std::size_t late_ends_below = 16UL * 1024;

// A default pipe. Larger ones eat into pipe-user-pages-soft, which allows 1024 default ones.
inline constexpr std::size_t pipe_bytes = 64UL * 1024;
// Pipes per thread, in use and kept. A pipe is in use only while bytes are in it, so that only
// stalled bulk transfers count; beyond the limit bulk is relayed through memory.
inline constexpr std::size_t pipes = 256;
inline constexpr std::size_t idle_pipes = 16;

// What a channel may hold for its peers when it is given away, in all: it goes in one message. What a
// direction holds is bounded by receive_bytes or pipe_bytes, so that only a session of which both
// peers are stuck at once holds more, and waits.
inline constexpr std::size_t leaving_bytes = 160UL * 1024;

// The server has ended and everything, its end included, was passed on: how long the client may
// take to close. Closing at once could reset the connection under bytes that the client has not
// read yet.
inline constexpr std::chrono::seconds linger{5};

// One side is gone and the other accepts nothing of what it is still owed.
inline constexpr std::chrono::seconds stall_after_end{60};

// How often deadlines are looked at, while there are any.
inline constexpr std::chrono::milliseconds deadline_tick{500};

// Events taken from epoll at a time: 3 KiB of stack, and no channel waits for more than so many
// others.
inline constexpr int events = 256;

// Packing: a thread takes new channels until it is busy for half of its time. A channel never
// moves, so the other half is headroom for those that it has.
inline constexpr double busy_enough = 0.5;
// What a channel is assumed to cost until it was measured with the rest: keeps a burst of new
// channels (every client reconnects) from landing on one thread.
inline constexpr double unmeasured_share = 1.0 / 128;
inline constexpr std::chrono::seconds measured_over{1};

} // namespace pgmoat::relay::limits
