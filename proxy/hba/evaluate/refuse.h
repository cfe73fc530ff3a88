// The refusals: the client's message, which is PostgreSQL's to the letter, and what only the log
// gets. Made by the evaluation and by check_demands().
// Source: PostgreSQL, src/backend/libpq/auth.c, ClientAuthentication() and auth_failed().
#pragma once

#include "protocol/server_method.h"
#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/hba/rule.h"

#include <string>
#include <string_view>

namespace pgmoat::hba {

inline constexpr std::string_view invalid_authorization = "28000";

// "SSL encryption", "GSS encryption", "no encryption".
[[nodiscard]] std::string_view encryption_of(const Candidate& candidate) noexcept;

// By a rule, in words of its own. The log is told where the rule stands.
[[nodiscard]] Decision refuse(const Rule& rule, std::string message, std::string reason = {});

[[nodiscard]] Decision refuse_for_lack_of_ca(const Rule& rule);
[[nodiscard]] Decision refuse_for_lack_of_certificate(const Rule& rule);
[[nodiscard]] Decision reject(const Rule& rule, const Candidate& candidate);
// As the method of the rule speaks when it fails.
[[nodiscard]] Decision
refuse_login(const Rule& rule, const Candidate& candidate, std::string reason);
[[nodiscard]] Decision refuse_for_lack_of_roles(const Rule& rule, const std::string& error);
[[nodiscard]] Decision refuse_without_rule(const Candidate& candidate);

// The upstream is a template, and the name that the client asked for makes no host of it.
[[nodiscard]] Decision refuse_for_lack_of_host(const Rule& rule);

// The server asked the client for `asked`, which is less than the rule's method (method_promise.h).
[[nodiscard]] Decision refuse_for_lack_of_proof(const Rule& rule, protocol::ServerMethod asked);

// What became of the lookup of the client's name; empty: there was none.
[[nodiscard]] std::string describe_lookup(const Answers& known);
void add_to_log(Decision& decision, std::string_view line);

} // namespace pgmoat::hba
