// What operators work on: constants, columns, function calls and what looks like one.
#include "proxy/admin/console/sql/translator.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace pgmoat::admin::sql {

namespace {

using Kind = Token::Kind;

// These are functions that are called without parentheses.
constexpr std::array<std::string_view, 8> bare_functions{"current_catalog",
                                                         "current_role",
                                                         "current_schema",
                                                         "current_timestamp",
                                                         "current_user",
                                                         "session_user",
                                                         "user",
                                                         "current_date"};

} // namespace

Expression Translator::primary() {
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

Expression Translator::number(const Token& token) {
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

Expression Translator::parameter(const Token& token) {
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

Expression Translator::in_parentheses() {
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
bool Translator::starts_expression() const {
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

Expression Translator::scalar_query(const Query& query) {
    Expression value{'(' + query.sql + ')'};
    if (query.items.empty() || query.items.front().is_star) return value;
    value.type = query.items.front().type;
    value.name = query.items.front().name;
    value.has_name = true;
    return value;
}

Expression Translator::word() {
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

Expression Translator::case_expression() {
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
Type Translator::common_type(std::vector<Expression>& values) {
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

Expression Translator::cast_call() {
    expect("(");
    Expression value = expression();
    expect("as");
    const std::string type = type_name();
    expect(")");
    return cast(std::move(value), type);
}

Expression Translator::exists() {
    expect("(");
    const Query query = whole_query();
    expect(")");
    return {"EXISTS (" + query.sql + ')', Type::boolean, "exists"};
}

Expression Translator::array() {
    Expression value;
    value.type = Type::text_array;
    value.name = "array";
    if (take_if("(")) {
        const Query query = whole_query();
        expect(")");
        value.sql = "(SELECT \"array_of_rows\"(\"value\") FROM (SELECT NULL AS \"value\" WHERE 0 "
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

Expression Translator::extract() {
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

Expression Translator::trim() {
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

Expression Translator::position() {
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

Expression Translator::substring() {
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
Expression Translator::named() {
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

Type Translator::type_of(const std::string& column) const {
    const Type type = type_of_column(column);
    if (type != Type::unknown) return type;
    const auto found = derived_.find(column);
    return found == derived_.end() ? Type::unknown : found->second;
}

Expression Translator::function(const std::vector<std::string>& parts) {
    const std::string& name = parts.back();
    const FunctionRow* const row =
        parts.size() > 1 && parts[parts.size() - 2] != "pg_catalog" ? nullptr : find_function(name);
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
        value.sql =
            call("array_to_string",
                 {"\"array_agg_by\"(" + arguments[0].sql + ", " + order + ')', arguments[1].sql});
    return value;
}

// A key, and whether it descends. It makes a difference to those two only.
std::string Translator::aggregate_order(const FunctionRow* row) {
    expect("by");
    Expression key = expression();
    settle(key, Type::text);
    const bool descending = take_if("desc");
    if (!descending) (void)take_if("asc");
    const bool matters = row && (row->name == "array_agg" || row->name == "string_agg");
    if (now().is(",") || now().is("nulls")) not_implemented("this ORDER BY of an aggregate");
    return matters ? key.sql + (descending ? ", 1" : ", 0") : std::string();
}

std::string Translator::joined_arguments(const FunctionRow&,
                                         const std::vector<Expression>& arguments) {
    std::string sql;
    for (const Expression& argument : arguments)
        sql += (sql.empty() ? "" : ", ") + argument.sql;
    return sql;
}

void Translator::check_arguments(const FunctionRow* row,
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

Expression Translator::result_of(const FunctionRow& row, std::vector<Expression>& arguments) {
    Expression value;
    value.type = row.result;
    const bool like_first = row.result == Type::unknown && !arguments.empty();
    if (like_first) value.type = common_type(arguments);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (!arguments[i].reg.empty() && row.name.starts_with("has_")) continue;
        const bool boolean_one =
            row.result == Type::boolean && row.kind != FunctionRow::Kind::scalar;
        const bool number = (row.name == "left" || row.name == "right" || row.name == "substr" ||
                             row.name == "split_part" || row.name == "repeat" ||
                             row.name == "pg_terminate_backend") &&
                            i + 1 == arguments.size();
        settle(arguments[i], boolean_one ? Type::boolean : number ? Type::int8 : Type::text);
    }
    const bool aggregate_of_integers =
        row.name == "sum" && !arguments.empty() &&
        (arguments[0].type == Type::int4 || arguments[0].type == Type::int2);
    if (aggregate_of_integers) value.type = Type::int8;
    const bool keeps = (row.name == "sum" || row.name == "avg") && !arguments.empty() &&
                       (arguments[0].type == Type::interval || arguments[0].type == Type::float8);
    if (keeps) value.type = arguments[0].type;
    return value;
}

// FILTER and OVER.
std::string Translator::after_call(const FunctionRow& row) {
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
        refuse("42809", "window function " + std::string(row.name) + " requires an OVER clause");
    return sql;
}

} // namespace pgmoat::admin::sql
