// The relay plane: a few threads with an epoll loop each, on which live connections run until they
// close. Channels are packed: a new one goes to the first thread that is less than half busy.
#pragma once

#include "proxy/relay/channel.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace pgmoat::relay {

struct PlaneSettings {
    std::size_t threads = 2; // at most; the first is filled before the second is used
    // How long a thread keeps looking for events before it sleeps, if the last ones came that soon.
    std::chrono::microseconds spin{0};
};

// What one relay thread is doing; for metrics and tests.
struct ThreadFacts {
    std::string name;
    std::size_t channels = 0;
    double busy_share = 0; // of the last second, and what new channels are expected to add
    double measured_share = 0;
    std::chrono::steady_clock::duration lag{}; // the longest that an event may have waited lately
    std::size_t buffered_bytes = 0;            // held for peers that do not take them
    std::uint64_t spliced_bytes = 0;           // relayed without entering our memory
    std::size_t pipes_in_use = 0;
};

class Loop;

class Plane {
  public:
    // Starts the threads. `reporter` and `counters` must outlive the plane. Throws
    // std::system_error.
    Plane(const PlaneSettings& settings, Reporter& reporter, metrics::Counters& counters);
    // Closes what is still live (reason drain) and joins.
    ~Plane();
    Plane(const Plane&) = delete;
    Plane& operator=(const Plane&) = delete;

    // Takes a channel over; any thread. Both directions are pumped once at once: bytes may already
    // wait.
    void adopt(std::unique_ptr<Channel> channel);
    // Closes every live channel with reason drain; any thread. Returns at once.
    void close_all();
    // Closes every channel as soon as nothing is under way on it, those that are still to come too; any
    // thread. A channel whose messages cannot be read goes on.
    void close_all_when_idle(const Ended& ended, Whom whom = Whom::all);
    // Takes channels without TLS of ours, `most` of them at most, out of one of the threads, alive and
    // with all that is held for their peers; any thread. `thread` counts round.
    void give_away(std::size_t thread, std::size_t most, Taker taker);
    [[nodiscard]] std::size_t thread_count() const noexcept { return loops_.size(); }
    // Closes the channels with these ids as `ended` says, as far as there are any; any thread. Returns
    // at once. A channel whose adopt() came before is found, wherever it is by now.
    void close(std::span<const std::uint64_t> ids, const Ended& ended, When when = When::at_once);
    void close(std::uint64_t id, const Ended& ended) { close({&id, 1}, ended); }
    // Any thread.
    [[nodiscard]] std::vector<ThreadFacts> threads() const;

  private:
    std::vector<std::unique_ptr<Loop>> loops_;
};

} // namespace pgmoat::relay
