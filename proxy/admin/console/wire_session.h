// One console session as PostgreSQL's protocol, after the login: bytes in, bytes out, and
// statements to be carried out in between. Simple and extended query protocol. A machine: it owns
// no socket and calls nobody.
//
//   session.feed(bytes);
//   loop: next(out) says Wait (send `out`, then feed more), Send (send `out`, it is long enough),
//         Run (carry `statement` out, then finish(answer, out)), or Over (send `out` and close).
//         `out` is empty again after it was sent.
//
// Transactions are kept up for drivers that need them: they change nothing but the status that they
// are told, and in a failed one nothing runs, as in PostgreSQL.
#pragma once

#include "protocol/client_messages.h"
#include "protocol/message_buffer.h"
#include "protocol/server_messages.h"
#include "proxy/admin/console/row_format.h"
#include "proxy/admin/console/statement.h"
#include "proxy/admin/console/table.h"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pgmoat::admin {

class WireSession {
  public:
    struct Wait {};
    struct Send {};
    struct Run {
        Statement statement;
    };
    struct Over {
        std::string complaint; // for the log; empty: the client said Terminate
    };
    using Step = std::variant<Wait, Send, Run, Over>;

    WireSession();

    void feed(protocol::ByteView bytes) { buffer_.feed(bytes); }
    [[nodiscard]] Step next(protocol::Bytes& out);
    void finish(Answer answer, protocol::Bytes& out);

  private:
    struct Portal {
        Statement statement;
        std::vector<Format> formats;
        std::optional<Answer> answer; // once it was executed
        std::size_t sent = 0;         // of its rows
    };
    using Handled = std::optional<Step>; // nothing: go on with the next message

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

    [[nodiscard]] Handled next_of_query(protocol::Bytes& out);
    [[nodiscard]] std::optional<SqlError> refuse(const Statement& statement) const;
    [[nodiscard]] std::optional<SqlError> refuse_in_failed_block(const Statement& statement) const;
    void follow_transaction(const Statement& statement);
    void finish_query_part(const Statement& statement, const Answer& answer, protocol::Bytes& out);
    [[nodiscard]] std::size_t rows_held() const;
    void send_portal_rows(Portal& portal, protocol::Bytes& out);
    void send_row(const Row& row,
                  const std::vector<Column>& columns,
                  const std::vector<Format>& formats,
                  protocol::Bytes& out) const;
    void describe_rows(const Statement& statement,
                       const std::vector<Format>& formats,
                       protocol::Bytes& out) const;
    Handled fail(const SqlError& error, protocol::Bytes& out);
    [[nodiscard]] Over give_up(const protocol::ErrorText& error, protocol::Bytes& out);
    void ready(protocol::Bytes& out);

    protocol::MessageBuffer buffer_;
    std::map<std::string, Statement> prepared_;
    std::map<std::string, Portal> portals_;
    std::deque<std::string> query_;    // statements of a simple query, still to come
    bool in_query_ = false;            // ... of which ReadyForQuery is still owed
    bool skipping_ = false;            // to the next Sync, after an error
    std::optional<Statement> running_; // what Run was said for
    std::string executing_;            // its portal
    std::uint32_t rows_max_ = 0;
    protocol::TransactionStatus status_ = protocol::TransactionStatus::idle;
};

} // namespace pgmoat::admin
