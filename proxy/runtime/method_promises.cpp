#include "proxy/runtime/method_promises.h"

#include "proxy/hba/method_promise.h"
#include "proxy/runtime/limits.h"

#include <cstddef>

namespace pgmoat::runtime {

using protocol::ServerMethod;

namespace {

// Calls `visit` for each rule that lets clients in and sends them to this upstream.
template <class Visit>
void visit_rules(const RuntimeConfig& setup, const std::string& upstream, Visit visit) {
    for (std::size_t i = 0; i < setup.config.listeners.size() && i < setup.access.size(); ++i) {
        const auto& listener = setup.config.listeners[i];
        const auto& rules = setup.access[i].rules;
        if (listener.tls_mode != config::TlsMode::terminate || !rules) continue;
        for (const hba::Rule& rule : rules->rules) {
            const std::string& goes_to = rule.upstream.empty() ? listener.upstream : rule.upstream;
            if (goes_to == upstream && rule.method != hba::Method::reject) visit(rule);
        }
    }
}

} // namespace

std::vector<std::string>
unkept_promises(const RuntimeConfig& setup, const std::string& upstream, ServerMethod asked) {
    std::string rules;
    std::size_t count = 0;
    visit_rules(setup, upstream, [&](const hba::Rule& rule) {
        if (hba::methods_that_satisfy(rule).contains(asked)) return;
        if (++count <= named_rules_max)
            rules += (rules.empty() ? "" : ", ") + rule.location + " (" +
                     std::string(word_of(rule.method)) + ")";
    });
    if (count == 0) return {};
    if (count > named_rules_max)
        rules += " and " + std::to_string(count - named_rules_max) + " more";
    const std::string does = asked == ServerMethod::none
                                 ? "lets clients in without authentication"
                                 : "asks for " + std::string(name_of(asked));
    return {"upstream \"" + upstream + "\": the server " + does +
            ", which is less than these access rules require: " + rules +
            ". Clients that it asks for no more than that will be refused"};
}

bool has_promises(const RuntimeConfig& setup, const std::string& upstream) {
    bool found = false;
    visit_rules(setup, upstream, [&found](const hba::Rule& rule) {
        found = found || !hba::methods_that_satisfy(rule).contains(ServerMethod::none);
    });
    return found;
}

} // namespace pgmoat::runtime
