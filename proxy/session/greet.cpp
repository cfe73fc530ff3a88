#include "proxy/session/greet.h"

#include <chrono>
#include <utility>

namespace pgmoat::session {

namespace {

using namespace protocol;

// A client that disconnects before it has sent anything is a probe: no detail, so nothing is
// logged.
Ended gone(const io::Result& io, bool before_any_byte) {
    if (io.status == io::Result::Status::interrupted || io.status == io::Result::Status::flooded)
        return ended_by(Side::client, io);
    if (before_any_byte) return {CloseReason::startup, ""};
    return {CloseReason::startup, "client: " + (io.detail.empty() ? "gone" : io.detail)};
}

bool is_end(const io::Result& io) {
    return io.status == io::Result::Status::end_of_stream ||
           io.status == io::Result::Status::truncated;
}

class Driver {
  public:
    Driver(io::Stream& client,
           const tls::ServerContext* context,
           metrics::Block& counters,
           access::ClientLimits& limits)
        : client_(client), context_(context), counters_(counters), limits_(limits),
          machine_(context != nullptr) {}

    Awaitable<Greeting> run() {
        ClientHandshakeInput input = Begin{};
        while (!stop_) {
            ClientHandshakeAction action = machine_.resume(input);
            if (auto* finished = std::get_if<HandshakeFinished>(&action)) {
                greeting_.result = Opening(std::move(finished->request));
                break;
            }
            input = co_await perform(action);
        }
        greeting_.facts = machine_.facts();
        co_return std::move(greeting_);
    }

  private:
    // Every branch either answers the machine or stops the session.
    Awaitable<ClientHandshakeInput> perform(const ClientHandshakeAction& action) {
        if (std::holds_alternative<PeekByte>(action)) co_return co_await peek();
        if (const auto* read = std::get_if<ReadExactly>(&action)) co_return co_await take(*read);
        if (std::holds_alternative<LookForEarlyBytes>(action))
            co_return EarlyBytes{!client_.in_tls() && client_.has_waiting_bytes()};
        if (const auto* write = std::get_if<WriteBytes>(&action)) co_return co_await send(*write);
        if (std::holds_alternative<StartServerTls>(action)) co_return co_await start_tls();
        co_await refuse(std::get<CloseHandshake>(action));
        co_return Begin{};
    }

    Awaitable<ClientHandshakeInput> peek() {
        std::uint8_t byte = 0;
        const io::Result io = co_await client_.peek_byte(byte);
        if (io) co_return ByteSeen{byte};
        if (is_end(io)) co_return EndOfStream{};
        co_return fail(gone(io, true));
    }

    Awaitable<ClientHandshakeInput> take(const ReadExactly& read) {
        bytes_.resize(read.bytes);
        const io::Result io = co_await client_.read_exactly(bytes_);
        if (io) co_return BytesRead{bytes_};
        if (is_end(io)) co_return EndOfStream{io.bytes};
        co_return fail(gone(io, io.bytes == 0));
    }

    Awaitable<ClientHandshakeInput> send(const WriteBytes& write) {
        const io::Result io = co_await client_.write(write.bytes);
        if (io) co_return Written{};
        co_return fail(gone(io, true));
    }

    Awaitable<ClientHandshakeInput> start_tls() {
        if (!co_await limits_.begin_handshake(client_))
            co_return fail({CloseReason::rate_limited, "too many TLS handshakes"});
        const auto began = std::chrono::steady_clock::now();
        counters_.tls_handshake_began();
        const io::Result io = co_await client_.start_tls(std::make_unique<tls::Session>(*context_));
        limits_.end_handshake();
        counters_.tls_handshake_ended();
        if (io)
            counters_.tls_handshake_took(Side::client, std::chrono::steady_clock::now() - began);
        if (io) co_return TlsStarted{client_.peer().alpn == "postgresql"};
        if (io.status == io::Result::Status::interrupted)
            co_return fail(ended_by(Side::client, io));
        greeting_.tls_failure = client_.tls()->failure();
        if (greeting_.tls_failure == tls::Failure::not_tls)
            co_return fail({CloseReason::handshake,
                            "could not accept SSL connection: " + client_.tls()->error() +
                                "; unencrypted data was sent after the SSL request"});
        co_return fail({CloseReason::handshake, "could not accept SSL connection: " + io.detail});
    }

    Awaitable<void> refuse(const CloseHandshake& close) {
        greeting_.refused = startup_error(close.reason);
        if (!close.farewell.empty()) (void)co_await client_.write(close.farewell);
        (void)fail({CloseReason::startup, close.log_text});
    }

    ClientHandshakeInput fail(Ended ended) {
        greeting_.result = std::move(ended);
        stop_ = true;
        return Begin{};
    }

    static std::optional<metrics::StartupError> startup_error(CloseHandshake::Reason reason) {
        using Reason = CloseHandshake::Reason;
        using metrics::StartupError;
        switch (reason) {
        case Reason::end_of_stream: return std::nullopt;
        case Reason::incomplete_packet: return StartupError::incomplete;
        case Reason::bad_length:
        case Reason::bad_cancel: return StartupError::bad_length;
        case Reason::bad_layout:
        case Reason::bad_value:
        case Reason::no_user: return StartupError::bad_layout;
        case Reason::unsupported_version: return StartupError::unsupported_version;
        case Reason::early_bytes: return StartupError::plaintext_injected;
        case Reason::tls_not_enabled: return StartupError::tls_not_enabled;
        case Reason::no_alpn: return StartupError::protocol_violation;
        }
        return StartupError::protocol_violation;
    }

    io::Stream& client_;
    const tls::ServerContext* context_;
    metrics::Block& counters_;
    access::ClientLimits& limits_;
    ClientHandshake machine_;
    Greeting greeting_;
    Bytes bytes_; // read for the machine, which uses them during resume() only
    bool stop_ = false;
};

} // namespace

Awaitable<Greeting> greet(io::Stream& client,
                          const tls::ServerContext* context,
                          metrics::Block& counters,
                          access::ClientLimits& limits) {
    Driver driver(client, context, counters, limits);
    co_return co_await driver.run();
}

} // namespace pgmoat::session
