// Operators and casts, the loosest first (PostgreSQL's gram.y).
#include "proxy/admin/console/sql/translator.h"
#include "proxy/config/text.h"

#include <algorithm>

namespace pgmoat::admin::sql {

namespace {

using config::in_quotes;
using Kind = Token::Kind;

} // namespace

Expression Translator::expression() {
    const Nested nested(depth_);
    return disjunction();
}

Expression Translator::disjunction() {
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

Expression Translator::conjunction() {
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

Expression Translator::negation() {
    if (!take_if("not")) return is_test();
    const Nested nested(depth_);
    Expression operand = negation();
    demand_boolean(operand, "NOT");
    return boolean("(NOT " + operand.sql + ')');
}

Expression Translator::boolean(std::string sql) {
    return {std::move(sql), Type::boolean};
}

Expression Translator::is_test() {
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

Expression Translator::is_what(Expression left) {
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

Expression Translator::comparison() {
    Expression left = range();
    for (;;) {
        const Token& sign = now();
        if (sign.kind != Kind::sign) return left;
        if (!sign.is("=") && !sign.is("<>") && !sign.is("<") && !sign.is(">") && !sign.is("<=") &&
            !sign.is(">="))
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
Expression Translator::quantified(Expression left, const std::string& sign) {
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

Expression Translator::range() {
    Expression left = operation();
    for (;;) {
        const bool negated =
            now().is("not") && (ahead(1).is("in") || ahead(1).is("like") || ahead(1).is("ilike") ||
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

Expression Translator::between(Expression left) {
    if (take_if("symmetric")) not_implemented("BETWEEN SYMMETRIC");
    Expression low = operation();
    expect("and");
    Expression high = operation();
    unify(left, low);
    unify(left, high);
    return boolean('(' + left.sql + " BETWEEN " + low.sql + " AND " + high.sql + ')');
}

Expression Translator::in(Expression left) {
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

Expression Translator::like(Expression left, std::string_view function) {
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
Expression Translator::operation() {
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

bool Translator::is_other_operator(const std::string& text) {
    constexpr std::string_view characters = "~!@#&|`?<>=%^*/+-";
    constexpr std::array<std::string_view, 13> arithmetic{
        "=", "<>", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "^", "=>"};
    return characters.find(text.front()) != std::string_view::npos &&
           std::ranges::find(arithmetic, text) == arithmetic.end();
}

Expression Translator::apply(Expression left, const std::string& sign, Expression right) {
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

Expression Translator::sum() {
    Expression left = product();
    while (now().is("+") || now().is("-")) {
        const std::string sign = take().text;
        Expression right = product();
        left = add(std::move(left), sign, std::move(right));
    }
    return left;
}

Expression Translator::add(Expression left, const std::string& sign, Expression right) {
    const Type l = left.type;
    const Type r = right.type;
    if (l == Type::timestamptz || r == Type::timestamptz)
        return add_time(std::move(left), sign, std::move(right));
    if (l == Type::interval || r == Type::interval) unify(left, right);
    return arithmetic(std::move(left), sign, std::move(right));
}

Expression Translator::add_time(Expression left, const std::string& sign, Expression right) {
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

void Translator::no_operator(Type left, const std::string& sign, Type right) {
    refuse("42883",
           "operator does not exist: " + display(left) + ' ' + sign + ' ' + display(right),
           "No operator matches the given name and argument types. You might need to add "
           "explicit type casts.");
}

Expression Translator::arithmetic(Expression left, const std::string& sign, Expression right) {
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
Expression Translator::chain(const Expression& left,
                             const std::string& sign,
                             const Expression& right,
                             Type type) {
    Expression result;
    const char sign_class = sign == "||" ? '|' : '+';
    const std::string_view inner = left.chain_of == sign_class
                                       ? std::string_view(left.sql).substr(1, left.sql.size() - 2)
                                       : std::string_view(left.sql);
    result.sql = '(' + std::string(inner) + ' ' + sign + ' ' + right.sql + ')';
    result.type = type;
    result.chain_of = sign_class;
    return result;
}

Type Translator::wider(Type left, Type right) {
    for (const Type type : {Type::interval, Type::float8, Type::numeric, Type::int8, Type::int4})
        if (left == type || right == type) return type;
    return left == Type::unknown ? right : left;
}

Expression Translator::product() {
    Expression left = sign();
    while (now().is("*") || now().is("/") || now().is("%")) {
        const std::string by = take().text;
        left = arithmetic(std::move(left), by, sign());
    }
    if (now().is("^")) not_implemented("operator ^");
    return left;
}

Expression Translator::sign() {
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

Expression Translator::postfix() {
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
void Translator::collation() {
    std::string collation = label();
    while (take_if("."))
        collation = label();
    const std::string lower = config::lower_case(collation);
    if (lower != "default" && lower != "c" && lower != "posix")
        refuse("42704",
               "collation " + in_quotes(collation) + " for encoding \"UTF8\" does not exist");
}

// As written, without its schema: int, text[], timestamp with time zone.
std::string Translator::type_name() {
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

Expression Translator::cast(Expression value, const std::string& to) {
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

Expression Translator::renamed(Expression value, const std::string& name) {
    value.name = name;
    value.has_name = true;
    return value;
}

std::string Translator::cast_sql(const Expression& value, Type type) {
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

std::string Translator::text_of(const Expression& value) {
    if (value.type == Type::boolean) return call("bool_text", {value.sql});
    if (value.type == Type::interval) return call("interval_text", {value.sql});
    return "CAST(" + value.sql + " AS TEXT)";
}

} // namespace pgmoat::admin::sql
