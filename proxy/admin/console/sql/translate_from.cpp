// FROM: tables, queries, functions, and joins of them.
#include "proxy/admin/console/sql/translator.h"
#include "proxy/config/text.h"

namespace pgmoat::admin::sql {

namespace {

using config::in_quotes;

} // namespace

std::string Translator::from_list() {
    std::string sql = joined();
    while (take_if(","))
        sql += ", " + joined();
    return sql;
}

std::string Translator::joined() {
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

std::string Translator::source() {
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
std::string Translator::named_query(const std::string& sql, const std::string& given) {
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
std::string Translator::called_source() {
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

std::string Translator::finish_called(const std::string& function,
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
std::pair<std::string, const Relation*> Translator::table() {
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

void Translator::no_relation(const std::string& schema, const std::string& name) {
    const std::string shown = schema.empty() ? name : schema + '.' + name;
    refuse("42P01",
           "relation " + in_quotes(shown) + " does not exist",
           "\\d and SHOW HELP list what the console has.");
}

} // namespace pgmoat::admin::sql
