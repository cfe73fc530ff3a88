#include "proxy/control/passthrough.h"

#include "protocol/limits.h"
#include "protocol/messages.h"
#include "protocol/refusals.h"
#include "proxy/control/either.h"
#include "proxy/control/limits.h"

#include <array>
#include <utility>

namespace pgmoat::control {

using namespace protocol;

namespace {

Ended probe(const Io& io) {
    if (io.status == Io::Status::timeout) return ended_by(Side::client, io);
    return {CloseReason::startup, ""};
}

// The stream ended inside a packet: worth a line, as in PostgreSQL.
Ended incomplete(const Io& io) {
    if (io.status != Io::Status::end_of_stream) return probe(io);
    return {CloseReason::startup, io.bytes > 0 ? "incomplete startup packet" : ""};
}

Awaitable<Io> read_packet(Stream& client, Bytes& packet) {
    packet.resize(4);
    Io io = co_await client.read_exactly(packet);
    if (!io) co_return io;
    const auto length = static_cast<std::int32_t>(read_uint32(packet));
    if (length < startup_length_min || length > startup_length_max)
        co_return Io{Io::Status::failed, 4, "invalid length of startup packet", {}};
    packet.resize(static_cast<std::size_t>(length));
    io = co_await client.read_exactly(std::span(packet).subspan(4));
    io.bytes += 4;
    co_return io;
}

Awaitable<Ended> refuse(Stream& client, const RefusedStartup& refused) {
    const Bytes farewell = encode_refusal(refused);
    if (!farewell.empty()) (void)co_await client.write(farewell);
    co_return Ended{CloseReason::startup, refused.message};
}

} // namespace

Awaitable<FirstPacket> read_first_packet(Stream& client, RequestsSeen& seen) {
    if (std::exchange(seen.first, false)) {
        std::uint8_t byte = 0;
        const Io io = co_await client.peek_byte(byte);
        if (!io) co_return probe(io);
        if (byte == tls_handshake_record) co_return DirectTls{};
    }
    Bytes packet;
    const Io io = co_await read_packet(client, packet);
    if (!io && io.status == Io::Status::failed && !io.error)
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

Awaitable<ServerAnswer> ask_server(Stream& client, Stream& server, bool gssenc_request) {
    Bytes request;
    append_uint32(request, startup_length_min);
    append_uint32(request, gssenc_request ? gssenc_request_code : ssl_request_code);
    if (const Io sent = co_await server.write(request); !sent)
        co_return ServerAnswer{ended_by(Side::server, sent)};
    std::array<std::uint8_t, 1> answer{};
    if (const Io read = co_await server.read_exactly(answer); !read)
        co_return ServerAnswer{ended_by(Side::server, read)};

    const bool accepted = answer[0] == (gssenc_request ? 'G' : 'S');
    if (!accepted && answer[0] != 'N') // an error text is not to be trusted (CVE-2024-10977)
        co_return ServerAnswer{
            Ended{CloseReason::upstream_failed, "server: invalid response to SSL negotiation"}};
    if (server.has_waiting_bytes()) // CVE-2021-23222
        co_return ServerAnswer{Ended{CloseReason::upstream_failed,
                                     "server: received unencrypted data after SSL response"}};
    const bool early_bytes = client.has_waiting_bytes();
    if (const Io sent = co_await client.write(answer); !sent)
        co_return ServerAnswer{ended_by(Side::client, sent)};
    if (early_bytes && !accepted) {
        const ErrorText& text =
            gssenc_request ? early_bytes_after_gssenc_request : early_bytes_after_ssl_request;
        (void)co_await client.write(encode_fatal(text));
        co_return ServerAnswer{Ended{CloseReason::startup, std::string(text.message)}};
    }
    co_return ServerAnswer{std::nullopt, static_cast<char>(answer[0])};
}

Awaitable<ReadHello> read_client_hello(Stream& client) {
    ClientHelloReader reader;
    ReadHello result;
    Bytes chunk(receive_bytes);
    for (;;) {
        const Io read = co_await client.read_some(chunk);
        if (!read) {
            result.stop = Ended{CloseReason::handshake, ended_by(Side::client, read).detail};
            if (read.status == Io::Status::timeout) result.stop->reason = CloseReason::timeout;
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

Awaitable<PassedHello> pass_server_hello(Stream& client, Stream& server, ByteView client_hello) {
    PassedHello result;
    ServerHelloReader reader;
    if (server.has_waiting_bytes()) { // nothing may come before it has seen the ClientHello
        result.stop = Ended{CloseReason::upstream_failed,
                            "server: received unencrypted data after SSL response"};
        co_return result;
    }
    if (const Io sent = co_await server.write(client_hello); !sent) {
        result.stop = ended_by(Side::server, sent);
        co_return result;
    }
    Bytes chunk(receive_bytes);
    for (std::size_t passed = 0;;) {
        const Readable readable = co_await wait_for_either(client, server);
        if (readable.second) {
            const Io read = co_await server.read_available(chunk);
            if (!read) {
                result.stop = ended_by(Side::server, read);
                co_return result;
            }
            const ByteView bytes = ByteView(chunk).first(read.bytes);
            const HelloProgress progress = reader.feed(bytes);
            passed += bytes.size();
            if (progress == HelloProgress::malformed || progress == HelloProgress::too_large ||
                passed > server_flight_bytes_max) {
                result.stop =
                    Ended{CloseReason::upstream_failed,
                          "server: no acceptable ServerHello: " + std::string(reader.complaint())};
                co_return result;
            }
            if (const Io sent = co_await client.write(bytes); !sent) {
                result.stop = ended_by(Side::client, sent);
                co_return result;
            }
            if (progress == HelloProgress::done) {
                result.facts = reader.facts();
                result.alert = reader.alert();
                co_return result;
            }
        }
        if (readable.first) {
            const Io read = co_await client.read_available(chunk);
            if (!read) {
                result.stop = ended_by(Side::client, read);
                co_return result;
            }
            if (const Io sent = co_await server.write(ByteView(chunk).first(read.bytes)); !sent) {
                result.stop = ended_by(Side::server, sent);
                co_return result;
            }
        }
    }
}

} // namespace pgmoat::control
