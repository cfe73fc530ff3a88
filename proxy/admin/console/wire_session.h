// One console session as PostgreSQL's protocol, after the login: bytes in, bytes out. Simple and
// extended query protocol. A machine: it owns no socket and makes no calls; what it needs from the
// server it asks for.
//
// After feed(bytes), next(out) says in a loop what comes next: Wait (send `out`, then feed more),
// Send (send `out`, it is long enough), Look (call look() with what there is to see now), Act (carry
// the deed out, then call acted()), or Over (send `out` and close). `out` is empty again after it
// was sent.
//
// Rows are made as they are sent: a result is never held as a whole.
#pragma once

#include "protocol/client_messages.h"
#include "protocol/message_buffer.h"
#include "proxy/admin/console/backend.h"
#include "proxy/admin/console/deed.h"
#include "proxy/admin/console/parameters.h"
#include "proxy/admin/console/portal.h"
#include "proxy/admin/console/sql/engine.h"
#include "proxy/admin/console/statement.h"
#include "proxy/admin/console/table.h"
#include "proxy/admin/console/transaction_block.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace pgmoat::admin {

class WireSession {
  public:
    struct Wait {};
    struct Send {};
    struct Look {};
    struct Act {
        Deed deed;
    };
    struct Over {
        std::string complaint; // for the log; empty: the client said Terminate
    };
    using Step = std::variant<Wait, Send, Look, Act, Over>;

    struct Who {
        std::string user;
        std::uint64_t id = 0; // of the session
        std::string application_name = {};
    };
    explicit WireSession(Who who);

    void feed(protocol::ByteView bytes) { buffer_.feed(bytes); }
    [[nodiscard]] Step next(protocol::Bytes& out);
    void look(std::shared_ptr<const Snapshot> snapshot, protocol::Bytes& out);
    void acted(const std::optional<SqlError>& error, protocol::Bytes& out);

  private:
    using Handled = std::optional<Step>; // nothing: go on with the next message
    using Planned = std::variant<std::shared_ptr<const PreparedStatement>, SqlError>;

    [[nodiscard]] Handled handle(const protocol::ClientMessage& message, protocol::Bytes& out);
    [[nodiscard]] Handled on(const protocol::Query& query, protocol::Bytes& out);
    [[nodiscard]] Handled on(const protocol::Parse& parse, protocol::Bytes& out);
    [[nodiscard]] Handled on(const protocol::Bind& bind, protocol::Bytes& out);
    [[nodiscard]] Handled on(const protocol::Describe& describe, protocol::Bytes& out);
    [[nodiscard]] Handled on(const protocol::Execute& execute, protocol::Bytes& out);
    [[nodiscard]] Handled on(const protocol::Close& close, protocol::Bytes& out);
    [[nodiscard]] Handled on(const protocol::Sync& sync, protocol::Bytes& out);
    [[nodiscard]] Handled on(const protocol::Flush& flush, protocol::Bytes& out);
    [[nodiscard]] Handled on(const protocol::Terminate& terminate, protocol::Bytes& out);
    [[nodiscard]] Handled on(const protocol::FunctionCall& call, protocol::Bytes& out);
    [[nodiscard]] Handled on(const protocol::Malformed& malformed, protocol::Bytes& out);

    [[nodiscard]] Planned plan(const sql::Tokens& tokens, std::span<const Type> parameters);
    [[nodiscard]] Handled next_of_query(protocol::Bytes& out);
    [[nodiscard]] Handled start(Portal& portal, protocol::Bytes& out);
    [[nodiscard]] Handled pump(protocol::Bytes& out);
    [[nodiscard]] std::optional<SqlError> refuse(const Statement& statement) const;
    [[nodiscard]] std::optional<SqlError> apply(const Statement& statement);
    void finish(protocol::Bytes& out);
    void complete(const Statement& statement, std::uint64_t rows, protocol::Bytes& out);
    Handled fail(const SqlError& error, protocol::Bytes& out);
    [[nodiscard]] static Over give_up(const protocol::ErrorText& error, protocol::Bytes& out);
    void ready(protocol::Bytes& out);
    [[nodiscard]] std::size_t prepared_bytes() const;
    [[nodiscard]] std::size_t open_cursors() const;

    Who who_;
    sql::Engine engine_; // outlives the portals
    protocol::MessageBuffer buffer_;
    SessionParameters parameters_;
    std::map<std::string, std::shared_ptr<const PreparedStatement>> prepared_;
    std::map<std::string, Portal> portals_;
    Portal simple_;                 // of the simple protocol
    std::string query_text_;        // of a simple query; its tokens refer to it
    std::deque<sql::Tokens> query_; // its statements that are still to come
    bool in_query_ = false;         // ... of which ReadyForQuery is still owed
    bool skipping_ = false;         // to the next Sync, after an error
    Portal* running_ = nullptr;  // the one that Look or Act was said for, or that has rows to send
    std::uint32_t rows_max_ = 0; // of this Execute; 0: all
    std::uint64_t rows_sent_ = 0;
    TransactionBlock block_;
};

} // namespace pgmoat::admin
