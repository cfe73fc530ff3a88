#include "proxy/control/judge.h"

#include "proxy/lookups/interfaces.h"

#include <utility>
#include <variant>

namespace pgmoat::control {

namespace {

using policy::Question;

Awaitable<void> answer(const RulesToAsk& asked,
                       const policy::Candidate& candidate,
                       Question question,
                       policy::Evaluation& evaluation) {
    switch (question) {
    case Question::client_host_name: {
        auto name = co_await asked.inquiry.client_host_name(candidate.address);
        co_return evaluation.answer(std::move(name));
    }
    case Question::user_roles: {
        auto roles = co_await asked.inquiry.user_roles(asked.roles, candidate.user);
        co_return evaluation.answer(std::move(roles));
    }
    case Question::own_interfaces: co_return evaluation.answer(lookups::own_interfaces());
    }
}

} // namespace

Awaitable<policy::Decision> judge(RulesToAsk asked, policy::Candidate candidate) {
    policy::Evaluation evaluation(asked.rules, candidate);
    for (;;) {
        auto step = evaluation.next();
        if (auto* decision = std::get_if<policy::Decision>(&step)) co_return std::move(*decision);
        co_await answer(asked, candidate, std::get<Question>(step), evaluation);
    }
}

Awaitable<policy::Decision> judge_live(RulesToAsk asked, policy::Candidate candidate) {
    policy::Decision decision = co_await judge(asked, candidate);
    co_return policy::after_server_hello(std::move(decision), candidate);
}

} // namespace pgmoat::control
