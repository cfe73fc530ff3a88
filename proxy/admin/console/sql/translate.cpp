#include "proxy/admin/console/sql/translate.h"

#include "proxy/admin/console/limits.h"
#include "proxy/admin/console/sql/catalog.h"
#include "proxy/admin/console/sql/function_table.h"
#include "proxy/admin/console/text_values.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace pgmoat::admin::sql {

namespace {

using config::in_quotes;
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

bool is_reserved(const Token& token) {
    return token.kind == Kind::word && std::ranges::find(reserved, token.text) != reserved.end();
}

// These are functions that are called without parentheses.
constexpr std::array<std::string_view, 8> bare_functions{"current_catalog",
                                                         "current_role",
                                                         "current_schema",
                                                         "current_timestamp",
                                                         "current_user",
                                                         "session_user",
                                                         "user",
                                                         "current_date"};

struct Expression {
    std::string sql;
    Type type = Type::unknown;
    std::string name = "?column?";
    bool has_name = false;                   // one that a cast keeps
    std::optional<std::string> literal = {}; // of a string, until its type is known
    std::size_t parameter = 0;               // $n, until its type is known
    char chain_of = 0;                       // + or |: a chain of them, in parentheses
    std::string_view reg = {};               // regclass, ...: a number that shows as a name
};

// Ends the translation; caught in translate() and nowhere else.
struct Refused {
    SqlError error;
};

[[noreturn]] void refuse(std::string_view sqlstate, std::string message, std::string hint = {}) {
    throw Refused{{sqlstate, std::move(message), std::move(hint)}};
}

[[noreturn]] void not_implemented(const std::string& what) {
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

class Translator {
  public:
    Translator(const Tokens& tokens, std::span<const Type> parameters)
        : tokens_(tokens), parameters_(parameters.begin(), parameters.end()) {}

    Translated run() {
        Query query = whole_query();
        if (now().kind != Kind::end) throw Refused{syntax_error(now())};
        for (Type& type : parameters_)
            if (type == Type::unknown) type = Type::text;
        return {std::move(query.sql),
                std::move(query.items),
                std::move(parameters_),
                std::move(derived_)};
    }

  private:
    struct Query {
        std::string sql;
        std::vector<OutputItem> items;
    };

    // Counts how deep brackets and clauses nest: SQLite's parser has a stack of 100.
    class Nested {
      public:
        explicit Nested(std::size_t& depth) : depth_(depth) {
            if (++depth_ > limits::nesting_max) {
                --depth_;
                refuse("54001", "stack depth limit exceeded");
            }
        }
        ~Nested() { --depth_; }
        Nested(const Nested&) = delete;
        Nested& operator=(const Nested&) = delete;

      private:
        std::size_t& depth_;
    };

    // --- tokens ------------------------------------------------------------------------------

    [[nodiscard]] const Token& now() const { return tokens_[place_]; }
    [[nodiscard]] const Token& ahead(std::size_t count) const {
        return tokens_[std::min(place_ + count, tokens_.size() - 1)];
    }
    const Token& take() {
        const Token& token = now();
        if (token.kind != Kind::end) ++place_;
        return token;
    }
    bool take_if(std::string_view text) {
        if (!now().is(text)) return false;
        ++place_;
        return true;
    }
    void expect(std::string_view text) {
        if (!take_if(text)) throw Refused{syntax_error(now())};
    }
    std::string name() {
        if (!now().is_name() || is_reserved(now())) throw Refused{syntax_error(now())};
        return take().text;
    }
    // After AS any word may be one.
    std::string label() {
        if (!now().is_name()) throw Refused{syntax_error(now())};
        return take().text;
    }
    std::optional<std::string> alias() {
        if (take_if("as")) return label();
        if (now().is_name() && !is_reserved(now())) return take().text;
        return std::nullopt;
    }

    // --- queries -----------------------------------------------------------------------------

    [[nodiscard]] bool at_query() const {
        for (std::size_t i = 0;; ++i) {
            const Token& token = ahead(i);
            if (token.is("(")) continue;
            return token.is("select") || token.is("values") || token.is("with") ||
                   (token.is("table") && i == 0);
        }
    }

    Query whole_query() {
        const Nested nested(depth_);
        std::string with;
        const auto outer_ctes = ctes_;
        if (take_if("with")) with = with_clause();
        Query query = operand_of_union();
        bool compound = false;
        while (now().is("union") || now().is("intersect") || now().is("except")) {
            std::string word = take().text;
            if (take_if("all")) {
                if (word != "union") not_implemented(word + " all");
                word += " all";
            } else {
                (void)take_if("distinct");
            }
            const Query other = operand_of_union();
            query.sql += ' ' + word + ' ' + other.sql;
            merge_items(query.items, other.items);
            compound = true;
        }
        if (compound) {
            // SQLite gives INTERSECT no precedence over UNION, as PostgreSQL does; one of them at
            // a time is the same in both.
            for (OutputItem& item : query.items)
                derived_[item.name] = item.type;
        }
        query.sql = with + query.sql;
        query.sql += order_by();
        query.sql += limit_clause();
        ctes_ = outer_ctes;
        return query;
    }

    static void merge_items(std::vector<OutputItem>& items, const std::vector<OutputItem>& others) {
        for (std::size_t i = 0; i < std::min(items.size(), others.size()); ++i)
            if (items[i].type == Type::unknown) items[i].type = others[i].type;
    }

    std::string with_clause() {
        std::string sql = take_if("recursive") ? "WITH RECURSIVE " : "WITH ";
        do {
            const std::string cte = name();
            ctes_.insert(cte);
            std::string columns = now().is("(") ? " (" + column_list() + ')' : std::string();
            expect("as");
            (void)take_if("not");
            (void)take_if("materialized");
            expect("(");
            const Query query = whole_query();
            expect(")");
            if (sql.back() != ' ') sql += ", ";
            sql += quote_name(cte) + columns + " AS (" + query.sql + ')';
        } while (take_if(","));
        return sql + ' ';
    }

    std::string column_list() {
        std::string sql;
        expect("(");
        do
            sql += (sql.empty() ? "" : ", ") + quote_name(name());
        while (take_if(","));
        expect(")");
        return sql;
    }

    Query operand_of_union() {
        if (take_if("(")) {
            Query query = whole_query();
            expect(")");
            query.sql = "SELECT * FROM (" + query.sql + ')';
            return query;
        }
        if (now().is("values")) return values();
        if (take_if("table")) {
            const auto [sql, relation] = table();
            (void)relation;
            return {"SELECT * FROM " + sql, {{true, {}, Type::unknown}}};
        }
        expect("select");
        return select();
    }

    Query values() {
        Query query{"VALUES", {}};
        expect("values");
        do {
            expect("(");
            std::string row;
            std::size_t column = 0;
            do {
                Expression value = expression();
                settle(value, Type::text);
                row += (row.empty() ? "" : ", ") + value.sql;
                if (++column > query.items.size())
                    query.items.push_back({false, "column" + std::to_string(column), value.type});
            } while (take_if(","));
            expect(")");
            query.sql += (query.sql.back() == ')' ? ", (" : " (") + row + ')';
        } while (take_if(","));
        return query;
    }

    Query select() {
        Query query{"SELECT ", {}};
        if (take_if("distinct")) {
            if (now().is("on")) not_implemented("DISTINCT ON");
            query.sql += "DISTINCT ";
        } else {
            (void)take_if("all");
        }
        // FROM tells what the columns are.
        const std::size_t items_at = place_;
        const std::size_t from_at = find_from();
        std::string from;
        std::size_t after_from = from_at;
        if (tokens_[from_at].is("from")) {
            place_ = from_at + 1;
            from = " FROM " + from_list();
            after_from = place_;
        }
        place_ = items_at;
        query.sql += items(query.items, from_at) + from;
        if (place_ != from_at) throw Refused{syntax_error(now())};
        place_ = after_from;
        if (take_if("into")) not_implemented("SELECT INTO");
        if (take_if("where")) query.sql += " WHERE " + condition("WHERE");
        if (take_if("group")) {
            expect("by");
            query.sql += " GROUP BY " + list();
        }
        if (take_if("having")) query.sql += " HAVING " + condition("HAVING");
        if (take_if("window")) query.sql += " WINDOW " + windows();
        for (const OutputItem& item : query.items)
            if (!item.is_star && item.type != Type::unknown) derived_[item.name] = item.type;
        return query;
    }

    // The FROM of this SELECT, or what ends its list.
    [[nodiscard]] std::size_t find_from() const {
        std::size_t brackets = 0;
        for (std::size_t i = place_;; ++i) {
            const Token& token = tokens_[i];
            if (token.kind == Kind::end) return i;
            if (token.is("(") || token.is("[")) ++brackets;
            if (token.is(")") || token.is("]")) {
                if (brackets == 0) return i;
                --brackets;
            }
            if (brackets > 0 || token.kind != Kind::word) continue;
            // IS DISTINCT FROM; and any word may follow AS.
            const bool label = i > place_ && tokens_[i - 1].is("as");
            const bool distinct = i > place_ && tokens_[i - 1].is("distinct");
            if (label || (token.is("from") && distinct)) continue;
            for (const std::string_view word : {"from",
                                                "into",
                                                "where",
                                                "group",
                                                "having",
                                                "window",
                                                "union",
                                                "except",
                                                "intersect",
                                                "order",
                                                "limit",
                                                "offset",
                                                "fetch",
                                                "for"})
                if (token.text == word) return i;
        }
    }

    std::string items(std::vector<OutputItem>& items, std::size_t end) {
        std::string sql;
        if (place_ == end) return "NULL WHERE 0"; // SELECT without columns
        do {
            if (!sql.empty()) sql += ", ";
            if (take_if("*")) {
                items.push_back({true, {}, Type::unknown});
                sql += '*';
                continue;
            }
            if (now().is_name() && ahead(1).is(".") && ahead(2).is("*")) {
                sql += quote_name(take().text) + ".*";
                place_ += 2;
                items.push_back({true, {}, Type::unknown});
                continue;
            }
            Expression item = expression();
            show(item);
            if (auto given = alias()) item.name = std::move(*given);
            items.push_back({false, item.name, item.type});
            sql += item.sql + " AS " + quote_name(item.name);
        } while (take_if(","));
        return sql;
    }

    // As it is sent: nothing is left undecided, and a regclass is a name.
    void show(Expression& item) {
        settle(item, Type::text);
        if (item.reg.empty()) return;
        item.sql = call(std::string(item.reg) + "_text", {item.sql});
        item.type = Type::text;
    }

    std::string order_by() {
        if (!take_if("order")) return {};
        expect("by");
        return " ORDER BY " + sort_list();
    }

    // NULLs sort last, and first where the order is turned round.
    std::string sort_list() {
        std::string sql;
        do {
            Expression key = expression();
            settle(key, Type::text);
            const bool descending = take_if("desc");
            if (!descending) (void)take_if("asc");
            bool nulls_first = descending;
            if (take_if("nulls")) {
                nulls_first = now().is("first");
                if (!take_if("first") && !now().is("last")) throw Refused{syntax_error(now())};
                if (!nulls_first) (void)take();
            }
            sql += (sql.empty() ? "" : ", ") + key.sql + (descending ? " DESC" : " ASC") +
                   (nulls_first ? " NULLS FIRST" : " NULLS LAST");
        } while (take_if(","));
        return sql;
    }

    std::string limit_clause() {
        std::optional<std::string> limit;
        std::optional<std::string> offset;
        for (;;) {
            if (take_if("limit")) {
                limit = take_if("all") ? "-1" : row_count("LIMIT");
            } else if (take_if("offset")) {
                offset = row_count("OFFSET");
                if (!take_if("row")) (void)take_if("rows");
            } else if (take_if("fetch")) {
                if (!take_if("first")) expect("next");
                limit = now().is("row") || now().is("rows") ? "1" : row_count("FETCH");
                if (!take_if("row")) expect("rows");
                expect("only");
            } else {
                break;
            }
        }
        if (now().is("for")) not_implemented("row locking");
        std::string sql;
        if (limit || offset) sql += " LIMIT " + limit.value_or("-1");
        if (offset) sql += " OFFSET " + *offset;
        return sql;
    }

    std::string row_count(const char* clause) {
        Expression count = expression();
        coerce(count, Type::int8);
        return call("row_count", {count.sql, quote_text(clause)});
    }

    std::string condition(const std::string& clause) {
        Expression condition = expression();
        demand_boolean(condition, clause);
        return condition.sql;
    }

    void demand_boolean(Expression& value, const std::string& clause) {
        coerce(value, Type::boolean);
        if (value.type != Type::boolean && value.type != Type::unknown)
            refuse("42804",
                   "argument of " + clause + " must be type boolean, not type " +
                       display(value.type));
    }

    std::string list() {
        std::string sql;
        do {
            Expression element = expression();
            settle(element, Type::text);
            sql += (sql.empty() ? "" : ", ") + element.sql;
        } while (take_if(","));
        return sql;
    }

    std::string windows() {
        std::string sql;
        do {
            sql += (sql.empty() ? "" : ", ") + quote_name(name());
            expect("as");
            sql += " AS " + window();
        } while (take_if(","));
        return sql;
    }

    std::string window() {
        std::string sql;
        expect("(");
        if (now().is_name() && !now().is("partition") && !now().is("order"))
            sql += quote_name(name());
        if (take_if("partition")) {
            expect("by");
            sql += " PARTITION BY " + list();
        }
        sql += order_by();
        if (now().is("rows") || now().is("range") || now().is("groups"))
            not_implemented("a window frame");
        expect(")");
        return '(' + sql + ')';
    }

    // --- FROM --------------------------------------------------------------------------------

    std::string from_list() {
        std::string sql = joined();
        while (take_if(","))
            sql += ", " + joined();
        return sql;
    }

    std::string joined() {
        const Nested nested(depth_);
        std::string sql = source();
        for (;;) {
            const bool natural = take_if("natural");
            std::string kind;
            for (const std::string_view word : {"inner", "left", "right", "full", "cross"})
                if (take_if(word)) kind = word;
            if (kind == "left" || kind == "right" || kind == "full") (void)take_if("outer");
            if (!now().is("join")) {
                if (natural || !kind.empty()) throw Refused{syntax_error(now())};
                return sql;
            }
            (void)take();
            sql += (natural ? " NATURAL " : " ") + kind + (kind.empty() ? "JOIN " : " JOIN ");
            sql += source();
            if (take_if("on"))
                sql += " ON " + condition("JOIN/ON");
            else if (take_if("using"))
                sql += " USING (" + column_list() + ')';
            else if (!natural && kind != "cross")
                throw Refused{syntax_error(now())};
        }
    }

    std::string source() {
        (void)take_if("lateral");
        if (now().is("(")) {
            if (!at_query()) {
                expect("(");
                std::string sql = '(' + joined() + ')';
                expect(")");
                if (auto given = alias()) not_implemented("an alias of a join");
                return sql;
            }
            expect("(");
            const Query query = whole_query();
            expect(")");
            const std::string given = alias().value_or("unnamed_subquery");
            return named_query(query.sql, given);
        }
        (void)take_if("only");
        if (ahead(1).is("(") || (ahead(1).is(".") && ahead(3).is("("))) return called_source();
        return table().first;
    }

    // With a list of columns: SQLite takes names from the first SELECT of a UNION.
    std::string named_query(const std::string& sql, const std::string& given) {
        if (!take_if("(")) return '(' + sql + ") AS " + quote_name(given);
        std::string names;
        do
            names += (names.empty() ? "" : ", ") + ("NULL AS " + quote_name(name()));
        while (take_if(","));
        expect(")");
        return "(SELECT " + names + " WHERE 0 UNION ALL SELECT * FROM (" + sql + ")) AS " +
               quote_name(given);
    }

    // A function in FROM gives a column by its alias.
    std::string called_source() {
        if (take_if("pg_catalog")) expect(".");
        const Token& function = take();
        std::string sql;
        Type type = Type::text;
        if (function.is("unnest")) {
            expect("(");
            Expression array = expression();
            coerce(array, Type::text_array);
            expect(")");
            sql = "SELECT \"value\" AS ";
            const std::string rest = " FROM \"unnest\"(" + array.sql + ')';
            return finish_called(function.text, sql, rest, type);
        }
        --place_;
        Expression value = expression();
        settle(value, Type::text);
        return finish_called(function.text, "SELECT " + value.sql + " AS ", {}, value.type);
    }

    std::string finish_called(const std::string& function,
                              const std::string& head,
                              const std::string& rest,
                              Type type) {
        if (now().is("with")) not_implemented("WITH ORDINALITY");
        const std::string given = alias().value_or(function);
        std::string column = given;
        if (take_if("(")) {
            column = name();
            expect(")");
        }
        derived_[column] = type;
        return '(' + head + quote_name(column) + rest + ") AS " + quote_name(given);
    }

    // Its text, with the alias.
    std::pair<std::string, const Relation*> table() {
        std::string schema;
        std::string relation_name = name();
        while (take_if(".")) {
            schema = std::move(relation_name);
            relation_name = label();
        }
        const bool is_cte = schema.empty() && ctes_.contains(relation_name);
        const Relation* const relation = is_cte ? nullptr : find_relation(schema, relation_name);
        if (!relation && !is_cte) no_relation(schema, relation_name);
        const std::string sql = quote_name(is_cte ? relation_name : table_name(*relation));
        const std::string given = alias().value_or(relation_name);
        if (now().is("(")) not_implemented("a column list of a table's alias");
        if (now().is("tablesample")) not_implemented("TABLESAMPLE");
        return {sql + " AS " + quote_name(given), relation};
    }

    [[noreturn]] static void no_relation(const std::string& schema, const std::string& name) {
        const std::string shown = schema.empty() ? name : schema + '.' + name;
        refuse("42P01",
               "relation " + in_quotes(shown) + " does not exist",
               "\\d and SHOW HELP list what the console has.");
    }

    // --- expressions, by PostgreSQL's precedence ---------------------------------------------

    Expression expression() {
        const Nested nested(depth_);
        return disjunction();
    }

    Expression disjunction() {
        Expression left = conjunction();
        if (!now().is("or")) return left;
        demand_boolean(left, "OR");
        std::string sql = '(' + left.sql;
        while (take_if("or")) {
            Expression right = conjunction();
            demand_boolean(right, "OR");
            sql += " OR " + right.sql;
        }
        return boolean(sql + ')');
    }

    Expression conjunction() {
        Expression left = negation();
        if (!now().is("and")) return left;
        demand_boolean(left, "AND");
        std::string sql = '(' + left.sql;
        while (take_if("and")) {
            Expression right = negation();
            demand_boolean(right, "AND");
            sql += " AND " + right.sql;
        }
        return boolean(sql + ')');
    }

    Expression negation() {
        if (!take_if("not")) return is_test();
        const Nested nested(depth_);
        Expression operand = negation();
        demand_boolean(operand, "NOT");
        return boolean("(NOT " + operand.sql + ')');
    }

    static Expression boolean(std::string sql) { return {std::move(sql), Type::boolean}; }

    Expression is_test() {
        Expression left = comparison();
        for (;;) {
            if (take_if("isnull")) {
                settle(left, Type::text);
                left = boolean('(' + left.sql + " IS NULL)");
            } else if (take_if("notnull")) {
                settle(left, Type::text);
                left = boolean('(' + left.sql + " IS NOT NULL)");
            } else if (take_if("is")) {
                left = is_what(std::move(left));
            } else {
                return left;
            }
        }
    }

    Expression is_what(Expression left) {
        const std::string is = take_if("not") ? " IS NOT " : " IS ";
        if (take_if("distinct")) {
            expect("from");
            Expression right = comparison();
            unify(left, right);
            // IS NOT is SQLite's IS DISTINCT FROM.
            const std::string word = is == " IS " ? " IS NOT " : " IS ";
            return boolean('(' + left.sql + word + right.sql + ')');
        }
        if (take_if("null") || take_if("unknown")) {
            settle(left, Type::text);
            return boolean('(' + left.sql + is + "NULL)");
        }
        for (const std::string_view word : {"true", "false"}) {
            if (!take_if(word)) continue;
            demand_boolean(left, "IS " + std::string(word));
            return boolean('(' + left.sql + is + std::string(word) + ')');
        }
        throw Refused{syntax_error(now())};
    }

    Expression comparison() {
        Expression left = range();
        for (;;) {
            const Token& sign = now();
            if (sign.kind != Kind::sign) return left;
            if (!sign.is("=") && !sign.is("<>") && !sign.is("<") && !sign.is(">") &&
                !sign.is("<=") && !sign.is(">="))
                return left;
            (void)take();
            if (now().is("any") || now().is("all") || now().is("some")) {
                left = quantified(std::move(left), sign.text);
                continue;
            }
            Expression right = range();
            unify(left, right);
            left = boolean('(' + left.sql + ' ' + sign.text + ' ' + right.sql + ')');
        }
    }

    // = ANY is IN, <> ALL is NOT IN; of a query or of an array.
    Expression quantified(Expression left, const std::string& sign) {
        const bool all = take().text == "all";
        const bool in = sign == "=" && !all;
        const bool not_in = sign == "<>" && all;
        if (!in && !not_in) not_implemented(sign + (all ? " ALL" : " ANY"));
        settle(left, Type::text);
        expect("(");
        std::string of;
        if (at_query()) {
            of = whole_query().sql;
        } else {
            Expression array = expression();
            coerce(array, Type::text_array);
            of = "SELECT \"value\" FROM \"unnest\"(" + array.sql + ')';
        }
        expect(")");
        return boolean('(' + left.sql + (in ? " IN (" : " NOT IN (") + of + "))");
    }

    Expression range() {
        Expression left = operation();
        for (;;) {
            const bool negated =
                now().is("not") &&
                (ahead(1).is("in") || ahead(1).is("like") || ahead(1).is("ilike") ||
                 ahead(1).is("between") || ahead(1).is("similar"));
            if (negated) (void)take();
            Expression result;
            if (take_if("between"))
                result = between(std::move(left));
            else if (take_if("in"))
                result = in(std::move(left));
            else if (take_if("like"))
                result = like(std::move(left), "like_match");
            else if (take_if("ilike"))
                result = like(std::move(left), "ilike_match");
            else if (now().is("similar"))
                not_implemented("SIMILAR TO");
            else
                return left;
            left = negated ? boolean("(NOT " + result.sql + ')') : std::move(result);
        }
    }

    Expression between(Expression left) {
        if (take_if("symmetric")) not_implemented("BETWEEN SYMMETRIC");
        Expression low = operation();
        expect("and");
        Expression high = operation();
        unify(left, low);
        unify(left, high);
        return boolean('(' + left.sql + " BETWEEN " + low.sql + " AND " + high.sql + ')');
    }

    Expression in(Expression left) {
        expect("(");
        std::string of;
        if (at_query()) {
            of = whole_query().sql;
            settle(left, Type::text);
        } else {
            do {
                Expression element = expression();
                unify(left, element);
                of += (of.empty() ? "" : ", ") + element.sql;
            } while (take_if(","));
        }
        expect(")");
        return boolean('(' + left.sql + " IN (" + of + "))");
    }

    Expression like(Expression left, std::string_view function) {
        Expression pattern = operation();
        settle(left, Type::text);
        settle(pattern, Type::text);
        std::vector<std::string> arguments{left.sql, pattern.sql};
        if (take_if("escape")) {
            Expression escape = operation();
            settle(escape, Type::text);
            arguments.push_back(escape.sql);
        }
        return boolean(call(function, arguments));
    }

    // Every operator that is no arithmetic.
    Expression operation() {
        Expression left = sum();
        for (;;) {
            std::string sign;
            if (take_if("operator")) {
                expect("(");
                if (now().is_name()) {
                    (void)take();
                    expect(".");
                }
                sign = take().text;
                expect(")");
            } else if (now().kind == Kind::sign && is_other_operator(now().text)) {
                sign = take().text;
            } else {
                return left;
            }
            Expression right = sum();
            left = apply(std::move(left), sign, std::move(right));
        }
    }

    static bool is_other_operator(const std::string& text) {
        constexpr std::string_view characters = "~!@#&|`?<>=%^*/+-";
        constexpr std::array<std::string_view, 13> arithmetic{
            "=", "<>", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "^", "=>"};
        return characters.find(text.front()) != std::string_view::npos &&
               std::ranges::find(arithmetic, text) == arithmetic.end();
    }

    Expression apply(Expression left, const std::string& sign, Expression right) {
        struct Match {
            std::string_view sign;
            std::string_view function;
            bool negated;
        };
        constexpr std::array matches{
            Match{"~", "regex_match", false},
            Match{"!~", "regex_match", true},
            Match{"~*", "iregex_match", false},
            Match{"!~*", "iregex_match", true},
            Match{"~~", "like_match", false},
            Match{"!~~", "like_match", true},
            Match{"~~*", "ilike_match", false},
            Match{"!~~*", "ilike_match", true},
        };
        for (const std::string_view comparison : {"=", "<>", "<", ">", "<=", ">="}) {
            if (sign != comparison) continue; // OPERATOR(pg_catalog.=)
            unify(left, right);
            return boolean('(' + left.sql + ' ' + sign + ' ' + right.sql + ')');
        }
        const auto* const match = std::ranges::find(matches, sign, &Match::sign);
        const bool arrays = left.type == Type::text_array || right.type == Type::text_array;
        if (sign == "||" && arrays) {
            coerce(left, Type::text_array);
            coerce(right, Type::text_array);
            return {call("array_cat", {left.sql, right.sql}), Type::text_array};
        }
        if (match == matches.end() && sign != "||") {
            refuse("42883",
                   "operator does not exist: " + display(left.type) + ' ' + sign + ' ' +
                       display(right.type));
        }
        settle(left, Type::text);
        settle(right, Type::text);
        if (sign == "||") return chain(left, sign, right, Type::text);
        const std::string sql = call(match->function, {left.sql, right.sql});
        return boolean(match->negated ? "(NOT " + sql + ')' : sql);
    }

    Expression sum() {
        Expression left = product();
        while (now().is("+") || now().is("-")) {
            const std::string sign = take().text;
            Expression right = product();
            left = add(std::move(left), sign, std::move(right));
        }
        return left;
    }

    Expression add(Expression left, const std::string& sign, Expression right) {
        const Type l = left.type;
        const Type r = right.type;
        if (l == Type::timestamptz || r == Type::timestamptz)
            return add_time(std::move(left), sign, std::move(right));
        if (l == Type::interval || r == Type::interval) unify(left, right);
        return arithmetic(std::move(left), sign, std::move(right));
    }

    Expression add_time(Expression left, const std::string& sign, Expression right) {
        const bool minus = sign == "-";
        if (left.type == Type::timestamptz && minus && right.type != Type::interval) {
            coerce(right, Type::timestamptz);
            if (right.type == Type::timestamptz)
                return {call("ts_minus", {left.sql, right.sql}), Type::interval};
        }
        if (left.type != Type::timestamptz && !minus) std::swap(left, right);
        coerce(right, Type::interval);
        if (left.type != Type::timestamptz || right.type != Type::interval)
            no_operator(left.type, sign, right.type);
        const std::string seconds = minus ? "(-" + right.sql + ')' : right.sql;
        return {call("ts_plus", {left.sql, seconds}), Type::timestamptz};
    }

    [[noreturn]] static void no_operator(Type left, const std::string& sign, Type right) {
        refuse("42883",
               "operator does not exist: " + display(left) + ' ' + sign + ' ' + display(right),
               "No operator matches the given name and argument types. You might need to add "
               "explicit type casts.");
    }

    Expression arithmetic(Expression left, const std::string& sign, Expression right) {
        unify(left, right);
        coerce(left, Type::int4);
        coerce(right, Type::int4);
        const auto usable = [](Type type) {
            return is_number(type) || type == Type::interval || type == Type::unknown;
        };
        if (!usable(left.type) || !usable(right.type)) no_operator(left.type, sign, right.type);
        const Type type = wider(left.type, right.type);
        if (sign == "*") return {'(' + left.sql + " * " + right.sql + ')', type};
        if (sign == "/" || sign == "%")
            return {call(sign == "/" ? "divide" : "modulo", {left.sql, right.sql}), type};
        return chain(left, sign, right, type);
    }

    // a + b - c is one pair of parentheses: SQLite's parser has no room for hundreds.
    static Expression
    chain(const Expression& left, const std::string& sign, const Expression& right, Type type) {
        Expression result;
        const char sign_class = sign == "||" ? '|' : '+';
        const std::string_view inner =
            left.chain_of == sign_class ? std::string_view(left.sql).substr(1, left.sql.size() - 2)
                                        : std::string_view(left.sql);
        result.sql = '(' + std::string(inner) + ' ' + sign + ' ' + right.sql + ')';
        result.type = type;
        result.chain_of = sign_class;
        return result;
    }

    static Type wider(Type left, Type right) {
        for (const Type type :
             {Type::interval, Type::float8, Type::numeric, Type::int8, Type::int4})
            if (left == type || right == type) return type;
        return left == Type::unknown ? right : left;
    }

    Expression product() {
        Expression left = sign();
        while (now().is("*") || now().is("/") || now().is("%")) {
            const std::string by = take().text;
            left = arithmetic(std::move(left), by, sign());
        }
        if (now().is("^")) not_implemented("operator ^");
        return left;
    }

    Expression sign() {
        if (!now().is("-") && !now().is("+")) return postfix();
        const Nested nested(depth_);
        const bool minus = take().is("-");
        Expression operand = sign();
        coerce(operand, Type::int4);
        if (minus) operand.sql = "(-" + operand.sql + ')';
        operand.name = "?column?";
        operand.has_name = false;
        return operand;
    }

    Expression postfix() {
        Expression value = primary();
        for (;;) {
            if (take_if("::")) {
                value = cast(std::move(value), type_name());
            } else if (take_if("[")) {
                Expression index = expression();
                coerce(index, Type::int4);
                expect("]");
                value = {call("array_get", {value.sql, index.sql}),
                         Type::unknown, // of what it has elements of
                         value.name,
                         value.has_name};
            } else if (take_if("collate")) {
                collation();
            } else if (now().is("at") && ahead(1).is("time")) {
                place_ += 2;
                expect("zone");
                const Token& zone = take();
                if (config::lower_case(zone.text) != "utc")
                    not_implemented("a time zone other than UTC");
            } else {
                return value;
            }
        }
    }

    // Texts are compared byte by byte here, which is collation "C".
    void collation() {
        std::string collation = label();
        while (take_if("."))
            collation = label();
        const std::string lower = config::lower_case(collation);
        if (lower != "default" && lower != "c" && lower != "posix")
            refuse("42704",
                   "collation " + in_quotes(collation) + " for encoding \"UTF8\" does not exist");
    }

    // As written, without its schema: int, text[], timestamp with time zone.
    std::string type_name() {
        std::string type = now().is("array") ? "array" : label();
        while (take_if("."))
            type = label();
        if (type == "double") (void)take_if("precision");
        if (type == "character") (void)take_if("varying");
        if (now().is("(")) not_implemented("a type with a length");
        if ((type == "timestamp" || type == "time") && (now().is("with") || now().is("without"))) {
            (void)take();
            expect("time");
            expect("zone");
        }
        bool array = false;
        while (now().is("[") && ahead(1).is("]")) {
            place_ += 2;
            array = true;
        }
        return array ? type + "[]" : type;
    }

    Expression cast(Expression value, const std::string& to) {
        constexpr std::array<std::string_view, 5> regs{
            "regclass", "regtype", "regproc", "regnamespace", "regrole"};
        const auto* const reg = std::ranges::find(regs, to);
        const bool array = to.ends_with("[]");
        const Type type = array ? Type::text_array : type_of_name(to);
        if (type == Type::unknown || (reg == regs.end() && to.starts_with("reg")))
            refuse("42704", "type " + in_quotes(to) + " does not exist");
        Expression result;
        result.name = value.has_name ? value.name : array ? to : std::string(row_of(type).name);
        if (reg != regs.end()) result.name = value.has_name ? value.name : to;
        result.has_name = true;
        result.type = type;
        if (value.parameter > 0) {
            const bool names = reg != regs.end();
            coerce(value, names ? Type::text : type);
            if (!names) return renamed(std::move(value), result.name);
        }
        if (reg != regs.end()) {
            const bool number = is_integer(value.type);
            settle(value, Type::text);
            result.sql = number ? value.sql : call("cast_" + to, {value.sql});
            result.reg = *reg;
            return result;
        }
        if (!value.reg.empty() && !is_integer(type)) show(value);
        if (value.literal && type != Type::oid) {
            coerce(value, type);
            return renamed(std::move(value), result.name);
        }
        settle(value, Type::text);
        result.sql = cast_sql(value, type);
        return result;
    }

    static Expression renamed(Expression value, const std::string& name) {
        value.name = name;
        value.has_name = true;
        return value;
    }

    static std::string cast_sql(const Expression& value, Type type) {
        if (value.type == type) return value.sql;
        switch (type) {
        case Type::boolean: return call("to_bool", {value.sql});
        case Type::int2:
        case Type::int4:
        case Type::int8:
        case Type::oid: return call("to_int", {value.sql, quote_text(display(type))});
        case Type::float8: return call("to_float", {value.sql, quote_text(display(type))});
        case Type::numeric: return call("to_numeric", {value.sql});
        case Type::timestamptz: return call("to_ts", {value.sql});
        case Type::interval: return call("to_interval", {value.sql});
        case Type::character: return call("left_of", {text_of(value), "1"});
        case Type::text:
        case Type::name: return text_of(value);
        case Type::text_array:
        case Type::void_type:
        case Type::unknown: break;
        }
        return value.sql;
    }

    static std::string text_of(const Expression& value) {
        if (value.type == Type::boolean) return call("bool_text", {value.sql});
        if (value.type == Type::interval) return call("interval_text", {value.sql});
        return "CAST(" + value.sql + " AS TEXT)";
    }

    Expression primary() {
        const Nested nested(depth_);
        const Token& token = now();
        switch (token.kind) {
        case Kind::number: return number(take());
        case Kind::parameter: return parameter(take());
        case Kind::string: {
            Expression value;
            value.literal = take().text;
            value.sql = quote_text(*value.literal);
            return value;
        }
        case Kind::sign: {
            if (token.is("(")) return in_parentheses();
            break;
        }
        case Kind::word: return word();
        case Kind::quoted_name: return named();
        case Kind::end: break;
        }
        throw Refused{syntax_error(token)};
    }

    static Expression number(const Token& token) {
        constexpr std::string_view digits = "0123456789";
        const bool whole = token.text.find_first_not_of(digits) == std::string::npos;
        if (!whole) return {token.text, Type::numeric};
        std::int64_t value = 0;
        const char* const end = token.text.data() + token.text.size();
        const auto [parsed, error] = std::from_chars(token.text.data(), end, value);
        if (error != std::errc{} || parsed != end)
            refuse("22003", "value \"" + token.text + "\" is out of range for type bigint");
        const bool small = value <= std::numeric_limits<std::int32_t>::max();
        return {std::to_string(value), small ? Type::int4 : Type::int8};
    }

    Expression parameter(const Token& token) {
        std::size_t number = 0;
        const char* const end = token.text.data() + token.text.size();
        (void)std::from_chars(token.text.data(), end, number);
        if (number == 0 || number > limits::parameters_max)
            refuse("42P02", "there is no parameter $" + token.text);
        if (parameters_.size() < number) parameters_.resize(number, Type::unknown);
        Expression value;
        value.sql = '?' + std::to_string(number);
        value.type = parameters_[number - 1];
        value.parameter = number;
        return value;
    }

    Expression in_parentheses() {
        if (at_query() && !starts_expression()) {
            expect("(");
            Query query = whole_query();
            expect(")");
            return scalar_query(query);
        }
        expect("(");
        Expression value = expression();
        if (now().is(",")) { // a row
            settle(value, Type::text);
            std::string sql = '(' + value.sql;
            while (take_if(",")) {
                Expression next = expression();
                settle(next, Type::text);
                sql += ", " + next.sql;
            }
            expect(")");
            return {sql + ')', Type::unknown, "row"};
        }
        expect(")");
        if (value.literal || value.parameter > 0) return value;
        value.chain_of = 0;
        if (value.sql.front() != '(') value.sql = '(' + value.sql + ')';
        return value;
    }

    // ((select 1) + 1): the query is inside of the outer brackets only as an operand.
    [[nodiscard]] bool starts_expression() const {
        if (!ahead(1).is("(")) return false;
        std::size_t depth = 0;
        for (std::size_t i = 1;; ++i) {
            const Token& token = ahead(i);
            if (token.kind == Kind::end) return false;
            if (token.is("(")) ++depth;
            if (token.is(")") && --depth == 0) {
                const Token& next = ahead(i + 1);
                return !next.is(")") && !next.is("union") && !next.is("except") &&
                       !next.is("intersect") && !next.is("order") && !next.is("limit") &&
                       !next.is("offset") && !next.is("fetch");
            }
        }
    }

    static Expression scalar_query(const Query& query) {
        Expression value{'(' + query.sql + ')'};
        if (query.items.empty() || query.items.front().is_star) return value;
        value.type = query.items.front().type;
        value.name = query.items.front().name;
        value.has_name = true;
        return value;
    }

    Expression word() {
        const Token& token = now();
        if (take_if("null")) return {"NULL"};
        if (take_if("true")) return {"1", Type::boolean, "bool"};
        if (take_if("false")) return {"0", Type::boolean, "bool"};
        if (take_if("case")) return case_expression();
        if (take_if("cast")) return cast_call();
        if (take_if("exists")) return exists();
        if (take_if("array")) return array();
        if ((token.is("left") || token.is("right")) && ahead(1).is("(")) return named();
        if (token.is("extract") && ahead(1).is("(")) return extract();
        if (token.is("trim") && ahead(1).is("(")) return trim();
        if (token.is("position") && ahead(1).is("(")) return position();
        if (token.is("substring") && ahead(1).is("(")) return substring();
        if (ahead(1).kind == Kind::string && !is_reserved(token) &&
            type_of_name(token.text) != Type::unknown) { // interval '5 minutes'
            const std::string type = take().text;
            Expression value;
            value.literal = take().text;
            coerce(value, type_of_name(type));
            return renamed(std::move(value), std::string(row_of(value.type).name));
        }
        if (is_reserved(token)) throw Refused{syntax_error(token)};
        return named();
    }

    Expression case_expression() {
        std::string sql = "CASE";
        std::optional<Expression> subject;
        if (!now().is("when")) {
            subject = expression();
            settle(*subject, Type::text);
            sql += ' ' + subject->sql;
        }
        std::vector<Expression> results;
        std::vector<std::string> conditions;
        while (take_if("when")) {
            Expression when = expression();
            if (subject)
                unify(*subject, when);
            else
                demand_boolean(when, "CASE/WHEN");
            expect("then");
            conditions.push_back(when.sql);
            results.push_back(expression());
        }
        if (results.empty()) throw Refused{syntax_error(now())};
        Expression value;
        value.name = "case";
        const bool has_else = take_if("else");
        if (has_else) {
            results.push_back(expression());
            if (results.back().has_name) value.name = results.back().name;
        }
        expect("end");
        value.type = common_type(results);
        for (std::size_t i = 0; i < conditions.size(); ++i)
            sql += " WHEN " + conditions[i] + " THEN " + results[i].sql;
        if (has_else) sql += " ELSE " + results.back().sql;
        value.sql = sql + " END";
        value.sql = '(' + value.sql + ')';
        return value;
    }

    // Literals and parameters follow the first that has a type.
    Type common_type(std::vector<Expression>& values) {
        Type type = Type::unknown;
        for (Expression& value : values) {
            if (!value.reg.empty()) show(value);
            if (type == Type::unknown || (is_number(type) && is_number(value.type)))
                type = wider(type, value.type);
            if (type == Type::unknown) type = value.type;
        }
        bool has_literal = false;
        for (Expression& value : values) {
            has_literal = has_literal || value.literal;
            settle(value, type == Type::unknown ? Type::text : type);
        }
        return type == Type::unknown && has_literal ? Type::text : type;
    }

    Expression cast_call() {
        expect("(");
        Expression value = expression();
        expect("as");
        const std::string type = type_name();
        expect(")");
        return cast(std::move(value), type);
    }

    Expression exists() {
        expect("(");
        const Query query = whole_query();
        expect(")");
        return {"EXISTS (" + query.sql + ')', Type::boolean, "exists"};
    }

    Expression array() {
        Expression value;
        value.type = Type::text_array;
        value.name = "array";
        if (take_if("(")) {
            const Query query = whole_query();
            expect(")");
            value.sql =
                "(SELECT \"array_of_rows\"(\"value\") FROM (SELECT NULL AS \"value\" WHERE 0 "
                "UNION ALL SELECT * FROM (" +
                query.sql + ")))";
            return value;
        }
        expect("[");
        std::vector<std::string> elements;
        while (!now().is("]")) {
            Expression element = expression();
            settle(element, Type::text);
            elements.push_back(element.type == Type::boolean ? call("bool_text", {element.sql})
                                                             : element.sql);
            if (!take_if(",")) break;
        }
        expect("]");
        value.sql = call("array_of", elements);
        return value;
    }

    Expression extract() {
        (void)take();
        expect("(");
        const Token& field = take();
        expect("from");
        Expression of = expression();
        expect(")");
        settle(of, Type::timestamptz);
        if (field.text != "epoch") not_implemented("EXTRACT of anything but EPOCH");
        Expression value;
        value.name = "extract";
        value.has_name = true;
        value.type = Type::numeric;
        value.sql = of.type == Type::interval ? of.sql : call("epoch", {of.sql});
        return value;
    }

    Expression trim() {
        (void)take();
        expect("(");
        std::string function = "trim";
        std::string name = "btrim";
        if (take_if("leading"))
            function = name = "ltrim";
        else if (take_if("trailing"))
            function = name = "rtrim";
        else
            (void)take_if("both");
        std::optional<std::string> characters;
        if (!now().is("from")) {
            Expression first = expression();
            settle(first, Type::text);
            if (take_if(",")) {
                Expression second = expression();
                settle(second, Type::text);
                expect(")");
                return {call(function, {first.sql, second.sql}), Type::text, name, true};
            }
            if (take_if(")")) return {call(function, {first.sql}), Type::text, name, true};
            characters = first.sql;
        }
        expect("from");
        Expression text = expression();
        settle(text, Type::text);
        expect(")");
        std::vector<std::string> arguments{text.sql};
        if (characters) arguments.push_back(*characters);
        return {call(function, arguments), Type::text, name, true};
    }

    Expression position() {
        (void)take();
        expect("(");
        Expression part = operation();
        expect("in");
        Expression text = expression();
        expect(")");
        settle(part, Type::text);
        settle(text, Type::text);
        return {call("instr", {text.sql, part.sql}), Type::int4, "position", true};
    }

    Expression substring() {
        (void)take();
        expect("(");
        Expression text = expression();
        settle(text, Type::text);
        std::vector<std::string> arguments{text.sql};
        for (const std::string_view word : {"from", "for"}) {
            if (!take_if(",") && !take_if(word)) break;
            Expression number = expression();
            coerce(number, Type::int4);
            if (!is_integer(number.type)) not_implemented("SUBSTRING by a pattern");
            arguments.push_back(number.sql);
        }
        expect(")");
        if (arguments.size() < 2) throw Refused{syntax_error(now())};
        return {call("substr", arguments), Type::text, "substring", true};
    }

    // A column or a function, perhaps with the schema in front.
    Expression named() {
        std::vector<std::string> parts{take().text};
        while (now().is(".")) {
            (void)take();
            parts.push_back(label());
        }
        if (now().is("(")) return function(parts);
        const bool bare = parts.size() == 1 &&
                          std::ranges::find(bare_functions, parts[0]) != bare_functions.end() &&
                          tokens_[place_ - 1].kind == Kind::word;
        if (bare) {
            if (parts[0] == "current_date") not_implemented("current_date");
            const FunctionRow& row = *find_function(parts[0]);
            return {call(row.sqlite, {}), row.result, parts[0], true};
        }
        if (parts.size() > 2) parts.erase(parts.begin(), parts.end() - 2);
        Expression value;
        value.name = parts.back();
        value.has_name = true;
        value.type = type_of(parts.back());
        for (const std::string& part : parts)
            value.sql += (value.sql.empty() ? "" : ".") + quote_name(part);
        return value;
    }

    [[nodiscard]] Type type_of(const std::string& column) const {
        const Type type = type_of_column(column);
        if (type != Type::unknown) return type;
        const auto found = derived_.find(column);
        return found == derived_.end() ? Type::unknown : found->second;
    }

    Expression function(const std::vector<std::string>& parts) {
        const std::string& name = parts.back();
        const FunctionRow* const row = parts.size() > 1 && parts[parts.size() - 2] != "pg_catalog"
                                           ? nullptr
                                           : find_function(name);
        expect("(");
        std::string sql = row ? quote_name(row->sqlite) + '(' : std::string();
        std::vector<Expression> arguments;
        const bool distinct = take_if("distinct");
        bool star = false;
        if (distinct) sql += "DISTINCT ";
        if (take_if("*")) {
            star = true;
        } else if (!now().is(")")) {
            do
                arguments.push_back(expression());
            while (take_if(","));
        }
        std::string order;
        if (take_if("order")) order = aggregate_order(row);
        expect(")");
        check_arguments(row, name, arguments, star);
        Expression value = result_of(*row, arguments);
        value.name = name;
        value.has_name = true;
        sql += star ? "*" : joined_arguments(*row, arguments);
        value.sql = sql + ')' + after_call(*row);
        if (order.empty() || distinct) return value;
        if (row->name == "array_agg")
            value.sql = "\"array_agg_by\"(" + arguments[0].sql + ", " + order + ')';
        else if (row->name == "string_agg")
            value.sql = call(
                "array_to_string",
                {"\"array_agg_by\"(" + arguments[0].sql + ", " + order + ')', arguments[1].sql});
        return value;
    }

    // A key, and whether it descends. It makes a difference to those two only.
    std::string aggregate_order(const FunctionRow* row) {
        expect("by");
        Expression key = expression();
        settle(key, Type::text);
        const bool descending = take_if("desc");
        if (!descending) (void)take_if("asc");
        const bool matters = row && (row->name == "array_agg" || row->name == "string_agg");
        if (now().is(",") || now().is("nulls")) not_implemented("this ORDER BY of an aggregate");
        return matters ? key.sql + (descending ? ", 1" : ", 0") : std::string();
    }

    static std::string joined_arguments(const FunctionRow&,
                                        const std::vector<Expression>& arguments) {
        std::string sql;
        for (const Expression& argument : arguments)
            sql += (sql.empty() ? "" : ", ") + argument.sql;
        return sql;
    }

    void check_arguments(const FunctionRow* row,
                         const std::string& name,
                         std::vector<Expression>& arguments,
                         bool star) {
        const auto count = static_cast<int>(arguments.size());
        const bool fits =
            row && (star ? row->name == "count"
                         : count >= std::max(row->arguments_min, row->name == "count" ? 1 : 0) &&
                               count <= row->arguments_max);
        if (fits) return;
        std::string types;
        for (const Expression& argument : arguments)
            types += (types.empty() ? "" : ", ") + display(argument.type);
        refuse("42883",
               "function " + name + '(' + (star ? "*" : types) + ") does not exist",
               "No function matches the given name and argument types. You might need to add "
               "explicit type casts.");
    }

    Expression result_of(const FunctionRow& row, std::vector<Expression>& arguments) {
        Expression value;
        value.type = row.result;
        const bool like_first = row.result == Type::unknown && !arguments.empty();
        if (like_first) value.type = common_type(arguments);
        for (std::size_t i = 0; i < arguments.size(); ++i) {
            if (!arguments[i].reg.empty() && row.name.starts_with("has_")) continue;
            const bool boolean_one =
                row.result == Type::boolean && row.kind != FunctionRow::Kind::scalar;
            const bool number = (row.name == "left" || row.name == "right" ||
                                 row.name == "substr" || row.name == "split_part" ||
                                 row.name == "repeat" || row.name == "pg_terminate_backend") &&
                                i + 1 == arguments.size();
            settle(arguments[i], boolean_one ? Type::boolean : number ? Type::int8 : Type::text);
        }
        const bool aggregate_of_integers =
            row.name == "sum" && !arguments.empty() &&
            (arguments[0].type == Type::int4 || arguments[0].type == Type::int2);
        if (aggregate_of_integers) value.type = Type::int8;
        const bool keeps =
            (row.name == "sum" || row.name == "avg") && !arguments.empty() &&
            (arguments[0].type == Type::interval || arguments[0].type == Type::float8);
        if (keeps) value.type = arguments[0].type;
        return value;
    }

    // FILTER and OVER.
    std::string after_call(const FunctionRow& row) {
        std::string sql;
        if (take_if("filter")) {
            expect("(");
            expect("where");
            sql += " FILTER (WHERE " + condition("FILTER") + ')';
            expect(")");
        }
        if (take_if("over"))
            sql += " OVER " + (now().is("(") ? window() : quote_name(name()));
        else if (row.kind == FunctionRow::Kind::window)
            refuse("42809",
                   "window function " + std::string(row.name) + " requires an OVER clause");
        return sql;
    }

    // --- types -------------------------------------------------------------------------------

    // A literal or a parameter whose type nobody has decided becomes one of this type.
    void settle(Expression& value, Type type) {
        if (value.literal || value.parameter > 0)
            coerce(value, type);
        else if (value.type == Type::unknown && value.sql == "NULL")
            value.type = type;
    }

    // Two sides of one operator.
    void unify(Expression& left, Expression& right) {
        const bool left_open = left.type == Type::unknown && (left.literal || left.parameter > 0);
        const bool right_open =
            right.type == Type::unknown && (right.literal || right.parameter > 0);
        if (left_open && !right_open && right.type != Type::unknown) coerce(left, right.type);
        if (right_open && !left_open && left.type != Type::unknown) coerce(right, left.type);
        if (left.literal) coerce(left, Type::text);
        if (right.literal) coerce(right, Type::text);
        if (left.parameter > 0) settle(left, Type::text);
        if (right.parameter > 0) settle(right, Type::text);
        demand_comparable(left, right);
    }

    static void demand_comparable(const Expression& left, const Expression& right) {
        const auto group = [](Type type) {
            if (is_number(type)) return 'N';
            if (type == Type::name || type == Type::character) return 'S';
            return row_of(type).category;
        };
        if (left.type == Type::unknown || right.type == Type::unknown) return;
        const char l = group(left.type);
        const char r = group(right.type);
        if (l != r) no_operator(left.type, "=", right.type);
    }

    void coerce(Expression& value, Type type) {
        if (value.parameter > 0) {
            Type& known = parameters_[value.parameter - 1];
            if (known == Type::unknown) known = type;
            value.type = known;
            value.parameter = 0;
            return;
        }
        if (!value.literal) return;
        const std::string text = *std::exchange(value.literal, std::nullopt);
        value.type = type;
        value.sql = literal_of(text, type);
    }

    static std::string literal_of(const std::string& text, Type type) {
        auto checked = checked_value(text, type);
        if (auto* error = std::get_if<SqlError>(&checked)) throw Refused{std::move(*error)};
        const std::string& value = std::get<std::string>(checked);
        if (type == Type::boolean) return value == "t" ? "1" : "0";
        if (is_integer(type) || type == Type::interval) return '(' + value + ')';
        if (type == Type::float8)
            return call("to_float", {quote_text(value), quote_text(display(type))});
        return quote_text(value);
    }

    const Tokens& tokens_;
    std::size_t place_ = 0;
    std::size_t depth_ = 0;
    std::vector<Type> parameters_;
    std::set<std::string> ctes_;
    std::map<std::string, Type> derived_; // output columns of queries inside of this one
};

bool in_range(std::int64_t value, Type type) {
    switch (type) {
    case Type::int2: return value >= -32768 && value <= 32767;
    case Type::int4: return value >= -2147483648LL && value <= 2147483647LL;
    case Type::oid: return value >= -2147483648LL && value <= 4294967295LL;
    default: return true;
    }
}

// Any unambiguous beginning, as PostgreSQL's parse_bool().
std::optional<bool> boolean_of(std::string_view text) {
    const std::string lower = config::lower_case(text);
    const auto begins = [&](std::string_view word, std::size_t least) {
        return lower.size() >= least && word.starts_with(lower);
    };
    if (begins("true", 1) || begins("yes", 1) || begins("on", 2) || lower == "1") return true;
    if (begins("false", 1) || begins("no", 1) || begins("off", 2) || lower == "0") return false;
    return std::nullopt;
}

} // namespace

std::variant<std::string, SqlError> checked_value(const std::string& text, Type type) {
    const std::string_view trimmed = config::trim(text);
    const char* const end = trimmed.data() + trimmed.size();
    const auto invalid = [&](std::string_view sqlstate = "22P02") {
        return SqlError{sqlstate,
                        "invalid input syntax for type " + display(type) + ": " + in_quotes(text)};
    };
    if (type == Type::boolean) {
        const std::optional<bool> value = boolean_of(trimmed);
        if (!value) return invalid();
        return *value ? "t" : "f";
    }
    if (is_integer(type)) {
        std::int64_t value = 0;
        const char* const begin = trimmed.data() + (trimmed.starts_with('+') ? 1 : 0);
        const auto [parsed, error] = std::from_chars(begin, end, value);
        const bool whole = parsed == end && begin != end;
        if (whole && (error == std::errc::result_out_of_range || !in_range(value, type)))
            return SqlError{
                "22003", "value " + in_quotes(text) + " is out of range for type " + display(type)};
        if (error != std::errc{} || !whole) return invalid();
        return std::to_string(value);
    }
    if (type == Type::float8) {
        double value = 0;
        const auto [parsed, error] = std::from_chars(trimmed.data(), end, value);
        if (error != std::errc{} || parsed != end) return invalid();
        return std::string(trimmed);
    }
    if (type == Type::timestamptz) {
        if (trimmed == "now") return timestamp_text(microseconds_now());
        const auto time = microseconds_since_2000(trimmed);
        if (!time) return invalid("22007");
        return timestamp_text(*time);
    }
    if (type == Type::interval) {
        const auto seconds = seconds_of_interval(trimmed);
        if (!seconds) return invalid("22007");
        return float_text(*seconds);
    }
    if (type == Type::text_array && !array_elements(text))
        return SqlError{"22P02", "malformed array literal: " + in_quotes(text)};
    return text;
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
