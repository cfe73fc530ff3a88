#include "proxy/admin/http/recent_answers.h"

#include "proxy/admin/limits.h"

namespace pgmoat::admin {

HttpAnswer RecentAnswers::answer(std::string_view method,
                                 std::string_view target,
                                 const HttpPages& pages,
                                 Clock::time_point now) {
    const std::string_view path = path_of(target);
    const Freshness freshness = freshness_of(path);
    const bool reads = method == "GET" || method == "HEAD";
    if (!reads || freshness == Freshness::this_moment) return answer_http(method, target, pages);
    const auto kept = kept_.find(path);
    if (kept != kept_.end() && now < kept->second.until) return kept->second.answer;
    HttpAnswer answer = answer_http(method, target, pages);
    if (answer.status != 200) return answer;
    const auto until =
        freshness == Freshness::any ? Clock::time_point::max() : now + http_answer_kept;
    kept_.insert_or_assign(std::string(path), Kept{answer, until});
    return answer;
}

} // namespace pgmoat::admin
