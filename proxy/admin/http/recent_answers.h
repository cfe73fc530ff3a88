// Caches expensive responses briefly and static files permanently, so that many browsers and
// scripts cost the endpoint's thread no more than one. /metrics and the health checks are never
// cached. For one thread.
#pragma once

#include "proxy/admin/http/http_answer.h"

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace pgmoat::admin {

class RecentAnswers {
  public:
    using Clock = std::chrono::steady_clock;

    // The result of answer_http(), possibly cached.
    [[nodiscard]] HttpAnswer answer(std::string_view method,
                                    std::string_view target,
                                    const HttpPages& pages,
                                    Clock::time_point now);

  private:
    struct Kept {
        HttpAnswer answer;
        Clock::time_point until;
    };
    // By path; only existing paths are stored.
    std::map<std::string, Kept, std::less<>> kept_;
};

} // namespace pgmoat::admin
