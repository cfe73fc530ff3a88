// The slot of a connection under the rule that let it in, for max_connections= and the counts. Held
// as long as the connection lives, whatever becomes of the rules meanwhile. Any thread.
#pragma once

#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/hba/rule.h"

#include <memory>

namespace pgmoat::hba {

// Null: the rule lets no more connections in.
[[nodiscard]] std::shared_ptr<void> take_connection_slot(const Rule& rule);

// The same for a connection that is live already: it is counted, over the limit too.
[[nodiscard]] std::shared_ptr<void> hold_connection_slot(const Rule& rule);

// What becomes of a connection that gets none.
[[nodiscard]] Decision refuse_without_slot(const Rule& rule);

} // namespace pgmoat::hba
