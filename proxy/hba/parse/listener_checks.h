// Whether a rule, sound by itself, can be judged where it is to be used: in passthrough, without
// TLS, without a role_query. What cannot is an error, never a silent skip. Called by hba_file.
#pragma once

#include "proxy/hba/parse/hba_file.h"
#include "proxy/hba/parse/line_error.h"
#include "proxy/hba/rule.h"

#include <string>

namespace pgmoat::hba {

[[nodiscard]] Complaint check_for_listener(const Rule& rule, const HbaContext& context);

// A +role or samerole without a role_query to answer it.
[[nodiscard]] Complaint check_roles(const NameMatch& name, const HbaContext& context);

// What is loaded all the same but can hardly be meant; empty: nothing.
[[nodiscard]] std::string warning_about(const Rule& rule, const HbaContext& context);

} // namespace pgmoat::hba
