// Keeps the answers that are dear to make for a moment, and files for ever: many browsers and
// impatient scripts cost the thread that they share with logins no more than one does. /metrics and
// what probes ask is never kept. Of one thread.
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

    // What answer_http() says, or said a moment ago.
    [[nodiscard]] HttpAnswer answer(std::string_view method,
                                    std::string_view target,
                                    const HttpPages& pages,
                                    Clock::time_point now);

  private:
    struct Kept {
        HttpAnswer answer;
        Clock::time_point until;
    };
    // By path; only paths that exist get in.
    std::map<std::string, Kept, std::less<>> kept_;
};

} // namespace pgmoat::admin
