#include "proxy/session_table.h"

#include <algorithm>

namespace pgmoat {

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
    table_.rows_[place_] = last;
    last->place_ = place_;
    table_.rows_.pop_back();
    if (admitted_) --table_.admitted_;
    table_.live_.store(table_.rows_.size(), std::memory_order_relaxed);
}

void SessionRow::update(const std::function<void(SessionFacts&)>& change) {
    const std::lock_guard lock(table_.mutex_);
    change(facts_);
}

bool SessionRow::admit(std::size_t limit) {
    const std::lock_guard lock(table_.mutex_);
    if (admitted_) return true;
    if (table_.admitted_ >= limit) return false;
    ++table_.admitted_;
    admitted_ = true;
    return true;
}

void SessionRow::set_cancel_key(std::uint32_t process_id, std::span<const std::uint8_t> key) {
    const std::lock_guard lock(table_.mutex_);
    facts_.backend_process_id = process_id;
    cancel_key_.assign(key.begin(), key.end());
}

std::unique_ptr<SessionRow> SessionTable::open() {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<SessionRow> row(new SessionRow(*this, next_id_++));
    row->place_ = rows_.size();
    rows_.push_back(row.get());
    live_.store(rows_.size(), std::memory_order_relaxed);
    return row;
}

bool SessionTable::has(std::uint64_t id) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(rows_, [id](const SessionRow* row) { return row->id() == id; });
}

void SessionTable::for_each(const std::function<void(const SessionRow&)>& visit) const {
    const std::lock_guard lock(mutex_);
    for (const SessionRow* row : rows_)
        visit(*row);
}

std::optional<BackendPlace> SessionTable::find_backend(std::uint32_t process_id,
                                                       std::span<const std::uint8_t> key) const {
    const std::lock_guard lock(mutex_);
    for (const SessionRow* row : rows_)
        if (row->facts_.backend_process_id == process_id && same_key(row->cancel_key_, key))
            return row->facts_.backend;
    return std::nullopt;
}

} // namespace pgmoat
