// The refusals: the client's error, exactly as PostgreSQL's, and the details for the log. Made by
// the evaluation and by check_demands(). Source: PostgreSQL, src/backend/libpq/auth.c,
// ClientAuthentication() and auth_failed().
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

// A refusal by a rule with a text of its own. The log gets the rule's file and line.
[[nodiscard]] Decision refuse(const Rule& rule, std::string message, std::string reason = {});

[[nodiscard]] Decision refuse_for_lack_of_ca(const Rule& rule);
[[nodiscard]] Decision refuse_for_lack_of_certificate(const Rule& rule);
[[nodiscard]] Decision reject(const Rule& rule, const Candidate& candidate);
// A refusal with the text of the rule's method for a failed authentication.
[[nodiscard]] Decision
refuse_login(const Rule& rule, const Candidate& candidate, std::string reason);
[[nodiscard]] Decision refuse_for_lack_of_roles(const Rule& rule, const std::string& error);
[[nodiscard]] Decision refuse_without_rule(const Candidate& candidate);

// The upstream is a template, and the name that the client asked for gives no valid host.
[[nodiscard]] Decision refuse_for_lack_of_host(const Rule& rule);

// The server asked the client for `asked`, which is weaker than the rule's method
// (method_promise.h).
[[nodiscard]] Decision refuse_for_lack_of_proof(const Rule& rule, protocol::ServerMethod asked);

// For the log: the result of looking up the client's name; empty: there was no lookup.
[[nodiscard]] std::string describe_lookup(const Answers& known);
void add_to_log(Decision& decision, std::string_view line);

} // namespace pgmoat::hba
