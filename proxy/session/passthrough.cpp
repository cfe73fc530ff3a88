#include "proxy/session/passthrough.h"

#include "protocol/limits.h"
#include "protocol/messages.h"
#include "protocol/refusals.h"
#include "proxy/io/limits.h"
#include "proxy/io/wait_either.h"
#include "proxy/session/limits.h"

#include <array>
#include <utility>

namespace pgmoat::session {

using namespace protocol;

namespace {

Ended probe(const io::Result& io) {
    if (io.status == io::Result::Status::interrupted) return ended_by(Side::client, io);
    return {CloseReason::startup, ""};
}

// The stream ended inside a packet: logged, as in PostgreSQL.
Ended incomplete(const io::Result& io) {
    if (io.status != io::Result::Status::end_of_stream) return probe(io);
    return {CloseReason::startup, io.bytes > 0 ? "incomplete startup packet" : ""};
}

Awaitable<io::Result> read_packet(io::Stream& client, Bytes& packet) {
    packet.resize(4);
    io::Result io = co_await client.read_exactly(packet);
    if (!io) co_return io;
    const auto length = static_cast<std::int32_t>(read_uint32(packet));
    if (length < startup_length_min || length > startup_length_max)
        co_return io::Result{io::Result::Status::failed, 4, "invalid length of startup packet", {}};
    packet.resize(static_cast<std::size_t>(length));
    io = co_await client.read_exactly(std::span(packet).subspan(4));
    io.bytes += 4;
    co_return io;
}

Awaitable<Ended> refuse(io::Stream& client, const RefusedStartup& refused) {
    const Bytes farewell = encode_refusal(refused);
    if (!farewell.empty()) (void)co_await client.write(farewell);
    co_return Ended{CloseReason::startup, refused.message};
}

} // namespace

Awaitable<FirstPacket> read_first_packet(io::Stream& client, RequestsSeen& seen) {
    if (std::exchange(seen.first, false)) {
        std::uint8_t byte = 0;
        const io::Result io = co_await client.peek_byte(byte);
        if (!io) co_return probe(io);
        if (byte == tls_handshake_record) co_return DirectTls{};
    }
    Bytes packet;
    const io::Result io = co_await read_packet(client, packet);
    if (!io && io.status == io::Result::Status::failed && !io.error)
        co_return Ended{CloseReason::startup, io.detail};
    if (!io) co_return incomplete(io);

    StartupPacket parsed = parse_startup_packet(packet, seen.ssl, seen.gssenc);
    if (const auto* refused = std::get_if<RefusedStartup>(&parsed))
        co_return co_await refuse(client, *refused);
    if (std::holds_alternative<SslRequest>(parsed)) {
        seen.ssl = true;
        co_return SslRequest{};
    }
    if (std::holds_alternative<GssEncRequest>(parsed)) {
        seen.gssenc = true;
        co_return GssEncRequest{};
    }
    if (auto* cancel = std::get_if<CancelRequest>(&parsed)) co_return std::move(*cancel);
    co_return std::move(std::get<StartupMessage>(parsed));
}

Awaitable<Stop> answer_request(io::Stream& client, char answer, bool gssenc_request) {
    const bool early_bytes = answer == 'N' && client.has_waiting_bytes();
    const std::array<std::uint8_t, 1> byte{static_cast<std::uint8_t>(answer)};
    if (const io::Result sent = co_await client.write(byte); !sent)
        co_return ended_by(Side::client, sent);
    if (!early_bytes) co_return std::nullopt;
    const ErrorText& text =
        gssenc_request ? early_bytes_after_gssenc_request : early_bytes_after_ssl_request;
    (void)co_await client.write(encode_fatal(text));
    co_return Ended{CloseReason::startup, std::string(text.message)};
}

Awaitable<ReadHello> read_client_hello(io::Stream& client) {
    ClientHelloReader reader;
    ReadHello result;
    Bytes chunk(io::receive_bytes);
    for (;;) {
        const io::Result read = co_await client.read_some(chunk);
        if (!read) {
            result.stop = Ended{CloseReason::handshake, ended_by(Side::client, read).detail};
            if (read.status == io::Result::Status::interrupted)
                result.stop->reason = CloseReason::timeout;
            co_return result;
        }
        const ByteView bytes = ByteView(chunk).first(read.bytes);
        const HelloProgress progress = reader.feed(bytes);
        result.bytes.insert(result.bytes.end(), bytes.begin(), bytes.end());
        if (progress == HelloProgress::need_more) continue;
        if (progress == HelloProgress::done)
            result.facts = reader.facts();
        else
            result.stop =
                Ended{CloseReason::handshake,
                      "client: no acceptable ClientHello: " + std::string(reader.complaint())};
        co_return result;
    }
}

Awaitable<void> send_alert(io::Stream& client, std::uint8_t description) {
    const std::array<std::uint8_t, 7> record{21, 3, 3, 0, 2, 2, description};
    (void)co_await client.write(record);
}

namespace {

class HelloPass {
  public:
    HelloPass(io::Stream& client, io::Stream& server, const ClientHelloFacts& client_hello)
        : client_(client), server_(server), server_name_(client_hello.server_name) {}

    Awaitable<PassedHello> run(Bytes answer) {
        co_await take_from_server(answer);
        while (!result_.stop && !done_) {
            const io::Readable readable = co_await io::wait_either(client_, server_);
            if (readable.second) co_await read_server();
            if (!result_.stop && readable.first) co_await read_client();
        }
        if (!result_.stop) co_await send_to_server(from_client_);
        co_return std::move(result_);
    }

  private:
    Awaitable<void> read_server() {
        const io::Result read = co_await server_.read_available(chunk_);
        if (!read) co_return fail(ended_by(Side::server, read));
        co_await take_from_server(ByteView(chunk_).first(read.bytes));
    }

    Awaitable<void> take_from_server(ByteView bytes) {
        result_.flight.insert(result_.flight.end(), bytes.begin(), bytes.end());
        const HelloProgress progress = reader_.feed(bytes);
        if (progress == HelloProgress::malformed || progress == HelloProgress::too_large ||
            result_.flight.size() > server_flight_bytes_max)
            co_return fail(
                {CloseReason::upstream_failed,
                 "server: no acceptable ServerHello: " + std::string(reader_.complaint())});
        if (reader_.facts().hello_retry && !second_hello_) co_await pass_retry();
        if (progress != HelloProgress::done || result_.stop) co_return;
        done_ = true;
        result_.facts = reader_.facts();
        result_.alert = reader_.alert();
    }

    // The client must get a HelloRetryRequest, or the ServerHello will never come.
    Awaitable<void> pass_retry() {
        second_hello_.emplace(true);
        if (const io::Result sent = co_await client_.write(result_.flight); !sent)
            co_return fail(ended_by(Side::client, sent));
        result_.flight.clear();
        co_await check_second_hello(from_client_);
    }

    Awaitable<void> read_client() {
        const io::Result read = co_await client_.read_available(chunk_);
        if (!read) co_return fail(ended_by(Side::client, read));
        const ByteView bytes = ByteView(chunk_).first(read.bytes);
        from_client_.insert(from_client_.end(), bytes.begin(), bytes.end());
        if (from_client_.size() > early_client_bytes_max)
            co_return fail({CloseReason::handshake, "client: too much sent before a ServerHello"});
        if (second_hello_) co_await check_second_hello(bytes);
    }

    // It must name the same server as the first hello, which the rules have judged.
    Awaitable<void> check_second_hello(ByteView bytes) {
        if (second_hello_passed_) co_return;
        const HelloProgress progress = second_hello_->feed(bytes);
        if (progress == HelloProgress::need_more) co_return;
        if (progress != HelloProgress::done)
            co_return fail({CloseReason::handshake,
                            "client: no acceptable second ClientHello: " +
                                std::string(second_hello_->complaint())});
        if (second_hello_->facts().server_name != server_name_) {
            co_await send_alert(client_, alert::illegal_parameter);
            co_return fail(
                {CloseReason::handshake, "client: the second ClientHello names another server"});
        }
        second_hello_passed_ = true;
        co_await send_to_server(from_client_);
        from_client_.clear();
    }

    Awaitable<void> send_to_server(ByteView bytes) {
        if (bytes.empty()) co_return;
        const io::Result sent = co_await server_.write(bytes);
        if (!sent) fail(ended_by(Side::server, sent));
    }

    void fail(Ended ended) { result_.stop = std::move(ended); }

    io::Stream& client_;
    io::Stream& server_;
    const std::string& server_name_;
    PassedHello result_;
    ServerHelloReader reader_;
    std::optional<ClientHelloReader> second_hello_; // after a HelloRetryRequest
    bool second_hello_passed_ = false;
    bool done_ = false;
    Bytes from_client_; // what we must read before the server gets it
    Bytes chunk_ = Bytes(io::receive_bytes);
};

} // namespace

Awaitable<PassedHello>
pass_server_hello(io::Stream& client, io::Stream& server, const ReadHello& hello, Bytes answer) {
    HelloPass pass(client, server, hello.facts);
    co_return co_await pass.run(std::move(answer));
}

} // namespace pgmoat::session
