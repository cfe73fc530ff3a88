#include "proxy/admin/console/sql/translator.h"

#include <algorithm>
#include <array>

namespace pgmoat::admin::sql {

namespace {

using Kind = Token::Kind;

// Words that are neither a column nor an alias without AS.
constexpr std::array<std::string_view, 70> reserved{
    "all",         "and",     "any",      "array",   "as",     "asc",       "between",  "both",
    "case",        "cast",    "collate",  "cross",   "desc",   "distinct",  "else",     "end",
    "except",      "exists",  "false",    "fetch",   "filter", "for",       "from",     "full",
    "group",       "having",  "ilike",    "in",      "inner",  "intersect", "into",     "is",
    "isnull",      "join",    "lateral",  "leading", "left",   "like",      "limit",    "natural",
    "not",         "notnull", "null",     "offset",  "on",     "only",      "operator", "or",
    "order",       "outer",   "over",     "right",   "select", "similar",   "some",     "table",
    "tablesample", "then",    "trailing", "true",    "union",  "using",     "values",   "when",
    "where",       "window",  "with",     "within",  "nulls",  "escape",
};

} // namespace

bool is_reserved(const Token& token) {
    return token.kind == Kind::word && std::ranges::find(reserved, token.text) != reserved.end();
}

Translated Translator::run() {
    Query query = whole_query();
    if (now().kind != Kind::end) throw Refused{syntax_error(now())};
    for (Type& type : parameters_)
        if (type == Type::unknown) type = Type::text;
    return {
        std::move(query.sql), std::move(query.items), std::move(parameters_), std::move(derived_)};
}

const Token& Translator::now() const {
    return tokens_[place_];
}

const Token& Translator::ahead(std::size_t count) const {
    return tokens_[std::min(place_ + count, tokens_.size() - 1)];
}

const Token& Translator::take() {
    const Token& token = now();
    if (token.kind != Kind::end) ++place_;
    return token;
}

bool Translator::take_if(std::string_view text) {
    if (!now().is(text)) return false;
    ++place_;
    return true;
}

void Translator::expect(std::string_view text) {
    if (!take_if(text)) throw Refused{syntax_error(now())};
}

std::string Translator::name() {
    if (!now().is_name() || is_reserved(now())) throw Refused{syntax_error(now())};
    return take().text;
}

// After AS any word may be one.
std::string Translator::label() {
    if (!now().is_name()) throw Refused{syntax_error(now())};
    return take().text;
}

std::optional<std::string> Translator::alias() {
    if (take_if("as")) return label();
    if (now().is_name() && !is_reserved(now())) return take().text;
    return std::nullopt;
}

void refuse(std::string_view sqlstate, std::string message, std::string hint) {
    throw Refused{{sqlstate, std::move(message), std::move(hint)}};
}

void not_implemented(const std::string& what) {
    refuse("0A000", what + " is not implemented in the console");
}

std::string call(std::string_view function, const std::vector<std::string>& arguments) {
    std::string sql = quote_name(function) + '(';
    for (const std::string& argument : arguments)
        sql += (sql.back() == '(' ? "" : ", ") + argument;
    return sql + ')';
}

std::string display(Type type) {
    return std::string(row_of(type).display);
}

std::variant<Translated, SqlError> translate(const Tokens& statement,
                                             std::span<const Type> parameters) {
    try {
        return Translator(statement, parameters).run();
    } catch (Refused& refused) {
        return std::move(refused.error);
    }
}

std::string quote_name(std::string_view name) {
    std::string quoted = "\"";
    for (const char c : name) {
        if (c == '"') quoted += '"';
        quoted += c;
    }
    return quoted + '"';
}

std::string quote_text(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'') quoted += '\'';
        quoted += c;
    }
    return quoted + '\'';
}

} // namespace pgmoat::admin::sql
