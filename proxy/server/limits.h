// The bounds of the server as a whole, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pgmoat::server {

// How often a draining server looks whether everyone has left.
inline constexpr std::chrono::milliseconds shutdown_poll{20};

// After connections were cut off, how long their last words (a log line, a counter) may take.
inline constexpr std::chrono::seconds cut_off_wait{2};

// Rules that have series of their own; the rest of a huge file shares one.
inline constexpr unsigned rules_shown_max = 1000;

// How often it is looked which sessions idle_session_timeout and max_session_lifetime end: their unit.
inline constexpr std::chrono::seconds session_timeouts_look{1};

// How often the server says how many lines it held back, and looks at itself for the status page.
inline constexpr std::chrono::seconds housekeeping_pause{2};

// ssl_watch: files that change together are seldom written at one moment. So long it is waited for
// the next of them; an attempt that failed is made again after the pause, and a pair that still
// does not fit after the patience is no rotation but a mistake, and said to be one.
inline constexpr std::chrono::milliseconds watch_debounce{200};
inline constexpr std::chrono::milliseconds watch_retry_pause{1000};
inline constexpr std::chrono::seconds watch_patience{5};

// ssl_passphrase_command: as long as systemd-ask-password waits for a person to type by default.
inline constexpr std::chrono::seconds passphrase_timeout{90};
// How often it is looked whether the command has ended or is no longer wanted.
inline constexpr std::chrono::milliseconds passphrase_poll{10};
// A line longer than this is no passphrase: OpenSSL takes 1024 bytes (PEM_BUFSIZE).
inline constexpr std::size_t passphrase_line_bytes_max = 1024;

// `pgmoat check --probe`: a person waits for it.
inline constexpr std::chrono::seconds probes_at_check_max{30};

// How long a line to the service manager may wait for it to be read.
inline constexpr std::chrono::seconds notify_patience{1};

// Of a status line: systemctl shows one line.
inline constexpr std::size_t status_bytes_max = 512;

// Sockets that the service manager may hand over: more than the listeners of any configuration.
inline constexpr long long handed_over_sockets_max = 1024;

// At an upgrade: how long the new process may take to be ready (a passphrase may be asked for), how
// often it is looked whether it is, and how long a message of it may be.
inline constexpr std::chrono::seconds successor_patience{120};
inline constexpr std::chrono::milliseconds successor_poll{5};
inline constexpr std::size_t notify_bytes_max = 4096;

// Live sessions that go to the new process. A text of a session's facts comes from a startup packet
// (10 000 bytes), a PROXY header (4 KiB) or the configuration. The whole message must fit into a unix
// socket's default buffer (208 KiB), with what relay::limits::leaving_bytes allows of bytes.
inline constexpr std::size_t moved_text_bytes_max = 16UL * 1024;
inline constexpr std::size_t moved_session_bytes_max = 200UL * 1024;
// Ids that no process comes to, and that every reader of JSON can hold.
inline constexpr std::uint64_t moved_id_max = std::uint64_t{1} << 53;
// How many are on their way at once: as many as are sure to fit into the queue of a unix socket
// (net.unix.max_dgram_qlen, 10 by default).
inline constexpr std::size_t moving_at_once_max = 8;
// How long the new process may take to answer for them: they stand still meanwhile.
inline constexpr std::chrono::seconds moving_patience{5};
// How often those are looked at that could not go before: on their way in, or full of bytes.
inline constexpr std::chrono::milliseconds moving_retry_pause{100};
// Messages taken by the new process before its other work gets its turn.
inline constexpr int moved_per_turn = 16;
// Ids between the last session of the old process at the start of the new one and the first of that:
// what the old one accepts in between.
inline constexpr std::uint64_t ids_left_free = 100'000;

// What a stop may take after shutdown_timeout: connections that are cut off, the last log lines.
inline constexpr std::chrono::seconds stop_reserve{15};

} // namespace pgmoat::server
