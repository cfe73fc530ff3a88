// Limits how many cancel requests are forwarded at a time: in total, from one client, to one
// server. They need no password, and each costs a connection to a server. For any thread.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace pgmoat::runtime {

class CancelLimits;

// Counts a cancel request under one key, as long as this lives.
class CancelSlot {
  public:
    CancelSlot(CancelLimits& limits, std::string key) : limits_(&limits), key_(std::move(key)) {}
    inline ~CancelSlot();
    CancelSlot(CancelSlot&& other) noexcept
        : limits_(std::exchange(other.limits_, nullptr)), key_(std::move(other.key_)) {}
    CancelSlot& operator=(CancelSlot&& other) noexcept {
        std::swap(limits_, other.limits_);
        std::swap(key_, other.key_);
        return *this;
    }

  private:
    CancelLimits* limits_;
    std::string key_;
};

class CancelLimits {
  public:
    // Nothing: the key's limit is reached.
    [[nodiscard]] std::optional<CancelSlot> take(const std::string& key, std::size_t max) {
        const std::lock_guard lock(mutex_);
        std::size_t& taken = taken_[key];
        if (taken >= max) return std::nullopt;
        ++taken;
        return CancelSlot(*this, key);
    }

  private:
    friend class CancelSlot;
    void give_back(const std::string& key) {
        const std::lock_guard lock(mutex_);
        const auto found = taken_.find(key);
        if (found != taken_.end() && --found->second == 0) taken_.erase(found);
    }

    std::mutex mutex_;
    std::map<std::string, std::size_t> taken_;
};

CancelSlot::~CancelSlot() {
    if (limits_) limits_->give_back(key_);
}

} // namespace pgmoat::runtime
