// Concurrent streams on one thread: bulk in both directions and small messages, so that many
// channels are ready in a turn and the batch has work; with readers that pause, small socket
// buffers, and system calls that do less than asked. Every byte of every stream is compared.

#include "tests/component/relay/socket_faults.h"
#include "tests/support/relay_fixture.h"

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

using namespace pgmoat;
using namespace pgmoat::test;

namespace {

constexpr std::size_t bulk_bytes = 3UL * 1024 * 1024;
constexpr int bulk_each_way = 3;
constexpr int small_channels = 4;

struct Load {
    SocketFaults faults = {};
    int send_buffer = 0; // SO_SNDBUF of the relay's sockets; 0: the kernel's
    bool readers_pause = false;
};

Ends connect(RelayFixture& relay, Mode mode, const Load& load) {
    Prepared prepared = prepare(mode);
    for (const int socket :
         {prepared.channel->client.socket.get(), prepared.channel->server.socket.get()})
        if (load.send_buffer > 0)
            REQUIRE(
                ::setsockopt(
                    socket, SOL_SOCKET, SO_SNDBUF, &load.send_buffer, sizeof load.send_buffer) ==
                0);
    return relay.adopt(std::move(prepared));
}

// Sends pieces of all sizes up to 256 KiB, as a server's COPY or a client's large query.
void send_stream(Peer& from, std::uint64_t seed) {
    Pattern source(seed);
    std::size_t left = bulk_bytes;
    for (std::size_t piece = 8192; left > 0; piece = piece * 3 % 262'139 + 1) {
        const std::size_t size = std::min(piece, left);
        if (!from.send(source.next(size))) return;
        left -= size;
    }
}

bool arrives_whole(Peer& at, std::uint64_t seed, bool pauses) {
    Pattern expected(seed);
    std::size_t received = 0;
    for (int pieces = 0; received < bulk_bytes; ++pieces) {
        const Bytes bytes = at.receive(std::min<std::size_t>(100'003, bulk_bytes - received));
        if (bytes.empty() || !expected.matches(bytes)) return false;
        received += bytes.size();
        if (pauses && pieces % 8 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

bool answers(Peer& client, Peer& server, std::size_t bytes, std::uint64_t number) {
    const Bytes question = pattern(number, 40);
    const Bytes answer = pattern(number + 1, bytes);
    return client.send(question) && server.receive(question.size()) == question &&
           server.send(answer) && client.receive(answer.size()) == answer;
}

// True: every stream arrived as it was sent.
bool run_beside_each_other(Mode mode, const Load& load, std::uint64_t& faults_made) {
    const WithSocketFaults faults(load.faults);
    RelayFixture relay;
    std::vector<Ends> out;
    std::vector<Ends> in;
    std::vector<Ends> small;
    for (int i = 0; i < bulk_each_way; ++i) {
        out.push_back(connect(relay, mode, load));
        in.push_back(connect(relay, mode, load));
    }
    for (int i = 0; i < small_channels; ++i)
        small.push_back(connect(relay, mode, load));

    std::atomic<int> running{2 * bulk_each_way};
    std::atomic<bool> whole{true};
    std::vector<std::thread> threads;
    const auto transfer = [&](Peer& from, Peer& to, std::uint64_t seed) {
        threads.emplace_back([&from, seed] { send_stream(from, seed); });
        threads.emplace_back([&to, &running, &whole, &load, seed] {
            if (!arrives_whole(to, seed, load.readers_pause)) whole = false;
            --running;
        });
    };
    for (std::size_t i = 0; i < out.size(); ++i) {
        transfer(out[i].server, out[i].client, 10 + i);
        transfer(in[i].client, in[i].server, 20 + i);
    }
    for (std::size_t i = 0; i < small.size(); ++i)
        threads.emplace_back([&small, &running, &whole, i] {
            const std::size_t bytes = i % 2 == 0 ? 60 : 200'000;
            for (std::uint64_t number = i * 1000; running > 0 && whole; ++number)
                if (!answers(small[i].client, small[i].server, bytes, number)) whole = false;
        });
    for (auto& thread : threads)
        thread.join();
    faults_made += WithSocketFaults::made();
    return whole;
}

// With splicing, a thread may make fewer submissions than the number of the one to be refused: so
// it is checked for all modes together that faults have been made.
void every_mode_is_whole(const Load& load) {
    std::uint64_t faults_made = 0;
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        REQUIRE(run_beside_each_other(mode, load, faults_made));
    }
    if (load.faults.short_sends || load.faults.refused_submission > 0) REQUIRE(faults_made > 0);
}

} // namespace

TEST_CASE("Bulk beside busy channels arrives whole") {
    every_mode_is_whole({});
}

TEST_CASE("Bulk beside busy channels arrives whole where readers pause") {
    every_mode_is_whole({.readers_pause = true});
}

TEST_CASE("Bulk beside busy channels arrives whole where sockets take little at a time") {
    every_mode_is_whole({.send_buffer = 4096, .readers_pause = true});
}

TEST_CASE("Bulk beside busy channels arrives whole whatever calls are short") {
    for (const std::uint64_t seed : {1, 2, 3}) {
        INFO("seed " << seed);
        every_mode_is_whole(
            {.faults = {.seed = seed, .short_sends = true, .short_receives = seed != 1}});
    }
}

TEST_CASE("Bulk beside busy channels arrives whole without io_uring") {
    every_mode_is_whole({.faults = {.no_io_uring = true}});
    every_mode_is_whole({.faults = {.seed = 4, .short_sends = true, .no_io_uring = true}});
}

TEST_CASE("A submission that io_uring refuses stalls no channel and loses no byte") {
    for (const unsigned which : {1U, 2U, 3U, 6U}) {
        INFO("refused: number " << which);
        every_mode_is_whole({.faults = {.refused_submission = which}});
    }
}
