// A connection's slot under the rule that let it in, for max_connections= and the number of live
// connections. Held as long as the connection lives, even if a reload removes the rule. Any thread.
#pragma once

#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/hba/rule.h"

#include <memory>

namespace pgmoat::hba {

// Null: the rule's limit is reached.
[[nodiscard]] std::shared_ptr<void> take_connection_slot(const Rule& rule);

// The same for a live connection: it is counted even above the limit.
[[nodiscard]] std::shared_ptr<void> hold_connection_slot(const Rule& rule);

// The refusal of a connection that gets no slot.
[[nodiscard]] Decision refuse_without_slot(const Rule& rule);

} // namespace pgmoat::hba
