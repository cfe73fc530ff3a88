#include "metrics/counters.h"

#include "metrics/label_value.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace pgmoat::metrics {

namespace {

constexpr std::string_view name_of_the_rest = "_other";

template <class Enum>
constexpr std::size_t index_of(Enum value) noexcept {
    return static_cast<std::size_t>(value);
}

std::uint64_t microseconds_in(Duration duration) noexcept {
    const auto count = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
}

void count_in(Histogram<Counter>& histogram, const Buckets& bounds, double seconds) noexcept {
    const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), seconds);
    histogram.observations[static_cast<std::size_t>(bucket - bounds.begin())].add();
}

void observe(Histogram<Counter>& histogram, const Buckets& bounds, Duration duration) noexcept {
    count_in(histogram, bounds, std::chrono::duration<double>(duration).count());
    histogram.sum.add(microseconds_in(duration));
}

void add(ListenerCells<std::uint64_t>& sums, const ListenerCells<Counter>& cells) noexcept {
    add(sums.opened, cells.opened);
    add(sums.closed, cells.closed);
    add(sums.bytes, cells.bytes);
    add(sums.startup_requests, cells.startup_requests);
    add(sums.startup_errors, cells.startup_errors);
    add(sums.handshake_failures, cells.handshake_failures);
    add(sums.handshakes_beyond_table, cells.handshakes_beyond_table);
    add(sums.offers, cells.offers);
    add(sums.queries, cells.queries);
    add(sums.messages_from_client, cells.messages_from_client);
    add(sums.messages_from_server, cells.messages_from_server);
    add(sums.transactions, cells.transactions);
    add(sums.server_errors, cells.server_errors);
    add(sums.login, cells.login);
    add(sums.certificate_remaining, cells.certificate_remaining);
    add(sums.connection, cells.connection);
}

void add(UpstreamCells<std::uint64_t>& sums, const UpstreamCells<Counter>& cells) noexcept {
    add(sums.connects, cells.connects);
    add(sums.connect, cells.connect);
    add(sums.wrong_role, cells.wrong_role);
}

void add(ProcessCells<std::uint64_t>& sums, const ProcessCells<Counter>& cells) noexcept {
    add(sums.handshake, cells.handshake);
    add(sums.handshakes_began, cells.handshakes_began);
    add(sums.handshakes_ended, cells.handshakes_ended);
    add(sums.cancel_requests, cells.cancel_requests);
    add(sums.scram_logins, cells.scram_logins);
    add(sums.accept_errors, cells.accept_errors);
    add(sums.rate_limited, cells.rate_limited);
    add(sums.log_messages_dropped, cells.log_messages_dropped);
    add(sums.internal_errors, cells.internal_errors);
}

// The index of a name in the list. One index is kept for `_other`, which all names share once the
// others are taken.
template <class Named>
std::size_t find_or_add(std::vector<Named>& list, std::string_view text, std::size_t size_max) {
    const auto position_of = [&list](std::string_view name) {
        const auto found = std::find_if(
            list.begin(), list.end(), [name](const Named& known) { return known.name == name; });
        return static_cast<std::size_t>(found - list.begin());
    };
    std::string name = clean_label_value(text);
    std::size_t index = position_of(name);
    if (index == list.size() && list.size() >= size_max - 1) {
        name = name_of_the_rest;
        index = position_of(name);
    }
    if (index == list.size()) list.push_back({.name = std::move(name)});
    return index;
}

// Handshakes that found the table full: their listener and side are known, the other labels become
// `other`.
void add_those_beyond_the_table(Totals& totals) {
    for (std::size_t i = 0; i < totals.listeners.size(); ++i) {
        for (const Side side : {Side::client, Side::server}) {
            const std::uint64_t count =
                totals.listeners[i].counts.handshakes_beyond_table[index_of(side)];
            if (count == 0) continue;
            totals.handshakes[{.listener = static_cast<std::uint16_t>(i), .side = side}] += count;
        }
    }
}

} // namespace

// --- counting ------------------------------------------------------------------------------------

ListenerCells<Counter>& Block::at(ListenerId listener) noexcept {
    return listeners_[index_of(listener)];
}

void Block::connection_opened(ListenerId listener, Mode mode) noexcept {
    at(listener).opened[index_of(mode)].add();
}

void Block::connection_closed(ListenerId listener, Mode mode, CloseReason reason) noexcept {
    at(listener).closed[index_of(mode)][index_of(reason)].add();
}

void Block::connection_lasted(ListenerId listener, Duration duration) noexcept {
    observe(at(listener).connection, connection_buckets, duration);
}

void Block::bytes(ListenerId listener, Direction direction, std::uint64_t count) noexcept {
    at(listener).bytes[index_of(direction)].add(count);
}

void Block::queries(ListenerId listener, std::uint64_t count) noexcept {
    at(listener).queries.add(count);
}

void Block::messages_from_client(ListenerId listener,
                                 std::uint8_t type,
                                 std::uint64_t count) noexcept {
    at(listener).messages_from_client[index_of(client_message_from(type))].add(count);
}

void Block::messages_from_server(ListenerId listener,
                                 std::uint8_t type,
                                 std::uint64_t count) noexcept {
    at(listener).messages_from_server[index_of(server_message_from(type))].add(count);
}

void Block::transaction_ended(ListenerId listener, TransactionEnd end) noexcept {
    at(listener).transactions[index_of(end)].add();
}

void Block::server_error(ListenerId listener, std::string_view sqlstate_class) noexcept {
    at(listener).server_errors[index_of(sqlstate_class_from(sqlstate_class))].add();
}

void Block::startup_request(ListenerId listener, StartupKind kind) noexcept {
    at(listener).startup_requests[index_of(kind)].add();
}

void Block::startup_error(ListenerId listener, StartupError error) noexcept {
    at(listener).startup_errors[index_of(error)].add();
}

void Block::login_took(ListenerId listener, Duration duration) noexcept {
    observe(at(listener).login, login_buckets, duration);
}

// An expired certificate counts as zero: a negative value would make the sum decrease, which a
// counter must not.
void Block::client_certificate_remains(ListenerId listener, std::chrono::seconds time) noexcept {
    const auto seconds = std::max<std::int64_t>(time.count(), 0);
    auto& histogram = at(listener).certificate_remaining;
    count_in(histogram, certificate_buckets, static_cast<double>(seconds));
    histogram.sum.add(static_cast<std::uint64_t>(seconds));
}

void Block::tls_handshake_began() noexcept {
    process_.handshakes_began.add();
}

void Block::tls_handshake_ended() noexcept {
    process_.handshakes_ended.add();
}

void Block::tls_handshake(ListenerId listener, const TlsHandshake& handshake) noexcept {
    const HandshakeKind kind{
        .listener = static_cast<std::uint16_t>(listener),
        .side = handshake.side,
        .version = tls_version_from(handshake.version),
        .cipher = cipher_from(handshake.cipher),
        .group = group_from(handshake.group),
        .sni = handshake.sni,
    };
    if (!handshakes_.count(kind)) {
        at(listener).handshakes_beyond_table[index_of(handshake.side)].add();
    }
}

void Block::tls_handshake_failed(ListenerId listener,
                                 Side side,
                                 HandshakeFailure failure) noexcept {
    at(listener).handshake_failures[index_of(side)][index_of(failure)].add();
}

void Block::tls_handshake_took(Side side, Duration duration) noexcept {
    observe(process_.handshake[index_of(side)], handshake_buckets, duration);
}

void Block::client_hello_offered(ListenerId listener, std::string_view version) noexcept {
    at(listener).offers[index_of(tls_version_from(version))].add();
}

void Block::upstream_connect(UpstreamId upstream,
                             ConnectResult result,
                             Duration duration) noexcept {
    UpstreamCells<Counter>& cells = upstreams_[index_of(upstream)];
    cells.connects[index_of(result)].add();
    // Failed attempts are not timed: refusals are quick, and time-outs last as long as their
    // setting.
    if (result == ConnectResult::connected) observe(cells.connect, connect_buckets, duration);
}

void Block::upstream_wrong_role(UpstreamId upstream) noexcept {
    upstreams_[index_of(upstream)].wrong_role.add();
}

void Block::scram_login(ScramOutcome outcome) noexcept {
    process_.scram_logins[index_of(outcome)].add();
}

void Block::cancel_request(CancelOutcome outcome) noexcept {
    process_.cancel_requests[index_of(outcome)].add();
}

void Block::accept_failed(int errno_value) noexcept {
    process_.accept_errors[index_of(accept_error_from(errno_value))].add();
}

void Block::rate_limited(Limit limit) noexcept {
    process_.rate_limited[index_of(limit)].add();
}

void Block::internal_error() noexcept {
    process_.internal_errors.add();
}

void Block::log_messages_dropped(std::uint64_t count) noexcept {
    process_.log_messages_dropped.add(count);
}

// --- the blocks and their sum --------------------------------------------------------------------

Counters::~Counters() {
    Block* block = newest_.load(std::memory_order_acquire);
    while (block != nullptr) {
        const std::unique_ptr<Block> owned(block);
        block = owned->next_;
    }
}

Block& Counters::block_of_this_thread() {
    const std::thread::id self = std::this_thread::get_id();
    Block* newest = newest_.load(std::memory_order_acquire);
    for (Block* block = newest; block != nullptr; block = block->next_) {
        if (block->owner_ == self) return *block;
    }
    auto block = std::make_unique<Block>(self);
    block->next_ = newest;
    while (!newest_.compare_exchange_weak(
        block->next_, block.get(), std::memory_order_release, std::memory_order_relaxed)) {
    }
    return *block.release();
}

ListenerId Counters::add_listener(std::string_view name, Mode mode) {
    const std::lock_guard lock(names_mutex_);
    const std::size_t index = find_or_add(listeners_, name, listeners_max);
    listeners_[index].modes[index_of(mode)] = true;
    return static_cast<ListenerId>(index);
}

UpstreamId Counters::add_upstream(std::string_view name) {
    const std::lock_guard lock(names_mutex_);
    return static_cast<UpstreamId>(find_or_add(upstreams_, name, upstreams_max));
}

Totals Counters::sum() const {
    Totals totals;
    {
        const std::lock_guard lock(names_mutex_);
        for (const ListenerName& listener : listeners_) {
            totals.listeners.push_back(
                {.name = listener.name, .modes = listener.modes, .counts = {}});
        }
        for (const UpstreamName& upstream : upstreams_) {
            totals.upstreams.push_back({.name = upstream.name, .counts = {}});
        }
    }
    for (const Block* block = newest_.load(std::memory_order_acquire); block != nullptr;
         block = block->next_) {
        for (std::size_t i = 0; i < totals.listeners.size(); ++i) {
            add(totals.listeners[i].counts, block->listeners_[i]);
        }
        for (std::size_t i = 0; i < totals.upstreams.size(); ++i) {
            add(totals.upstreams[i].counts, block->upstreams_[i]);
        }
        add(totals.process, block->process_);
        block->handshakes_.for_each([&totals](const HandshakeKind& kind, std::uint64_t count) {
            if (kind.listener < totals.listeners.size()) totals.handshakes[kind] += count;
        });
    }
    add_those_beyond_the_table(totals);
    return totals;
}

} // namespace pgmoat::metrics
