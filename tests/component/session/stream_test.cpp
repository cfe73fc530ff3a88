// A stream over a socket pair: reads, writes, ends and interruptions, in plaintext and in TLS.
#include "tests/support/control_fixture.h"
#include "tests/support/relay_fixture.h"

using namespace pgmoat;
using namespace pgmoat::test;
using Status = io::Result::Status;

namespace {

struct StreamFixture {
    asio::io_context context{1};
    io::Stream stream{context};
    Peer peer;

    explicit StreamFixture(std::pair<Descriptor, Descriptor> sockets = unix_pair())
        : peer(std::move(sockets.first)) {
        ::fcntl(sockets.second.get(), F_SETFL, O_NONBLOCK);
        REQUIRE(stream.open(std::move(sockets.second), AF_UNIX) == 0);
    }

    // Starts an operation and calls `meanwhile` while it waits.
    io::Result run(
        asio::awaitable<io::Result> work, const std::function<void()>& meanwhile = [] {}) {
        std::optional<io::Result> result;
        asio::co_spawn(context, std::move(work), [&](std::exception_ptr, io::Result got) {
            result.emplace(std::move(got));
        });
        context.restart();
        (void)context.poll();
        meanwhile();
        const auto give_up = SteadyClock::now() + 20s;
        while (!result && SteadyClock::now() < give_up)
            context.run_one_for(5ms);
        REQUIRE(result.has_value());
        return *result;
    }
};

} // namespace

TEST_CASE("a read takes what is there and not a byte more than was asked for") {
    StreamFixture test;
    Bytes into(4);
    test.peer.send("abcdef");
    CHECK(test.run(test.stream.read_exactly(into)));
    CHECK(into == bytes_of("abcd"));
    CHECK(test.stream.has_waiting_bytes());
    const io::Result rest = test.run(test.stream.read_some(into));
    CHECK(rest.bytes == 2);
    CHECK_FALSE(test.stream.has_waiting_bytes());
}

TEST_CASE("the end of a stream tells how many bytes came before it") {
    StreamFixture test;
    Bytes into(4);
    const io::Result io = test.run(test.stream.read_exactly(into), [&] {
        test.peer.send("ab");
        test.peer.close();
    });
    CHECK(io.status == Status::end_of_stream);
    CHECK(io.bytes == 2);
}

TEST_CASE("an interruption ends every wait, now and later") {
    Bytes into(4);
    std::uint8_t byte = 0;
    const std::vector<std::function<asio::awaitable<io::Result>(io::Stream&)>> waits{
        [&](io::Stream& stream) { return stream.read_exactly(into); },
        [&](io::Stream& stream) { return stream.read_some(into); },
        [&](io::Stream& stream) { return stream.peek_byte(byte); },
        [&](io::Stream& stream) {
            return stream.start_tls(std::make_unique<tls::Session>(*Contexts::get().server));
        }};
    for (const auto& wait : waits) {
        StreamFixture test;
        CHECK(test.run(wait(test.stream), [&] { test.stream.interrupt(); }).status ==
              Status::interrupted);
        CHECK(test.run(wait(test.stream)).status == Status::interrupted);
    }
}

TEST_CASE("an interrupted write: the rest of it goes out before the last message") {
    StreamFixture test;
    const Bytes much = pattern(1, 4'000'000);
    const io::Result io = test.run(test.stream.write(much), [&] { test.stream.interrupt(); });
    CHECK(io.status == Status::interrupted);
    std::thread reader;
    Bytes got;
    reader = std::thread([&] { got = test.peer.receive_all(); });
    std::this_thread::sleep_for(100ms); // the socket has room again
    test.stream.close(bytes_of("farewell"));
    reader.join();
    REQUIRE(got.size() <= much.size() + 8);
    const std::size_t common = std::min(got.size(), much.size());
    CHECK(same(Bytes(got.begin(), got.begin() + static_cast<std::ptrdiff_t>(common)),
               Bytes(much.begin(), much.begin() + static_cast<std::ptrdiff_t>(common))));
    CHECK((got.size() <= much.size() || got.size() == much.size() + 8));
}

TEST_CASE("the last message arrives before the end, in TLS too") {
    StreamFixture clear;
    clear.stream.close(bytes_of("farewell"));
    CHECK(clear.peer.receive_all() == bytes_of("farewell"));

    auto [near, far] = tcp_pair();
    ::fcntl(far.get(), F_SETFL, O_NONBLOCK);
    asio::io_context context{1};
    io::Stream stream(context);
    REQUIRE(stream.open(std::move(far), AF_INET) == 0);
    Bytes got;
    std::string end;
    std::thread client([&, socket = std::move(near)]() mutable {
        auto session = std::make_unique<tls::Session>(*Contexts::get().client, "localhost");
        Bytes out;
        Bytes in;
        Peer raw(std::move(socket));
        for (;;) {
            tls::Wire wire{in, false, out};
            const auto status = session->handshake(wire);
            in = Bytes(wire.in.begin(), wire.in.end());
            raw.send_raw(out);
            out.clear();
            if (status == tls::Status::ok) break;
            if (status != tls::Status::want_read) return;
            const Bytes more = raw.receive(1);
            if (more.empty()) return;
            in.insert(in.end(), more.begin(), more.end());
        }
        Bytes plain(256);
        for (;;) {
            tls::Wire wire{in, false, out};
            const auto read = session->read(plain, wire);
            in = Bytes(wire.in.begin(), wire.in.end());
            got.insert(
                got.end(), plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(read.bytes));
            if (read.status == tls::Status::closed) end = "close_notify";
            if (read.status != tls::Status::ok && read.status != tls::Status::want_read) return;
            const Bytes more = raw.receive(1);
            if (more.empty()) return;
            in.insert(in.end(), more.begin(), more.end());
        }
    });
    bool up = false;
    asio::co_spawn(context,
                   stream.start_tls(std::make_unique<tls::Session>(*Contexts::get().server)),
                   [&](std::exception_ptr, const io::Result& io) { up = static_cast<bool>(io); });
    context.run();
    CHECK(up);
    stream.close(bytes_of("farewell"));
    client.join();
    CHECK(got == bytes_of("farewell"));
    CHECK(end == "close_notify");
}

TEST_CASE("a peer that goes in the middle of a handshake is sent nothing") {
    StreamFixture test;
    const io::Result io = test.run(
        test.stream.start_tls(std::make_unique<tls::Session>(*Contexts::get().server)), [&] {
            test.peer.send(Bytes{22, 3, 1});
            test.peer.shut_down_writing();
        });
    CHECK_FALSE(io);
    test.stream.abort();
    CHECK(test.peer.receive_all().empty());
}

TEST_CASE("a socket that cannot be watched is an error, not an exception") {
    asio::io_context context{1};
    io::Stream stream(context);
    auto [near, far] = unix_pair();
    ::close(near.get());
    CHECK(stream.open(Descriptor(near.release()), AF_UNIX) == EBADF);
}
