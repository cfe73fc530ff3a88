// What Parse and Bind make of a statement: it is understood, then bound to values and formats, then its
// rows are sent as the client wants them, in text or binary. Of the wire_session that holds them.
#pragma once

#include "protocol/client_messages.h"
#include "protocol/server_messages.h"
#include "proxy/admin/console/sql/engine.h"
#include "proxy/admin/console/statement.h"
#include "proxy/admin/console/table.h"

#include <cstdint>
#include <memory>
#include <span>
#include <variant>
#include <vector>

namespace pgmoat::admin {

enum class Format : std::uint16_t { text, binary };

// A statement that was understood.
struct PreparedStatement {
    Statement statement;
    sql::Plan plan; // of select and show
    [[nodiscard]] bool is_query() const {
        return statement.verb == Verb::select || statement.verb == Verb::show;
    }
};

struct Portal {
    std::shared_ptr<const PreparedStatement> prepared;
    std::vector<Cell> values; // of the parameters
    std::vector<Format> formats;
    std::unique_ptr<sql::Cursor> cursor; // once it was executed
    bool done = false;                   // ... to its end
};

// A Portal's values and formats, as Bind gives them.
[[nodiscard]] std::variant<std::vector<Cell>, SqlError> values_of(const protocol::Bind& bind,
                                                                  const sql::Plan& plan);
[[nodiscard]] std::variant<std::vector<Format>, SqlError> formats_of(const protocol::Bind& bind,
                                                                     const sql::Plan& plan);

// RowDescription, or NoData. Columns beyond `formats` are text.
void describe_rows(const PreparedStatement& prepared,
                   std::span<const Format> formats,
                   protocol::Bytes& out);
// The row at which the cursor stands.
void send_row(const Portal& portal, protocol::Bytes& out);

// Of a text that is not UTF-8.
[[nodiscard]] SqlError bad_encoding();

} // namespace pgmoat::admin
