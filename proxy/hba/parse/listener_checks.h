// Whether a valid rule can be evaluated where it is used: in passthrough, without TLS, without a
// role_query. If not, that is an error; a rule is never silently skipped. Called by hba_file.
#pragma once

#include "proxy/hba/parse/hba_file.h"
#include "proxy/hba/parse/line_error.h"
#include "proxy/hba/rule.h"

#include <string>

namespace pgmoat::hba {

[[nodiscard]] Complaint check_for_listener(const Rule& rule, const HbaContext& context);

// The error for +role or samerole without a role_query.
[[nodiscard]] Complaint check_roles(const NameMatch& name, const HbaContext& context);

// A warning about a rule that is loaded but is probably a mistake; empty: none.
[[nodiscard]] std::string warning_about(const Rule& rule, const HbaContext& context);

} // namespace pgmoat::hba
