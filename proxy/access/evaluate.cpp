#include "proxy/access/evaluate.h"

#include "proxy/lookups/interfaces.h"

#include <utility>
#include <variant>

namespace pgmoat::access {

namespace {

using hba::Question;

Awaitable<void> answer(const RulesToAsk& asked,
                       const hba::Candidate& candidate,
                       Question question,
                       hba::Evaluation& evaluation) {
    switch (question) {
    case Question::client_host_name: {
        auto name = co_await asked.lookup_client.client_host_name(candidate.address);
        co_return evaluation.answer(std::move(name));
    }
    case Question::user_roles: {
        auto roles = co_await asked.lookup_client.user_roles(asked.roles, candidate.user);
        co_return evaluation.answer(std::move(roles));
    }
    case Question::system_user: {
        auto user = co_await asked.lookup_client.system_user(candidate.peer_uid.value_or(0));
        co_return evaluation.answer(std::move(user));
    }
    case Question::own_interfaces: co_return evaluation.answer(lookups::own_interfaces());
    }
}

} // namespace

hba::Candidate candidate_of(const telemetry::ClientFacts& facts) {
    hba::Candidate candidate;
    candidate.address = hba::net_address_from(facts.client_address);
    candidate.address_text = facts.client_address;
    candidate.tls = facts.encryption == telemetry::Encryption::tls;
    candidate.gss = facts.encryption == telemetry::Encryption::gss;
    candidate.passthrough = facts.mode == metrics::Mode::passthrough;
    candidate.tls_version = facts.client_tls.version;
    candidate.tls_cipher = facts.client_tls.cipher;
    candidate.tls_group = facts.client_tls.group;
    candidate.server_name = facts.client_tls.server_name;
    candidate.certificate = facts.client_certificate;
    candidate.has_ca = facts.client_certificate_was_requested;
    candidate.user = facts.user;
    candidate.database = facts.database;
    candidate.replication = facts.replication;
    candidate.peer_uid = facts.peer_uid;
    return candidate;
}

Awaitable<hba::Decision> evaluate(RulesToAsk asked, hba::Candidate candidate) {
    hba::Evaluation evaluation(asked.rules, candidate);
    for (;;) {
        auto step = evaluation.next();
        if (auto* decision = std::get_if<hba::Decision>(&step)) co_return std::move(*decision);
        co_await answer(asked, candidate, std::get<Question>(step), evaluation);
    }
}

Awaitable<hba::Decision> evaluate_live(RulesToAsk asked, hba::Candidate candidate) {
    hba::Decision decision = co_await evaluate(asked, candidate);
    co_return hba::after_server_hello(std::move(decision), candidate);
}

} // namespace pgmoat::access
