// The bounds of the server as a whole, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pgmoat::server {

// How often a draining server checks whether all connections have closed.
inline constexpr std::chrono::milliseconds shutdown_poll{20};

// After connections were cut off, how long reporting them (a log line, a counter) may take.
inline constexpr std::chrono::seconds cut_off_wait{2};

// Rules with series of their own; further rules of a huge file share one.
inline constexpr unsigned rules_shown_max = 1000;

// How often sessions are checked against idle_session_timeout and max_session_lifetime, whose unit
// is a second.
inline constexpr std::chrono::seconds session_timeouts_look{1};

// How often the server logs how many lines it suppressed, and samples the history for the status
// page.
inline constexpr std::chrono::seconds housekeeping_pause{2};

// ssl_watch: files that change together are seldom written at the same moment. After a change it
// waits this long for further ones. A failed load is retried after the pause; if it still fails
// after the patience, this is no rotation but a mistake, and is reported.
inline constexpr std::chrono::milliseconds watch_debounce{200};
inline constexpr std::chrono::milliseconds watch_retry_pause{1000};
inline constexpr std::chrono::seconds watch_patience{5};

// ssl_passphrase_command: as long as systemd-ask-password waits for a person to type by default.
inline constexpr std::chrono::seconds passphrase_timeout{90};
// How often to check whether the command has ended or its answer is no longer wanted.
inline constexpr std::chrono::milliseconds passphrase_poll{10};
// A longer line is not a passphrase: OpenSSL accepts 1024 bytes (PEM_BUFSIZE).
inline constexpr std::size_t passphrase_line_bytes_max = 1024;

// `pgmoat check --probe`: a person is waiting for it.
inline constexpr std::chrono::seconds probes_at_check_max{30};

// How long sending a message to the service manager may block.
inline constexpr std::chrono::seconds notify_patience{1};

// Length of the status text: systemctl shows one line.
inline constexpr std::size_t status_bytes_max = 512;

// Sockets that the service manager may hand over: more than the listeners of any configuration.
inline constexpr long long handed_over_sockets_max = 1024;

// At an upgrade: how long the new process may take to become ready (it may ask for a passphrase),
// how often that is checked, and how long its messages may be.
inline constexpr std::chrono::seconds successor_patience{120};
inline constexpr std::chrono::milliseconds successor_poll{5};
inline constexpr std::size_t notify_bytes_max = 4096;

// Live sessions that move to the new process. A text of a session's facts comes from a startup
// packet (10 000 bytes), a PROXY header (4 KiB) or the configuration. The whole message must fit
// into a unix socket's default buffer (208 KiB), together with the bytes that
// relay::limits::leaving_bytes allows.
inline constexpr std::size_t moved_text_bytes_max = 16UL * 1024;
inline constexpr std::size_t moved_session_bytes_max = 200UL * 1024;
// Connection ids: more than any process uses, and exact in every JSON parser.
inline constexpr std::uint64_t moved_id_max = std::uint64_t{1} << 53;
// How many may be on their way at once: as many as certainly fit into the queue of a Unix socket
// (net.unix.max_dgram_qlen, 10 by default).
inline constexpr std::size_t moving_at_once_max = 8;
// How long the new process may take to answer for them; meanwhile the sessions are not served.
inline constexpr std::chrono::seconds moving_patience{5};
// How soon sessions are tried again that could not move before: still logging in, or with too many
// buffered bytes.
inline constexpr std::chrono::milliseconds moving_retry_pause{100};
// Messages that the new process handles before its other work gets a turn.
inline constexpr int moved_per_turn = 16;
// Ids left between the last session of the old process and the first of the new one, for
// connections that the old one still accepts.
inline constexpr std::uint64_t ids_left_free = 100'000;

// How long a stop may take beyond shutdown_timeout: connections that are cut off, the last log
// lines.
inline constexpr std::chrono::seconds stop_reserve{15};

} // namespace pgmoat::server
