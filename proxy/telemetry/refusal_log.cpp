#include "proxy/telemetry/refusal_log.h"

#include "proxy/telemetry/limits.h"

#include <algorithm>
#include <utility>

namespace pgmoat::telemetry {

bool is_refusal(metrics::CloseReason reason, bool has_detail) noexcept {
    using enum metrics::CloseReason;
    switch (reason) {
    case startup: return has_detail; // without a detail it was a probe
    case proxy_header:
    case handshake:
    case denied:
    case too_many_connections:
    case accept_error:
    case upstream_failed:
    case login_failed:
    case timeout:
    case tls_flood:
    case internal: return true;
    case client_closed:
    case server_closed:
    case client_io_error:
    case server_io_error:
    case tls_truncated:
    case cancel:
    case idle:
    case lifetime:
    case drain:
    case handed_over:
    case killed:
    case rate_limited: break; // too many to be logged one by one
    }
    return false;
}

void RecentRefusals::add(Refusal refusal) {
    refusal.detail.resize(std::min(refusal.detail.size(), refusal_detail_bytes_max));
    const std::lock_guard lock(mutex_);
    refusals_.push_front(std::move(refusal));
    if (refusals_.size() > recent_refusals_max) refusals_.pop_back();
}

std::vector<Refusal> RecentRefusals::newest_first() const {
    const std::lock_guard lock(mutex_);
    return {refusals_.begin(), refusals_.end()};
}

bool LineGate::admit(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    const std::chrono::duration<double> since = now - std::exchange(filled_, now);
    const bool first = !std::exchange(used_, true);
    lines_ = first
                 ? refusal_lines_burst
                 : std::min(refusal_lines_burst, lines_ + since.count() * refusal_lines_per_second);
    if (lines_ >= 1) {
        lines_ -= 1;
        return true;
    }
    ++held_;
    return false;
}

void LineGate::hold() {
    const std::lock_guard lock(mutex_);
    ++held_;
}

std::uint64_t LineGate::take_held() {
    const std::lock_guard lock(mutex_);
    return std::exchange(held_, 0);
}

std::vector<RefusalGate::Held> RefusalGate::take_held() {
    std::vector<Held> all;
    for (std::size_t i = 0; i < gates_.size(); ++i)
        if (const std::uint64_t count = gates_[i].take_held(); count > 0)
            all.push_back({static_cast<metrics::CloseReason>(i), count});
    return all;
}

} // namespace pgmoat::telemetry
