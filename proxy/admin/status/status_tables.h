// The parts of the status page as HTML: rows of its tables, the figures at its top. Every value is
// escaped here. Pure.
#pragma once

#include "proxy/admin/status/status.h"

#include <string>
#include <vector>

namespace pgmoat::admin {

[[nodiscard]] std::string state_line(const Status& status);
[[nodiscard]] std::string tiles(const Status& status);
[[nodiscard]] std::string share_rows(const std::vector<Share>& shares);
[[nodiscard]] std::string certificate_rows(const Status& status);
[[nodiscard]] std::string failure_rows(const Status& status);
[[nodiscard]] std::string listener_rows(const Status& status);
[[nodiscard]] std::string upstream_rows(const Status& status);
[[nodiscard]] std::string role_rows(const Status& status);
[[nodiscard]] std::string rule_rows(const Status& status);
[[nodiscard]] std::string limit_rows(const Status& status);
[[nodiscard]] std::string address_rows(const Status& status);
[[nodiscard]] std::string address_note(const Status& status);
[[nodiscard]] std::string refusal_rows(const Status& status);
[[nodiscard]] std::string connection_rows(const Status& status);
[[nodiscard]] std::string connections_note(const Status& status);
[[nodiscard]] std::string facts_line(const Status& status);

} // namespace pgmoat::admin
