#include "proxy/admin/console/wire_session.h"

#include "proxy/admin/console/limits.h"
#include "proxy/admin/console/views.h"

#include <algorithm>
#include <utility>

namespace pgmoat::admin {

using protocol::Bare;
using protocol::Bytes;
using protocol::TransactionStatus;

namespace {

std::string in_quotes(std::string_view name) {
    return '"' + std::string(name) + '"';
}

SqlError no_statement(const std::string& name) {
    if (name.empty()) return {"26000", "unnamed prepared statement does not exist"};
    return {"26000", "prepared statement " + in_quotes(name) + " does not exist"};
}

SqlError too_long(std::string_view what) {
    return {"54000",
            std::string(what) + " is longer than " + std::to_string(limits::name_bytes_max) +
                " bytes"};
}

SqlError no_portal(const std::string& name) {
    return {"34000", "portal " + in_quotes(name) + " does not exist"};
}

} // namespace

WireSession::WireSession() : buffer_(limits::message_bytes_max) {}

WireSession::Step WireSession::next(Bytes& out) {
    for (;;) {
        if (out.size() >= limits::write_bytes) return Send{};
        if (in_query_) {
            if (Handled step = next_of_query(out)) return *step;
            continue;
        }
        const std::optional<protocol::Message> message = buffer_.next();
        if (buffer_.broken()) return give_up({"08P01", "invalid message length"}, out);
        if (!message) return Wait{};
        const bool is_sync = message->type == 'S';
        const bool is_end = message->type == 'X';
        if (skipping_ && !is_sync && !is_end) continue;
        if (Handled step =
                handle(protocol::parse_client_message(message->type, message->body), out))
            return *step;
    }
}

WireSession::Handled WireSession::handle(const protocol::ClientMessage& message, Bytes& out) {
    return std::visit([&](const auto& kind) { return on(kind, out); }, message);
}

// --- the simple protocol -------------------------------------------------------------------------

WireSession::Handled WireSession::on(const protocol::Query& query, Bytes&) {
    for (const std::string_view part : split_statements(query.text))
        query_.emplace_back(part);
    in_query_ = true;
    return std::nullopt;
}

// The first error ends the query, whatever would follow.
WireSession::Handled WireSession::next_of_query(Bytes& out) {
    if (query_.empty()) {
        in_query_ = false;
        ready(out);
        return std::nullopt;
    }
    const std::string text = std::move(query_.front());
    query_.pop_front();
    Recognised recognised = recognise(text);
    if (const auto* error = std::get_if<SqlError>(&recognised)) return fail(*error, out);
    auto& statement = std::get<Statement>(recognised);
    if (const auto error = refuse(statement)) return fail(*error, out);
    if (statement.verb == Verb::empty) {
        protocol::append_bare(out, Bare::empty_query);
        return std::nullopt;
    }
    running_ = statement;
    return Run{std::move(statement)};
}

void WireSession::finish_query_part(const Statement& statement, const Answer& answer, Bytes& out) {
    const std::vector<Column> columns = columns_of(statement);
    if (!columns.empty()) describe_rows(statement, {}, out);
    for (const Row& row : answer.rows)
        send_row(row, columns, {}, out);
    protocol::append_command_complete(out, answer.tag);
}

// --- the extended protocol -----------------------------------------------------------------------

WireSession::Handled WireSession::on(const protocol::Parse& parse, Bytes& out) {
    if (parse.parameter_types > 0)
        return fail({"0A000", "parameters are not implemented in the console"}, out);
    if (!parse.statement.empty() && prepared_.contains(parse.statement))
        return fail(
            {"42P05", "prepared statement " + in_quotes(parse.statement) + " already exists"}, out);
    if (parse.statement.size() > limits::name_bytes_max) return fail(too_long("name"), out);
    if (!prepared_.contains(parse.statement) && prepared_.size() >= limits::prepared_statements_max)
        return fail({"53400", "too many prepared statements"}, out);
    const std::vector<std::string_view> parts = split_statements(parse.text);
    if (parts.size() > 1)
        return fail({"42601", "cannot insert multiple commands into a prepared statement"}, out);
    Recognised recognised = recognise(parts.front());
    if (const auto* error = std::get_if<SqlError>(&recognised)) return fail(*error, out);
    auto& statement = std::get<Statement>(recognised);
    if (statement.argument.size() > limits::name_bytes_max) return fail(too_long("literal"), out);
    if (const auto error = refuse_in_failed_block(statement)) return fail(*error, out);
    prepared_.insert_or_assign(parse.statement, std::move(statement));
    protocol::append_bare(out, Bare::parse_complete);
    return std::nullopt;
}

WireSession::Handled WireSession::on(const protocol::Bind& bind, Bytes& out) {
    const auto found = prepared_.find(bind.statement);
    if (found == prepared_.end()) return fail(no_statement(bind.statement), out);
    if (bind.parameters > 0)
        return fail({"08P01",
                     "bind message supplies " + std::to_string(bind.parameters) +
                         " parameters, but prepared statement " + in_quotes(bind.statement) +
                         " requires 0"},
                    out);
    if (!bind.portal.empty() && portals_.contains(bind.portal))
        return fail({"42P03", "portal " + in_quotes(bind.portal) + " already exists"}, out);
    if (bind.portal.size() > limits::name_bytes_max) return fail(too_long("name"), out);
    if (!portals_.contains(bind.portal) && portals_.size() >= limits::portals_max)
        return fail({"53400", "too many portals"}, out);
    auto formats = formats_of(bind.result_formats, columns_of(found->second).size());
    if (!formats)
        return fail({"08P01", "bind message has another number of result formats than columns"},
                    out);
    portals_.insert_or_assign(bind.portal,
                              Portal{found->second, std::move(*formats), std::nullopt, 0});
    protocol::append_bare(out, Bare::bind_complete);
    return std::nullopt;
}

WireSession::Handled WireSession::on(const protocol::Describe& describe, Bytes& out) {
    if (describe.target == protocol::Target::portal) {
        const auto found = portals_.find(describe.name);
        if (found == portals_.end()) return fail(no_portal(describe.name), out);
        describe_rows(found->second.statement, found->second.formats, out);
        return std::nullopt;
    }
    const auto found = prepared_.find(describe.name);
    if (found == prepared_.end()) return fail(no_statement(describe.name), out);
    protocol::append_no_parameters(out);
    describe_rows(found->second, {}, out);
    return std::nullopt;
}

WireSession::Handled WireSession::on(const protocol::Execute& execute, Bytes& out) {
    const auto found = portals_.find(execute.portal);
    if (found == portals_.end()) return fail(no_portal(execute.portal), out);
    Portal& portal = found->second;
    rows_max_ = execute.rows_max;
    if (portal.answer) {
        send_portal_rows(portal, out);
        return std::nullopt;
    }
    if (portal.statement.verb == Verb::empty) {
        protocol::append_bare(out, Bare::empty_query);
        return std::nullopt;
    }
    if (const auto error = refuse(portal.statement)) return fail(*error, out);
    if (rows_held() > limits::rows_held_max)
        return fail({"53200", "too many rows wait in portals"}, out);
    executing_ = execute.portal;
    running_ = portal.statement;
    return Run{portal.statement};
}

std::size_t WireSession::rows_held() const {
    std::size_t rows = 0;
    for (const auto& [name, portal] : portals_)
        if (portal.answer) rows += portal.answer->rows.size() - portal.sent;
    return rows;
}

void WireSession::send_portal_rows(Portal& portal, Bytes& out) {
    std::vector<Row>& rows = portal.answer->rows;
    const std::vector<Column> columns = columns_of(portal.statement);
    const std::size_t left = rows.size() - portal.sent;
    const std::size_t now = rows_max_ == 0 ? left : std::min<std::size_t>(left, rows_max_);
    for (std::size_t i = 0; i < now; ++i)
        send_row(rows[portal.sent++], columns, portal.formats, out);
    if (portal.sent == rows.size()) {
        rows = {};
        portal.sent = 0;
    }
    if (rows_max_ != 0 && now == rows_max_)
        protocol::append_bare(out, Bare::portal_suspended);
    else
        protocol::append_command_complete(out, portal.answer->tag);
}

WireSession::Handled WireSession::on(const protocol::Close& close, Bytes& out) {
    if (close.target == protocol::Target::portal)
        portals_.erase(close.name);
    else
        prepared_.erase(close.name);
    protocol::append_bare(out, Bare::close_complete);
    return std::nullopt;
}

// Outside a transaction block portals end here, as in PostgreSQL.
WireSession::Handled WireSession::on(const protocol::Sync&, Bytes& out) {
    skipping_ = false;
    ready(out);
    return std::nullopt;
}

WireSession::Handled WireSession::on(const protocol::Flush&, Bytes&) {
    return std::nullopt; // whatever is there is sent whenever we wait
}

WireSession::Handled WireSession::on(const protocol::Terminate&, Bytes&) {
    return Over{};
}

WireSession::Handled WireSession::on(const protocol::FunctionCall&, Bytes& out) {
    (void)fail({"0A000", "function calls are not implemented in the console"}, out);
    skipping_ = false; // the one message that is answered without a Sync
    ready(out);
    return std::nullopt;
}

WireSession::Handled WireSession::on(const protocol::Malformed& malformed, Bytes& out) {
    return give_up({"08P01", malformed.text}, out);
}

// --- both ----------------------------------------------------------------------------------------

void WireSession::finish(Answer answer, Bytes& out) {
    const Statement statement = *std::exchange(running_, std::nullopt);
    if (answer.error) {
        (void)fail(*answer.error, out);
        return;
    }
    // The tag is all that tells a driver that nothing was committed.
    if (statement.verb == Verb::commit && status_ == TransactionStatus::failed)
        answer.tag = row_of(Verb::rollback).tag;
    follow_transaction(statement);
    if (in_query_) return finish_query_part(statement, answer, out);
    Portal& portal = portals_.at(executing_);
    portal.answer = std::move(answer);
    send_portal_rows(portal, out);
}

std::optional<SqlError> WireSession::refuse(const Statement& statement) const {
    const std::string& name = statement.argument;
    if (const auto error = refuse_in_failed_block(statement)) return error;
    if (statement.verb == Verb::deallocate && !name.empty() && !prepared_.contains(name))
        return no_statement(name);
    return std::nullopt;
}

std::optional<SqlError> WireSession::refuse_in_failed_block(const Statement& statement) const {
    if (status_ != TransactionStatus::failed) return std::nullopt;
    if (statement.verb == Verb::commit || statement.verb == Verb::rollback ||
        statement.verb == Verb::empty)
        return std::nullopt;
    return SqlError{"25P02",
                    "current transaction is aborted, commands ignored until end of transaction "
                    "block"};
}

void WireSession::follow_transaction(const Statement& statement) {
    if (statement.verb == Verb::begin) status_ = TransactionStatus::in_block;
    if (statement.verb == Verb::commit || statement.verb == Verb::rollback)
        status_ = TransactionStatus::idle;
    const bool all = statement.verb == Verb::deallocate && statement.argument.empty();
    if (statement.verb == Verb::discard || all) prepared_.clear();
    if (statement.verb == Verb::deallocate) prepared_.erase(statement.argument);
}

void WireSession::describe_rows(const Statement& statement,
                                const std::vector<Format>& formats,
                                Bytes& out) const {
    const std::vector<Column> columns = columns_of(statement);
    if (columns.empty())
        protocol::append_bare(out, Bare::no_data);
    else
        protocol::append_row_description(out, describe(columns, formats));
}

void WireSession::send_row(const Row& row,
                           const std::vector<Column>& columns,
                           const std::vector<Format>& formats,
                           Bytes& out) const {
    Row values = row;
    for (std::size_t i = 0; i < formats.size(); ++i)
        if (values[i] && formats[i] == Format::binary)
            values[i] = to_binary(columns[i].type, *values[i]);
    protocol::append_data_row(out, values);
}

WireSession::Handled WireSession::fail(const SqlError& error, Bytes& out) {
    protocol::append_error(
        out, protocol::Severity::error, {error.sqlstate, error.message, {}, error.hint});
    if (status_ == TransactionStatus::in_block) status_ = TransactionStatus::failed;
    if (in_query_)
        query_.clear();
    else
        skipping_ = true;
    return std::nullopt;
}

WireSession::Over WireSession::give_up(const protocol::ErrorText& error, Bytes& out) {
    protocol::append_error(out, protocol::Severity::fatal, error);
    return {std::string(error.message)};
}

void WireSession::ready(Bytes& out) {
    if (status_ == TransactionStatus::idle) portals_.clear();
    protocol::append_ready_for_query(out, status_);
}

} // namespace pgmoat::admin
