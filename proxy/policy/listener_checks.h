// Whether a rule, sound by itself, can be judged where it is to be used: in passthrough, without
// TLS, without a role_query. What cannot is an error, never a silent skip. Called by hba_file.
#pragma once

#include "proxy/policy/hba_file.h"
#include "proxy/policy/line_error.h"
#include "proxy/policy/rule.h"

#include <string>

namespace pgmoat::policy {

[[nodiscard]] Complaint check_for_listener(const Rule& rule, const HbaContext& context);

// A +role or samerole that nobody could answer.
[[nodiscard]] Complaint check_roles(const NameMatch& name, const HbaContext& context);

// What is loaded all the same but can hardly be meant; empty: nothing.
[[nodiscard]] std::string warning_about(const Rule& rule, const HbaContext& context);

} // namespace pgmoat::policy
