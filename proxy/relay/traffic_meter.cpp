#include "proxy/relay/traffic_meter.h"

#include <atomic>
#include <string_view>

namespace pgmoat::relay {

using metrics::Side;

namespace {

// One writer: a load and a store, no locked instruction.
void add(std::atomic<std::uint64_t>& counter, std::uint64_t count) noexcept {
    if (count == 0) return;
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

metrics::TransactionEnd to_metric(protocol::TransactionEnd end) noexcept {
    switch (end) {
    case protocol::TransactionEnd::committed: return metrics::TransactionEnd::committed;
    case protocol::TransactionEnd::rolled_back: return metrics::TransactionEnd::rolled_back;
    case protocol::TransactionEnd::failed: return metrics::TransactionEnd::failed;
    case protocol::TransactionEnd::unknown: break;
    }
    return metrics::TransactionEnd::unknown;
}

// The row is written once at the end, not with each message.
class Tally final : public protocol::TrafficSink {
  public:
    Tally(metrics::Block& counters, metrics::ListenerId listener) noexcept
        : counters_(counters), listener_(listener) {}

    void came_from_client(std::uint8_t type, std::uint64_t messages) noexcept override {
        counters_.messages_from_client(listener_, type, messages);
        from_client_ += messages;
        if (protocol::is_query(type)) queries_ += messages;
    }
    void came_from_server(std::uint8_t type, std::uint64_t messages) noexcept override {
        counters_.messages_from_server(listener_, type, messages);
        from_server_ += messages;
    }
    void transaction_ended(protocol::TransactionEnd end) noexcept override {
        counters_.transaction_ended(listener_, to_metric(end));
        ++transactions_;
    }
    void server_error(protocol::SqlstateClass sqlstate_class) noexcept override {
        counters_.server_error(listener_, {sqlstate_class.data(), sqlstate_class.size()});
    }

    void enter(telemetry::Traffic& row) const noexcept {
        if (queries_ > 0) counters_.queries(listener_, queries_);
        add(row.messages_from_client, from_client_);
        add(row.messages_from_server, from_server_);
        add(row.queries, queries_);
        add(row.transactions, transactions_);
    }

  private:
    metrics::Block& counters_;
    metrics::ListenerId listener_;
    std::uint64_t from_client_ = 0;
    std::uint64_t from_server_ = 0;
    std::uint64_t queries_ = 0;
    std::uint64_t transactions_ = 0;
};

} // namespace

void TrafficMeter::saw(Side from,
                       std::span<const std::uint8_t> bytes,
                       metrics::Block& counters) noexcept {
    if (content_ == Content::opaque) return;
    Tally tally(counters, listener_);
    if (from == Side::client)
        observer_.from_client(bytes, tally);
    else
        observer_.from_server(bytes, tally);
    tally.enter(*row_);
}

void TrafficMeter::missed(Side from, std::size_t bytes) noexcept {
    if (from == Side::client)
        observer_.client_sent_unseen(bytes);
    else
        observer_.server_sent_unseen(bytes);
}

void TrafficMeter::moved(Side from, std::size_t bytes, metrics::Block& counters) noexcept {
    if (bytes == 0) return;
    const bool client = from == Side::client;
    add(client ? row_->bytes_from_client : row_->bytes_from_server, bytes);
    counters.bytes(listener_,
                   client ? metrics::Direction::from_client : metrics::Direction::from_server,
                   bytes);
}

} // namespace pgmoat::relay
