// The last answers of each upstream's servers to SSLRequest and GSSENCRequest. Passthrough
// listeners answer their clients from this, so that they connect to a server only once a client has
// sent something for it. For any thread.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace pgmoat::runtime {

enum class EncryptionRequest { ssl, gssenc };

class ServerAnswers {
  public:
    using Clock = std::chrono::steady_clock;

    // A server said yes ('S', 'G') or no ('N').
    void note(const std::string& upstream, EncryptionRequest request, bool yes) {
        const std::lock_guard lock(mutex_);
        answers_[{upstream, request}].yes = yes;
    }
    // Nothing: no server has answered yet.
    [[nodiscard]] std::optional<bool> last(const std::string& upstream,
                                           EncryptionRequest request) const {
        const std::lock_guard lock(mutex_);
        const auto known = answers_.find({upstream, request});
        return known == answers_.end() ? std::nullopt : known->second.yes;
    }
    enum class Turn {
        ask, // the caller should ask, and call asked() afterwards
        another_asks,
        too_soon, // the last question was less than `pause` ago
    };
    [[nodiscard]] Turn
    turn(const std::string& upstream, EncryptionRequest request, Clock::duration pause) {
        const std::lock_guard lock(mutex_);
        Answer& answer = answers_[{upstream, request}];
        const auto now = Clock::now();
        if (answer.asking) return Turn::another_asks;
        if (answer.asked_at && now - *answer.asked_at < pause) return Turn::too_soon;
        answer.asked_at = now;
        answer.asking = true;
        return Turn::ask;
    }
    void asked(const std::string& upstream, EncryptionRequest request) noexcept {
        const std::lock_guard lock(mutex_);
        const auto known = answers_.find({upstream, request});
        if (known != answers_.end()) known->second.asking = false;
    }

  private:
    struct Answer {
        std::optional<bool> yes;
        std::optional<Clock::time_point> asked_at;
        bool asking = false;
    };
    mutable std::mutex mutex_;
    std::map<std::pair<std::string, EncryptionRequest>, Answer> answers_;
};

} // namespace pgmoat::runtime
