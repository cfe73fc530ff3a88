#include "proxy/telemetry/session_table.h"

#include "protocol/messages.h"
#include "proxy/telemetry/shared_facts_pool.h"

#include <algorithm>
#include <utility>

namespace pgmoat::telemetry {

namespace {

// Takes the same time wherever the keys differ.
bool same_key(std::span<const std::uint8_t> ours, std::span<const std::uint8_t> theirs) {
    if (ours.size() != theirs.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < ours.size(); ++i)
        difference |= static_cast<unsigned>(ours[i] ^ theirs[i]);
    return difference == 0;
}

} // namespace

SessionRow::~SessionRow() {
    const std::lock_guard lock(table_.mutex_);
    SessionRow* last = table_.rows_.back();
    table_.rows_[index_] = last;
    last->index_ = index_;
    table_.rows_.pop_back();
    forget_cancel_key();
    if (admitted_) --table_.admitted_;
    table_.live_.store(table_.rows_.size(), std::memory_order_relaxed);
}

void SessionRow::update(const std::function<void(SessionFacts&)>& change) {
    SessionFacts changed = all_facts();
    change(changed);
    const OwnFacts own = changed;
    std::shared_ptr<const SharedFacts> facts = table_.take_facts(std::move(changed));
    const std::lock_guard lock(table_.mutex_);
    facts_.swap(facts); // the old value is freed after the lock is released
    own_ = own;
}

void SessionRow::update_own(const std::function<void(OwnFacts&)>& change) {
    const std::lock_guard lock(table_.mutex_);
    change(own_);
}

bool SessionRow::admit(std::size_t limit) {
    const std::lock_guard lock(table_.mutex_);
    if (admitted_) return true;
    if (table_.admitted_ >= limit) return false;
    ++table_.admitted_;
    admitted_ = true;
    return true;
}

void SessionRow::set_cancel_key(std::uint32_t process_id,
                                std::span<const std::uint8_t> key,
                                std::shared_ptr<const upstream::ServerRoute> route) {
    std::vector<std::uint8_t> copy(key.begin(), key.end());
    const std::lock_guard lock(table_.mutex_);
    own_.backend_process_id = process_id;
    forget_cancel_key();
    if (copy.empty()) return;
    cancel_process_id_ = process_id;
    cancel_key_.swap(copy);
    route_.swap(route);
    table_.by_process_id_.emplace(process_id, this);
}

void SessionRow::forget_cancel_key() {
    if (cancel_key_.empty()) return;
    auto [at, end] = table_.by_process_id_.equal_range(cancel_process_id_);
    while (at != end && at->second != this)
        ++at;
    if (at != end) table_.by_process_id_.erase(at);
    cancel_key_.clear();
}

MovedRow SessionRow::moved() const {
    return {id_, opened_, counts(), all_facts(), cancel_process_id_, cancel_key_, route_};
}

SessionTable::SessionTable() : live_facts_(std::make_shared<SharedFactsPool>()) {}

// Of a session that is logging in they will change, and are not shared yet.
std::shared_ptr<const SharedFacts> SessionTable::take_facts(SharedFacts facts) const {
    if (facts.stage == SessionStage::live) return live_facts_->share(std::move(facts));
    return std::make_shared<const SharedFacts>(std::move(facts));
}

std::unique_ptr<SessionRow> SessionTable::open() {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<SessionRow> row = add();
    row->id_ = next_id_++;
    return row;
}

std::unique_ptr<SessionRow> SessionTable::open(const MovedRow& moved) {
    std::shared_ptr<const SharedFacts> facts = take_facts(moved.facts);
    std::unique_ptr<SessionRow> row;
    {
        const std::lock_guard lock(mutex_);
        const bool is_free = find(moved.id) == nullptr;
        row = add();
        row->id_ = is_free ? moved.id : next_id_++;
        next_id_ = std::max(next_id_, row->id_ + 1);
        row->opened_ = moved.opened;
        row->facts_.swap(facts);
        row->own_ = moved.facts;
    }
    row->bytes_from_client = moved.traffic.bytes_from_client;
    row->bytes_from_server = moved.traffic.bytes_from_server;
    row->messages_from_client = moved.traffic.messages_from_client;
    row->messages_from_server = moved.traffic.messages_from_server;
    row->queries = moved.traffic.queries;
    row->transactions = moved.traffic.transactions;
    if (!moved.cancel_key.empty())
        row->set_cancel_key(moved.cancel_process_id, moved.cancel_key, moved.route);
    return row;
}

// With the lock held. The row has no id yet.
std::unique_ptr<SessionRow> SessionTable::add() {
    // Reserve first: if push_back() threw, a row that is not in the table would be destroyed, and
    // its destructor removes it.
    if (rows_.size() == rows_.capacity())
        rows_.reserve(std::max<std::size_t>(64, 2 * rows_.size()));
    std::unique_ptr<SessionRow> row(new SessionRow(*this));
    row->index_ = rows_.size();
    rows_.push_back(row.get());
    live_.store(rows_.size(), std::memory_order_relaxed);
    return row;
}

void SessionTable::begin_ids_at(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    next_id_ = std::max(next_id_, id);
}

std::uint64_t SessionTable::next_id() const {
    const std::lock_guard lock(mutex_);
    return next_id_;
}

// Safe without the owner: it has handed the row over and calls keep() no more. ~SessionRow() leaves
// the table before its members are destroyed.
void SessionTable::keep(std::uint64_t id, std::shared_ptr<void> until_the_end) {
    const std::lock_guard lock(mutex_);
    if (SessionRow* row = find(id)) row->kept_.push_back(std::move(until_the_end));
}

// With the lock held.
SessionRow* SessionTable::find(std::uint64_t id) const {
    const auto found =
        std::ranges::find(rows_, id, [](const SessionRow* row) { return row->id(); });
    return found == rows_.end() ? nullptr : *found;
}

bool SessionTable::has(std::uint64_t id) const {
    const std::lock_guard lock(mutex_);
    return find(id) != nullptr;
}

std::size_t SessionTable::admitted() const {
    const std::lock_guard lock(mutex_);
    return admitted_;
}

SeenSessions SessionTable::snapshot() const {
    SeenSessions seen;
    seen.reserve(
        live() +
        64); // room for those added before we get the lock; if there are more, it just takes longer
    const std::lock_guard lock(mutex_);
    for (const SessionRow* row : rows_)
        seen.push_back(row->seen());
    return seen;
}

std::shared_ptr<const upstream::ServerRoute>
SessionTable::find_route(std::uint32_t process_id, std::span<const std::uint8_t> key) const {
    const std::lock_guard lock(mutex_);
    const auto [begin, end] = by_process_id_.equal_range(process_id);
    const auto found = std::find_if(
        begin, end, [key](const auto& each) { return same_key(each.second->cancel_key_, key); });
    return found == end ? nullptr : found->second->route_;
}

std::optional<SessionTable::Cancel> SessionTable::cancel_for(std::uint64_t id) const {
    const std::lock_guard lock(mutex_);
    const SessionRow* row = find(id);
    if (row == nullptr || row->cancel_key_.empty()) return std::nullopt;
    return Cancel{row->route_,
                  protocol::encode_cancel_request(row->cancel_process_id_, row->cancel_key_)};
}

} // namespace pgmoat::telemetry
