// Invariant: any statement is answered with rows that have as many values as columns, or with an
// error that has a SQLSTATE and a message. Only the console's relations are read, and what SQLite
// prepares is always read-only.
#include "protocol/utf8.h"
#include "proxy/admin/console/sql/engine.h"
#include "proxy/admin/console/statement.h"
#include "tests/unit/console/fake_backend.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

using namespace pgmoat;
using namespace pgmoat::admin;

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

void demand_error(const SqlError& error) {
    demand(error.sqlstate.size() == 5 && !error.message.empty());
}

std::shared_ptr<const sql::Scope> some_scope() {
    auto server = std::make_shared<FakeSnapshot>();
    server->settings.console_users = {"bob"};
    server->live.resize(3);
    server->live[0].facts.user = "alice";
    return std::make_shared<const sql::Scope>(sql::Scope{server, *server, "bob"});
}

void run(sql::Engine& engine, const sql::Tokens& tokens) {
    static const auto scope = some_scope();
    auto planned = engine.plan(tokens, {});
    if (const auto* error = std::get_if<SqlError>(&planned)) return demand_error(*error);
    const auto& plan = std::get<sql::Plan>(planned);
    const std::vector<Cell> values(plan.parameters.size(), Cell("1"));
    auto opened = engine.open(plan, values, scope);
    if (const auto* error = std::get_if<SqlError>(&opened)) return demand_error(*error);
    auto& cursor = *std::get<0>(opened);
    constexpr int rows_max = 1000;
    for (int row = 0; row < rows_max && cursor.next(); ++row) {
        demand(cursor.row().size() == plan.columns.size());
        for (const Cell& cell : cursor.row())
            demand(!cell || protocol::is_utf8(*cell));
    }
    if (cursor.error()) demand_error(*cursor.error());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (!protocol::is_utf8(text) || text.find('\0') != std::string_view::npos) return 0;
    auto tokens = sql::tokenize(text);
    if (const auto* error = std::get_if<SqlError>(&tokens)) {
        demand_error(*error);
        return 0;
    }
    static sql::Engine engine;
    for (const sql::Tokens& one : sql::split_statements(std::get<sql::Tokens>(std::move(tokens)))) {
        demand(!one.empty() && one.back().kind == sql::Token::Kind::end);
        const Recognised recognised = recognise(one);
        if (const auto* error = std::get_if<SqlError>(&recognised)) demand_error(*error);
        run(engine, one);
    }
    return 0;
}
