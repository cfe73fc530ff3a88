// How the servers of each upstream answered SSLRequest and GSSENCRequest last. Clients of a
// passthrough listener are answered from this, so that no server is connected to before a client
// has sent something that must reach one. For any thread.
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
    // Nothing: none has said anything yet.
    [[nodiscard]] std::optional<bool> last(const std::string& upstream,
                                           EncryptionRequest request) const {
        const std::lock_guard lock(mutex_);
        const auto known = answers_.find({upstream, request});
        return known == answers_.end() ? std::nullopt : known->second.yes;
    }
    // Whether the caller may ask a server now: once in `pause`, whoever comes.
    [[nodiscard]] bool
    may_ask(const std::string& upstream, EncryptionRequest request, Clock::duration pause) {
        const std::lock_guard lock(mutex_);
        Answer& answer = answers_[{upstream, request}];
        const auto now = Clock::now();
        if (answer.asked_at && now - *answer.asked_at < pause) return false;
        answer.asked_at = now;
        return true;
    }

  private:
    struct Answer {
        std::optional<bool> yes;
        std::optional<Clock::time_point> asked_at;
    };
    mutable std::mutex mutex_;
    std::map<std::pair<std::string, EncryptionRequest>, Answer> answers_;
};

} // namespace pgmoat::runtime
