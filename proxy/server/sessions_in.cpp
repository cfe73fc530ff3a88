#include "proxy/server/sessions_in.h"

#include "proxy/access/address_gate.h"
#include "proxy/access/recheck_sessions.h"
#include "proxy/server/limits.h"
#include "proxy/upstream/dial.h"

#include <algorithm>
#include <limits>
#include <new>
#include <string>
#include <utility>

namespace pgmoat::server {

namespace {

constexpr std::size_t message_head_bytes = 5;

// The address that limits are counted for, as for a session that began in this process.
hba::NetAddress counted_address(const telemetry::SharedFacts& facts) {
    if (facts.proxied && !facts.proxied->has_address()) return {};
    return hba::net_address_from(facts.client_address);
}

} // namespace

SessionsIn::SessionsIn(const Threads& threads, Descriptor channel)
    : threads_(threads), thread_(*threads.front()), channel_(std::move(channel)),
      readiness_(thread_.context, channel_.get()),
      buffer_(message_head_bytes + moved_session_bytes_max) {}

SessionsIn::~SessionsIn() {
    (void)readiness_.release(); // the descriptor is channel_'s
}

void SessionsIn::start() {
    if (send_hello(channel_)) return listen();
    close();
}

void SessionsIn::listen() {
    readiness_.async_wait(asio::posix::stream_descriptor::wait_read,
                          [this, alive = std::weak_ptr(alive_)](const error_code& error) {
                              if (!error && !alive.expired()) hear();
                          });
}

void SessionsIn::hear() {
    for (int turn = 0; turn < moved_per_turn; ++turn) {
        ArrivedSession arrived;
        const Transfer got = receive_session(channel_, buffer_, arrived);
        if (got == Transfer::not_now) break;
        if (got != Transfer::done || !take(std::move(arrived))) return close();
    }
    listen();
}

// Answers first: until the answer is sent the session belongs to the old process.
bool SessionsIn::take(ArrivedSession arrived) {
    const std::uint32_t number = arrived.number;
    std::unique_ptr<relay::Channel> channel;
    try {
        channel = channel_of(arrived);
    } catch (const std::bad_alloc&) { // the old process keeps it
    }
    if (!send_answer(channel_, {number, channel != nullptr})) return false;
    if (!channel) return true;
    ++taken_;
    const auto& row = static_cast<const telemetry::SessionRow&>(*channel->row);
    const auto& facts = row.facts();
    thread_.services.counters.block_of_this_thread().connection_opened(facts.listener_id,
                                                                       facts.mode);
    const std::uint64_t id = row.id();
    auto judged = std::make_shared<const telemetry::SharedFacts>(facts);
    thread_.services.plane.adopt(std::move(channel));
    access::review_newcomer(threads_, id, std::move(judged));
    return true;
}

// Null: it cannot continue here.
std::unique_ptr<relay::Channel> SessionsIn::channel_of(ArrivedSession& arrived) {
    if (!arrived.client || !arrived.server) return nullptr;
    auto moved = decode_session(arrived.session);
    if (!moved) return nullptr;
    telemetry::SessionFacts& facts = moved->row.facts;
    const auto& listeners = thread_.setup->config.listeners;
    const auto listener = std::ranges::find(listeners, facts.listener, &config::Listener::name);
    if (listener == listeners.end() || !find_route(*moved)) return nullptr;
    facts.listener_id = thread_.services.counters.add_listener(facts.listener, facts.mode);

    std::unique_ptr<telemetry::SessionRow> row = thread_.services.table.open(moved->row);
    (void)row->admit(
        std::numeric_limits<std::size_t>::max()); // already live: counted, never refused
    hold_place(*row);
    auto channel = std::make_unique<relay::Channel>();
    channel->id = row->id();
    channel->client = {std::move(arrived.client),
                       nullptr,
                       std::move(moved->client.unread),
                       std::move(moved->client.unsent)};
    channel->server = {std::move(arrived.server),
                       nullptr,
                       std::move(moved->server.unread),
                       std::move(moved->server.unsent)};
    using Content = relay::TrafficMeter::Content;
    const Content content = moved->messages ? Content::messages : Content::opaque;
    channel->meter = relay::TrafficMeter(*row, facts.listener_id, content);
    if (moved->messages)
        channel->meter.go_on_with(*protocol::TrafficObserver::from(*moved->messages));
    channel->row = std::move(row);
    return channel;
}

// False: the current configuration does not have its upstream, so its queries could not be
// cancelled.
bool SessionsIn::find_route(MovedSession& moved) const {
    if (!moved.route) {
        moved.row.cancel_key.clear();
        return true;
    }
    const auto& upstreams = thread_.setup->upstreams;
    const auto found = upstreams.find(moved.route->upstream);
    if (found == upstreams.end() || found->second->conninfo.groups != 0) return false;
    upstream::ServerRoute route;
    route.target = found->second;
    route.host = {moved.route->host, moved.route->port, moved.route->local, {}};
    route.address = moved.route->address;
    moved.row.route = std::make_shared<const upstream::ServerRoute>(std::move(route));
    return true;
}

void SessionsIn::hold_place(telemetry::SessionRow& row) {
    if (thread_.services.addresses == nullptr) return;
    auto place = thread_.services.addresses->connect(counted_address(row.facts()));
    if (!place || !place->counts()) return;
    row.keep(std::make_shared<access::AddressTable::Place>(std::move(*place)));
}

void SessionsIn::close() {
    if (taken_ > 0)
        thread_.services.log.info("took over " + std::to_string(taken_) +
                                  (taken_ == 1 ? " connection" : " connections") +
                                  " of the process before");
    (void)readiness_.release();
    channel_.reset();
    std::vector<std::uint8_t>().swap(buffer_);
}

} // namespace pgmoat::server
