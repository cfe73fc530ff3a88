#include "proxy/control/judge.h"

#include "proxy/lookups/interfaces.h"

#include <utility>
#include <variant>

namespace pgmoat::control {

namespace {

using hba::Question;

Awaitable<void> answer(const RulesToAsk& asked,
                       const hba::Candidate& candidate,
                       Question question,
                       hba::Evaluation& evaluation) {
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

Awaitable<hba::Decision> judge(RulesToAsk asked, hba::Candidate candidate) {
    hba::Evaluation evaluation(asked.rules, candidate);
    for (;;) {
        auto step = evaluation.next();
        if (auto* decision = std::get_if<hba::Decision>(&step)) co_return std::move(*decision);
        co_await answer(asked, candidate, std::get<Question>(step), evaluation);
    }
}

Awaitable<hba::Decision> judge_live(RulesToAsk asked, hba::Candidate candidate) {
    hba::Decision decision = co_await judge(asked, candidate);
    co_return hba::after_server_hello(std::move(decision), candidate);
}

} // namespace pgmoat::control
