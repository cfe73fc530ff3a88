#include "proxy/server/moved_session.h"

#include "protocol/limits.h"
#include "proxy/server/limits.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <chrono>
#include <concepts>
#include <cstring>
#include <memory>
#include <type_traits>

namespace pgmoat::server {

namespace {

using protocol::Bytes;
using protocol::ByteView;

// There is one list of fields for Writer and Reader, so that both agree. Numbers are in network
// order; texts and byte lists are preceded by their length.
class Writer {
  public:
    static constexpr bool reads = false;

    template <std::unsigned_integral Number>
    void number(Number value) {
        for (std::size_t byte = sizeof value; byte-- > 0;)
            out_.push_back(static_cast<std::uint8_t>(value >> (8 * byte)));
    }
    void flag(bool value) { out_.push_back(value ? 1 : 0); }
    template <typename List>
    void list(const List& value, std::size_t size_max) {
        if (value.size() > size_max) return fail();
        number(static_cast<std::uint32_t>(value.size()));
        out_.insert(out_.end(), value.begin(), value.end());
    }
    template <typename Enum>
    void choice(Enum value, Enum /*last*/) {
        out_.push_back(static_cast<std::uint8_t>(value));
    }
    void fail() { ok_ = false; }
    [[nodiscard]] bool ok() const { return ok_ && out_.size() <= moved_session_bytes_max; }
    [[nodiscard]] Bytes take() { return std::move(out_); }

  private:
    Bytes out_;
    bool ok_ = true;
};

class Reader {
  public:
    static constexpr bool reads = true;

    explicit Reader(ByteView bytes) : rest_(bytes) {}

    template <std::unsigned_integral Number>
    void number(Number& value) {
        const ByteView bytes = take(sizeof value);
        std::uint64_t sum = 0;
        for (const std::uint8_t byte : bytes)
            sum = sum << 8 | byte;
        value = static_cast<Number>(sum);
    }
    void flag(bool& value) {
        std::uint8_t byte = 0;
        number(byte);
        if (byte > 1) fail();
        value = byte == 1;
    }
    template <typename List>
    void list(List& value, std::size_t size_max) {
        std::uint32_t size = 0;
        number(size);
        if (size > size_max) return fail();
        const ByteView bytes = take(size);
        value.assign(bytes.begin(), bytes.end());
    }
    template <typename Enum>
    void choice(Enum& value, Enum last) {
        std::uint8_t byte = 0;
        number(byte);
        if (byte > static_cast<std::uint8_t>(last)) return fail();
        value = static_cast<Enum>(byte);
    }
    void fail() { ok_ = false; }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool at_end() const { return ok_ && rest_.empty(); }

  private:
    // Returns nothing after the first fault: later fields then read as zeros and are not used.
    ByteView take(std::size_t count) {
        if (!ok_ || count > rest_.size()) {
            fail();
            return {};
        }
        const ByteView taken = rest_.first(count);
        rest_ = rest_.subspan(count);
        return taken;
    }

    ByteView rest_;
    bool ok_ = true;
};

// A field of a struct that is const to a Writer and filled by a Reader.
template <typename Way, typename Text>
void text(Way& way, Text& value) {
    way.list(value, moved_text_bytes_max);
}

// As a signed 64-bit number of the clock's units.
template <typename Way, typename Duration>
void duration(Way& way, Duration& value) {
    auto count = static_cast<std::uint64_t>(value.count());
    way.number(count);
    if constexpr (Way::reads) value = Duration(static_cast<typename Duration::rep>(count));
}

// CLOCK_MONOTONIC is the same for all processes of the machine.
template <typename Way, typename Time>
void time_point(Way& way, Time& value) {
    auto since = value.time_since_epoch();
    duration(way, since);
    if constexpr (Way::reads) value = Time(since);
}

template <typename Way, typename Facts>
void tls_facts(Way& way, Facts& facts) {
    text(way, facts.version);
    text(way, facts.cipher);
    auto bits = static_cast<std::uint16_t>(facts.bits);
    way.number(bits);
    if constexpr (Way::reads) facts.bits = bits;
    text(way, facts.group);
    text(way, facts.server_name);
    text(way, facts.alpn);
}

template <typename Way, typename Endpoint>
void endpoint(Way& way, Endpoint& end) {
    for (auto& byte : end.address)
        way.number(byte);
    way.number(end.port);
}

template <typename Way, typename Tls>
void proxy_tls(Way& way, Tls& tls) {
    way.flag(tls.tls);
    way.flag(tls.certificate_on_connection);
    way.flag(tls.certificate_in_session);
    way.flag(tls.verified);
    for (auto* each : {&tls.version,
                       &tls.cipher,
                       &tls.common_name,
                       &tls.signature_algorithm,
                       &tls.key_algorithm,
                       &tls.group})
        text(way, *each);
}

template <typename Way, typename Header>
void proxy_header(Way& way, Header& header) {
    way.number(header.version);
    way.flag(header.local);
    way.choice(header.family, protocol::ProxyHeader::Family::unix_path);
    endpoint(way, header.source);
    endpoint(way, header.destination);
    for (auto* each : {&header.source_path,
                       &header.alpn,
                       &header.authority,
                       &header.unique_id,
                       &header.network_namespace})
        text(way, *each);
    bool has_tls = header.tls.has_value();
    way.flag(has_tls);
    if constexpr (Way::reads)
        if (has_tls) header.tls.emplace();
    if (has_tls) proxy_tls(way, *header.tls);
}

template <typename Way, typename Facts>
void proxied(Way& way, Facts& facts) {
    bool is_proxied = facts.proxied != nullptr;
    way.flag(is_proxied);
    if (!is_proxied) return;
    if constexpr (Way::reads) {
        auto header = std::make_shared<protocol::ProxyHeader>();
        proxy_header(way, *header);
        facts.proxied = std::move(header);
    } else {
        proxy_header(way, *facts.proxied);
    }
}

template <typename Way, typename Facts>
void client_facts(Way& way, Facts& facts) {
    way.choice(facts.mode, metrics::Mode::passthrough);
    text(way, facts.client_address);
    way.number(facts.client_port);
    text(way, facts.proxy_address);
    proxied(way, facts);
    text(way, facts.user);
    text(way, facts.database);
    way.choice(facts.replication, protocol::Replication::logical);
    text(way, facts.application_name);
    bool has_uid = facts.peer_uid.has_value();
    way.flag(has_uid);
    if constexpr (Way::reads)
        if (has_uid) facts.peer_uid.emplace();
    if (has_uid) way.number(*facts.peer_uid);
    text(way, facts.system_user);
    way.choice(facts.encryption, telemetry::Encryption::gss);
    tls_facts(way, facts.client_tls);
}

template <typename Way, typename Facts>
void session_facts(Way& way, Facts& facts) {
    client_facts(way, facts);
    text(way, facts.listener);
    tls_facts(way, facts.server_tls);
    way.flag(facts.judged);
    text(way, facts.rule);
    text(way, facts.backend.upstream);
    text(way, facts.backend.host);
    way.number(facts.backend.port);
    text(way, facts.server_address);
    way.number(facts.backend_process_id);
    way.choice(facts.scram.way, telemetry::ScramWay::bridged);
    way.flag(facts.scram.client_bound);
    way.flag(facts.scram.server_bound);
    duration(way, facts.login_time);
    duration(way, facts.steps.greet);
    duration(way, facts.steps.decide);
    duration(way, facts.steps.reach);
    duration(way, facts.steps.login);
}

template <typename Way, typename Row>
void row(Way& way, Row& row) {
    way.number(row.id);
    if (row.id == 0 || row.id > moved_id_max) way.fail();
    time_point(way, row.opened);
    way.number(row.traffic.bytes_from_client);
    way.number(row.traffic.bytes_from_server);
    way.number(row.traffic.messages_from_client);
    way.number(row.traffic.messages_from_server);
    way.number(row.traffic.queries);
    way.number(row.traffic.transactions);
    session_facts(way, row.facts);
    way.number(row.cancel_process_id);
    way.list(row.cancel_key, protocol::cancel_key_bytes_max);
}

bool is_whole(const lookups::SocketAddress& address) {
    switch (address.family()) {
    case AF_INET: return address.size == sizeof(sockaddr_in);
    case AF_INET6: return address.size == sizeof(sockaddr_in6);
    case AF_UNIX:
        return address.size > offsetof(sockaddr_un, sun_path) &&
               address.size <= sizeof(sockaddr_un);
    default: return false;
    }
}

template <typename Way, typename Address>
void socket_address(Way& way, Address& address) {
    std::vector<std::uint8_t> bytes(address.size);
    if (!bytes.empty()) std::memcpy(bytes.data(), &address.storage, bytes.size());
    way.list(bytes, sizeof address.storage);
    if constexpr (Way::reads) {
        address.size = static_cast<socklen_t>(bytes.size());
        if (!bytes.empty()) std::memcpy(&address.storage, bytes.data(), bytes.size());
    }
    if (!is_whole(address)) way.fail();
}

template <typename Way, typename Route>
void route(Way& way, Route& route) {
    text(way, route.upstream);
    text(way, route.host);
    way.number(route.port);
    way.flag(route.local);
    socket_address(way, route.address);
}

template <typename Way, typename State>
void walker(Way& way, State& state) {
    way.number(state.body_left);
    for (auto& byte : state.header)
        way.number(byte);
    way.number(state.header_filled);
    way.flag(state.broken);
}

template <typename Way, typename State>
void messages(Way& way, State& state) {
    walker(way, state.client);
    walker(way, state.server);
    way.flag(state.client_lost);
    way.flag(state.client_guessed);
    way.flag(state.server_lost);
    way.flag(state.client_terminated);
    way.number(state.status);
    way.number(state.ready_owed);
    way.number(state.last_request);
    way.flag(state.unsynced);
    way.flag(state.cycle.failed);
    way.flag(state.cycle.completed_one);
    way.flag(state.cycle.completed_several);
    way.flag(state.cycle.rolled_back);
    way.choice(state.peek, protocol::TrafficObserver::Peek::sqlstate_second);
    way.number(state.peeked_bytes);
    auto first = static_cast<std::uint8_t>(state.sqlstate_first);
    way.number(first);
    if constexpr (Way::reads) state.sqlstate_first = static_cast<char>(first);
}

template <typename Way, typename Maybe, typename Fields>
void optional(Way& way, Maybe& maybe, const Fields& fields) {
    bool is_there = maybe.has_value();
    way.flag(is_there);
    if constexpr (Way::reads)
        if (is_there) maybe.emplace();
    if (is_there) fields(*maybe);
}

template <typename Way, typename Session>
void all_of(Way& way, Session& session) {
    row(way, session.row);
    optional(way, session.route, [&](auto& fields) { route(way, fields); });
    optional(way, session.messages, [&](auto& fields) { messages(way, fields); });
    for (auto* bytes : {&session.client.unread,
                        &session.client.unsent,
                        &session.server.unread,
                        &session.server.unsent})
        way.list(*bytes, moved_session_bytes_max);
}

} // namespace

// A session that pgmoat encrypts has keys and a client certificate, which cannot be moved.
std::optional<Bytes> encode_session(const MovedSession& session) {
    if (session.row.facts.client_certificate) return std::nullopt;
    Writer writer;
    all_of(writer, session);
    if (!writer.ok()) return std::nullopt;
    return writer.take();
}

std::optional<MovedSession> decode_session(ByteView bytes) {
    Reader reader(bytes);
    MovedSession session;
    all_of(reader, session);
    if (!reader.at_end()) return std::nullopt;
    if (session.messages && !protocol::TrafficObserver::from(*session.messages))
        return std::nullopt;
    session.row.facts.stage = telemetry::SessionStage::live;
    return session;
}

} // namespace pgmoat::server
