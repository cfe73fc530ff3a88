// SELECT, VALUES, WITH and their clauses.
#include "proxy/admin/console/sql/translator.h"

namespace pgmoat::admin::sql {

namespace {

using Kind = Token::Kind;

} // namespace

bool Translator::at_query() const {
    for (std::size_t i = 0;; ++i) {
        const Token& token = ahead(i);
        if (token.is("(")) continue;
        return token.is("select") || token.is("values") || token.is("with") ||
               (token.is("table") && i == 0);
    }
}

Translator::Query Translator::whole_query() {
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

void Translator::merge_items(std::vector<OutputItem>& items,
                             const std::vector<OutputItem>& others) {
    for (std::size_t i = 0; i < std::min(items.size(), others.size()); ++i)
        if (items[i].type == Type::unknown) items[i].type = others[i].type;
}

std::string Translator::with_clause() {
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

std::string Translator::column_list() {
    std::string sql;
    expect("(");
    do
        sql += (sql.empty() ? "" : ", ") + quote_name(name());
    while (take_if(","));
    expect(")");
    return sql;
}

Translator::Query Translator::operand_of_union() {
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

Translator::Query Translator::values() {
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

Translator::Query Translator::select() {
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
std::size_t Translator::find_from() const {
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

std::string Translator::items(std::vector<OutputItem>& items, std::size_t end) {
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
void Translator::show(Expression& item) {
    settle(item, Type::text);
    if (item.reg.empty()) return;
    item.sql = call(std::string(item.reg) + "_text", {item.sql});
    item.type = Type::text;
}

std::string Translator::order_by() {
    if (!take_if("order")) return {};
    expect("by");
    return " ORDER BY " + sort_list();
}

// NULLs sort last, and first where the order is turned round.
std::string Translator::sort_list() {
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

std::string Translator::limit_clause() {
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

std::string Translator::row_count(const char* clause) {
    Expression count = expression();
    coerce(count, Type::int8);
    return call("row_count", {count.sql, quote_text(clause)});
}

std::string Translator::condition(const std::string& clause) {
    Expression condition = expression();
    demand_boolean(condition, clause);
    return condition.sql;
}

void Translator::demand_boolean(Expression& value, const std::string& clause) {
    coerce(value, Type::boolean);
    if (value.type != Type::boolean && value.type != Type::unknown)
        refuse("42804",
               "argument of " + clause + " must be type boolean, not type " + display(value.type));
}

std::string Translator::list() {
    std::string sql;
    do {
        Expression element = expression();
        settle(element, Type::text);
        sql += (sql.empty() ? "" : ", ") + element.sql;
    } while (take_if(","));
    return sql;
}

std::string Translator::windows() {
    std::string sql;
    do {
        sql += (sql.empty() ? "" : ", ") + quote_name(name());
        expect("as");
        sql += " AS " + window();
    } while (take_if(","));
    return sql;
}

std::string Translator::window() {
    std::string sql;
    expect("(");
    if (now().is_name() && !now().is("partition") && !now().is("order")) sql += quote_name(name());
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

} // namespace pgmoat::admin::sql
