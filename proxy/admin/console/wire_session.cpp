#include "proxy/admin/console/wire_session.h"

#include "protocol/utf8.h"
#include "proxy/admin/console/limits.h"
#include "proxy/admin/console/login.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <utility>

namespace pgmoat::admin {

using config::in_quotes;
using protocol::Bare;
using protocol::Bytes;

namespace {

SqlError no_statement(const std::string& name) {
    if (name.empty()) return {"26000", "unnamed prepared statement does not exist"};
    return {"26000", "prepared statement " + in_quotes(name) + " does not exist"};
}

SqlError no_portal(const std::string& name) {
    return {"34000", "portal " + in_quotes(name) + " does not exist"};
}

SqlError name_too_long() {
    return {"54000", "name is longer than " + std::to_string(limits::name_bytes_max) + " bytes"};
}

} // namespace

WireSession::WireSession(Who who) : who_(std::move(who)), buffer_(limits::message_bytes_max) {
    if (!who_.application_name.empty())
        set_parameter(parameters_, "application_name", who_.application_name);
}

WireSession::Step WireSession::next(Bytes& out) {
    for (;;) {
        if (out.size() >= limits::write_bytes) return Send{};
        if (running_) {
            if (Handled step = pump(out)) return *step;
            continue;
        }
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

WireSession::Planned WireSession::plan(const sql::Tokens& tokens,
                                       std::span<const Type> parameters) {
    Recognised recognised = recognise(tokens);
    if (auto* error = std::get_if<SqlError>(&recognised)) return std::move(*error);
    auto prepared = std::make_shared<PreparedStatement>();
    prepared->statement = std::move(std::get<Statement>(recognised));
    if (!prepared->is_query()) return prepared;
    const bool show = prepared->statement.verb == Verb::show;
    // What SHOW became is ours and without errors.
    const auto own = sql::tokenize(prepared->statement.query);
    auto planned = engine_.plan(show ? std::get<sql::Tokens>(own) : tokens, parameters);
    if (auto* error = std::get_if<SqlError>(&planned)) return std::move(*error);
    prepared->plan = std::move(std::get<sql::Plan>(planned));
    return prepared;
}

// --- the simple protocol -------------------------------------------------------------

WireSession::Handled WireSession::on(const protocol::Query& query, Bytes& out) {
    in_query_ = true;
    if (!protocol::is_utf8(query.text)) return fail(bad_encoding(), out);
    query_text_ = query.text;
    auto tokens = sql::tokenize(query_text_);
    if (const auto* error = std::get_if<SqlError>(&tokens)) return fail(*error, out);
    for (sql::Tokens& statement : sql::split_statements(std::move(std::get<sql::Tokens>(tokens))))
        query_.push_back(std::move(statement));
    return std::nullopt;
}

// The first error ends the query, whatever would follow.
WireSession::Handled WireSession::next_of_query(Bytes& out) {
    if (query_.empty()) {
        in_query_ = false;
        simple_ = {};
        ready(out);
        return std::nullopt;
    }
    const sql::Tokens tokens = std::move(query_.front());
    query_.pop_front();
    Planned planned = plan(tokens, {});
    if (const auto* error = std::get_if<SqlError>(&planned)) return fail(*error, out);
    simple_ = {};
    simple_.prepared = std::get<0>(std::move(planned));
    if (!simple_.prepared->plan.parameters.empty())
        return fail({"42P02", "there is no parameter $1"}, out);
    rows_max_ = 0;
    return start(simple_, out);
}

// --- the extended protocol -------------------------------------------------------------

WireSession::Handled WireSession::on(const protocol::Parse& parse, Bytes& out) {
    if (!parse.statement.empty() && prepared_.contains(parse.statement))
        return fail(
            {"42P05", "prepared statement " + in_quotes(parse.statement) + " already exists"}, out);
    if (parse.statement.size() > limits::name_bytes_max) return fail(name_too_long(), out);
    if (!prepared_.contains(parse.statement) && prepared_.size() >= limits::prepared_statements_max)
        return fail({"53400", "too many prepared statements"}, out);
    if (!protocol::is_utf8(parse.text)) return fail(bad_encoding(), out);
    if (parse.parameter_types.size() > limits::parameters_max)
        return fail({"54000", "too many parameters"}, out);
    auto tokens = sql::tokenize(parse.text);
    if (const auto* error = std::get_if<SqlError>(&tokens)) return fail(*error, out);
    const auto statements = sql::split_statements(std::move(std::get<sql::Tokens>(tokens)));
    if (statements.size() > 1)
        return fail({"42601", "cannot insert multiple commands into a prepared statement"}, out);
    std::vector<Type> types;
    for (const std::uint32_t oid : parse.parameter_types)
        types.push_back(type_of_oid(oid));
    Planned planned = plan(statements.front(), types);
    if (const auto* error = std::get_if<SqlError>(&planned)) return fail(*error, out);
    auto prepared = std::get<0>(std::move(planned));
    if (const auto error = block_.refuse(prepared->statement)) return fail(*error, out);
    if (prepared_bytes() + prepared->plan.sql.size() > limits::prepared_bytes_max)
        return fail({"53200", "prepared statements take too much memory"}, out);
    prepared_.insert_or_assign(parse.statement, std::move(prepared));
    protocol::append_bare(out, Bare::parse_complete);
    return std::nullopt;
}

WireSession::Handled WireSession::on(const protocol::Bind& bind, Bytes& out) {
    const auto found = prepared_.find(bind.statement);
    if (found == prepared_.end()) return fail(no_statement(bind.statement), out);
    if (!bind.portal.empty() && portals_.contains(bind.portal))
        return fail({"42P03", "portal " + in_quotes(bind.portal) + " already exists"}, out);
    if (bind.portal.size() > limits::name_bytes_max) return fail(name_too_long(), out);
    if (!portals_.contains(bind.portal) && portals_.size() >= limits::portals_max)
        return fail({"53400", "too many portals"}, out);
    const sql::Plan& plan = found->second->plan;
    auto values = values_of(bind, plan);
    if (const auto* error = std::get_if<SqlError>(&values)) return fail(*error, out);
    auto formats = formats_of(bind, plan);
    if (const auto* error = std::get_if<SqlError>(&formats)) return fail(*error, out);
    Portal portal;
    portal.prepared = found->second;
    portal.values = std::move(std::get<0>(values));
    portal.formats = std::move(std::get<0>(formats));
    portals_.insert_or_assign(bind.portal, std::move(portal));
    protocol::append_bare(out, Bare::bind_complete);
    return std::nullopt;
}

WireSession::Handled WireSession::on(const protocol::Describe& describe, Bytes& out) {
    if (describe.target == protocol::Target::portal) {
        const auto found = portals_.find(describe.name);
        if (found == portals_.end()) return fail(no_portal(describe.name), out);
        describe_rows(*found->second.prepared, found->second.formats, out);
        return std::nullopt;
    }
    const auto found = prepared_.find(describe.name);
    if (found == prepared_.end()) return fail(no_statement(describe.name), out);
    std::vector<std::uint32_t> oids;
    for (const Type type : found->second->plan.parameters)
        oids.push_back(row_of(type).oid);
    protocol::append_parameter_description(out, oids);
    describe_rows(*found->second, {}, out);
    return std::nullopt;
}

WireSession::Handled WireSession::on(const protocol::Execute& execute, Bytes& out) {
    const auto found = portals_.find(execute.portal);
    if (found == portals_.end()) return fail(no_portal(execute.portal), out);
    Portal& portal = found->second;
    rows_max_ = execute.rows_max;
    if (portal.cursor) {
        rows_sent_ = 0;
        running_ = &portal;
        return std::nullopt;
    }
    if (portal.done && !portal.prepared->is_query() &&
        portal.prepared->statement.verb != Verb::empty)
        return fail({"55000", "portal " + in_quotes(execute.portal) + " cannot be run"}, out);
    return start(portal, out);
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

// --- both -------------------------------------------------------------

// A query looks first, a deed is done, and everything else is a matter of the session.
WireSession::Handled WireSession::start(Portal& portal, Bytes& out) {
    const Statement& statement = portal.prepared->statement;
    if (statement.verb == Verb::empty) {
        protocol::append_bare(out, Bare::empty_query);
        return std::nullopt;
    }
    if (const auto error = refuse(statement)) return fail(*error, out);
    rows_sent_ = 0;
    if (portal.prepared->is_query()) {
        if (open_cursors() >= limits::open_cursors_max)
            return fail({"53200", "too many portals with rows that were not fetched"}, out);
        running_ = &portal;
        return Look{};
    }
    portal.done = true;
    if (auto deed = deed_of(statement)) {
        running_ = &portal;
        return Act{std::move(*deed)};
    }
    // DISCARD and its like may end the portal.
    const std::shared_ptr<const PreparedStatement> kept = portal.prepared;
    if (const auto error = apply(statement)) return fail(*error, out);
    complete(kept->statement, 0, out);
    return std::nullopt;
}

std::size_t WireSession::prepared_bytes() const {
    std::size_t bytes = 0;
    for (const auto& [name, prepared] : prepared_)
        bytes += prepared->plan.sql.size();
    return bytes;
}

std::size_t WireSession::open_cursors() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        portals_, [](const auto& portal) { return portal.second.cursor && !portal.second.done; }));
}

void WireSession::look(std::shared_ptr<const Snapshot> snapshot, Bytes& out) {
    const std::optional<Role> role = role_of(who_.user, snapshot->config());
    if (!role) return (void)fail(no_longer_a_user(), out);
    sql::Scope scope{snapshot, *snapshot, who_.user};
    scope.may_act = *role == Role::console_user;
    scope.session_id = who_.id;
    scope.now = snapshot->now();
    scope.parameters = parameters_;
    auto opened = engine_.open(running_->prepared->plan,
                               running_->values,
                               std::make_shared<const sql::Scope>(std::move(scope)));
    if (const auto* error = std::get_if<SqlError>(&opened)) return (void)fail(*error, out);
    running_->cursor = std::move(std::get<0>(opened));
    // As PostgreSQL does, even if the first row is an error.
    if (in_query_) describe_rows(*running_->prepared, {}, out);
}

// Rows, until there are none, or enough for this Execute or for one write.
WireSession::Handled WireSession::pump(Bytes& out) {
    Portal& portal = *running_;
    while (out.size() < limits::write_bytes) {
        if (rows_max_ != 0 && rows_sent_ == rows_max_) {
            running_ = nullptr;
            protocol::append_bare(out, Bare::portal_suspended);
            return std::nullopt;
        }
        if (!portal.cursor->next()) {
            if (const auto& error = portal.cursor->error()) return fail(*error, out);
            const sql::Deeds& deeds = portal.cursor->deeds();
            for (const auto& [name, value] : deeds.set)
                set_parameter(parameters_, name, value);
            const bool acts = (deeds.reload || !deeds.kills.empty()) && !portal.done;
            portal.done = true;
            if (!acts) {
                finish(out);
                return std::nullopt;
            }
            Deed deed;
            deed.what = deeds.reload ? "pg_reload_conf()" : "pg_terminate_backend()";
            deed.reload = deeds.reload;
            deed.kills = deeds.kills;
            return Act{std::move(deed)};
        }
        send_row(portal, out);
        ++rows_sent_;
    }
    return std::nullopt;
}

void WireSession::acted(const std::optional<SqlError>& error, Bytes& out) {
    if (error) return (void)fail(*error, out);
    finish(out);
}

void WireSession::finish(Bytes& out) {
    const Portal& portal = *std::exchange(running_, nullptr);
    complete(portal.prepared->statement, rows_sent_, out);
}

void WireSession::complete(const Statement& statement, std::uint64_t rows, Bytes& out) {
    std::string tag =
        statement.tag.empty() ? std::string(row_of(statement.verb).tag) : statement.tag;
    if (statement.verb == Verb::select) tag += ' ' + std::to_string(rows);
    // The tag is all that tells a driver that nothing was committed.
    if (statement.verb == Verb::commit && !block_.commit()) tag = row_of(Verb::rollback).tag;
    protocol::append_command_complete(out, tag);
}

std::optional<SqlError> WireSession::refuse(const Statement& statement) const {
    const std::string& name = statement.argument;
    if (auto error = block_.refuse(statement)) return error;
    if (statement.verb == Verb::deallocate && !name.empty() && !prepared_.contains(name))
        return no_statement(name);
    if (statement.verb == Verb::close && !name.empty() && !portals_.contains(name))
        return SqlError{"34000", "cursor " + in_quotes(name) + " does not exist"};
    return std::nullopt;
}

// What a statement changes in the session.
std::optional<SqlError> WireSession::apply(const Statement& statement) {
    switch (statement.verb) {
    case Verb::begin: block_.begin(); break;
    case Verb::rollback: block_.end(); break;
    case Verb::savepoint:
    case Verb::release:
    case Verb::rollback_to: return block_.savepoint(statement, in_query_);
    case Verb::set:
        if (!statement.argument.empty())
            set_parameter(parameters_, statement.argument, statement.value);
        break;
    case Verb::reset:
        if (statement.argument.empty())
            parameters_.clear();
        else
            reset_parameter(parameters_, statement.argument);
        break;
    case Verb::discard:
        if (block_.is_open())
            return SqlError{"25001", "DISCARD ALL cannot run inside a transaction block"};
        parameters_.clear();
        prepared_.clear();
        break;
    case Verb::deallocate:
        if (statement.argument.empty())
            prepared_.clear();
        else
            prepared_.erase(statement.argument);
        break;
    case Verb::close:
        if (statement.argument.empty())
            portals_.clear();
        else
            portals_.erase(statement.argument);
        break;
    default: break;
    }
    const bool resets = statement.verb == Verb::reset || statement.verb == Verb::discard;
    if (resets && !who_.application_name.empty() && parameters_.empty())
        set_parameter(parameters_, "application_name", who_.application_name);
    return std::nullopt;
}

WireSession::Handled WireSession::fail(const SqlError& error, Bytes& out) {
    protocol::append_error(
        out, protocol::Severity::error, {error.sqlstate, error.message, {}, error.hint});
    block_.fail();
    if (running_) running_->cursor.reset();
    running_ = nullptr;
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
    if (!block_.is_open()) {
        portals_.clear();
        block_.end();
    }
    protocol::append_ready_for_query(out, block_.status());
}

} // namespace pgmoat::admin
