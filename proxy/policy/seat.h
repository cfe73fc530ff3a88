// A connection's place under the rule that let it in, for max_connections= and the counts. Held as
// long as the connection lives, whatever becomes of the rules meanwhile. Any thread.
#pragma once

#include "proxy/policy/evaluation.h"
#include "proxy/policy/rule.h"

#include <memory>

namespace pgmoat::policy {

// Null: the rule lets no more connections in.
[[nodiscard]] std::shared_ptr<void> take_seat(const Rule& rule);

// What becomes of a connection that gets none.
[[nodiscard]] Decision no_seat(const Rule& rule);

} // namespace pgmoat::policy
