// The translation of one statement: a recursive descent by PostgreSQL's grammar, one function for each
// rule. Included by translate*.cpp alone; others call translate().
#pragma once

#include "proxy/admin/console/limits.h"
#include "proxy/admin/console/sql/catalog.h"
#include "proxy/admin/console/sql/function_table.h"
#include "proxy/admin/console/sql/translate.h"

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgmoat::admin::sql {

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

[[noreturn]] void refuse(std::string_view sqlstate, std::string message, std::string hint = {});
[[noreturn]] void not_implemented(const std::string& what);

// A word that is neither a column nor an alias without AS.
[[nodiscard]] bool is_reserved(const Token& token);

// The SQL of a function call.
[[nodiscard]] std::string call(std::string_view function,
                               const std::vector<std::string>& arguments);
[[nodiscard]] std::string display(Type type);

class Translator {
  public:
    Translator(const Tokens& tokens, std::span<const Type> parameters)
        : tokens_(tokens), parameters_(parameters.begin(), parameters.end()) {}

    // Throws Refused.
    [[nodiscard]] Translated run();

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

    // --- tokens

    [[nodiscard]] const Token& now() const;
    [[nodiscard]] const Token& ahead(std::size_t count) const;
    const Token& take();
    bool take_if(std::string_view text);
    void expect(std::string_view text);
    std::string name();
    std::string label();
    std::optional<std::string> alias();

    // --- queries (translate_query.cpp)

    [[nodiscard]] bool at_query() const;
    Query whole_query();
    static void merge_items(std::vector<OutputItem>& items, const std::vector<OutputItem>& others);
    std::string with_clause();
    std::string column_list();
    Query operand_of_union();
    Query values();
    Query select();
    [[nodiscard]] std::size_t find_from() const;
    std::string items(std::vector<OutputItem>& items, std::size_t end);
    void show(Expression& item);
    std::string order_by();
    std::string sort_list();
    std::string limit_clause();
    std::string row_count(const char* clause);
    std::string condition(const std::string& clause);
    void demand_boolean(Expression& value, const std::string& clause);
    std::string list();
    std::string windows();
    std::string window();

    // --- FROM (translate_from.cpp)

    std::string from_list();
    std::string joined();
    std::string source();
    std::string named_query(const std::string& sql, const std::string& given);
    std::string called_source();
    std::string finish_called(const std::string& function,
                              const std::string& head,
                              const std::string& rest,
                              Type type);
    std::pair<std::string, const Relation*> table();
    [[noreturn]] static void no_relation(const std::string& schema, const std::string& name);

    // --- operators and casts, by PostgreSQL's precedence (translate_operators.cpp)

    Expression expression();
    Expression disjunction();
    Expression conjunction();
    Expression negation();
    static Expression boolean(std::string sql);
    Expression is_test();
    Expression is_what(Expression left);
    Expression comparison();
    Expression quantified(Expression left, const std::string& sign);
    Expression range();
    Expression between(Expression left);
    Expression in(Expression left);
    Expression like(Expression left, std::string_view function);
    Expression operation();
    static bool is_other_operator(const std::string& text);
    Expression apply(Expression left, const std::string& sign, Expression right);
    Expression sum();
    Expression add(Expression left, const std::string& sign, Expression right);
    Expression add_time(Expression left, const std::string& sign, Expression right);
    [[noreturn]] static void no_operator(Type left, const std::string& sign, Type right);
    Expression arithmetic(Expression left, const std::string& sign, Expression right);
    static Expression
    chain(const Expression& left, const std::string& sign, const Expression& right, Type type);
    static Type wider(Type left, Type right);
    Expression product();
    Expression sign();
    Expression postfix();
    void collation();
    std::string type_name();
    Expression cast(Expression value, const std::string& to);
    static Expression renamed(Expression value, const std::string& name);
    static std::string cast_sql(const Expression& value, Type type);
    static std::string text_of(const Expression& value);

    // --- what operators work on: constants, names, function calls (translate_primary.cpp)

    Expression primary();
    static Expression number(const Token& token);
    Expression parameter(const Token& token);
    Expression in_parentheses();
    [[nodiscard]] bool starts_expression() const;
    static Expression scalar_query(const Query& query);
    Expression word();
    Expression case_expression();
    Type common_type(std::vector<Expression>& values);
    Expression cast_call();
    Expression exists();
    Expression array();
    Expression extract();
    Expression trim();
    Expression position();
    Expression substring();
    Expression named();
    [[nodiscard]] Type type_of(const std::string& column) const;
    Expression function(const std::vector<std::string>& parts);
    std::string aggregate_order(const FunctionRow* row);
    static std::string joined_arguments(const FunctionRow&,
                                        const std::vector<Expression>& arguments);
    void check_arguments(const FunctionRow* row,
                         const std::string& name,
                         std::vector<Expression>& arguments,
                         bool star);
    Expression result_of(const FunctionRow& row, std::vector<Expression>& arguments);
    std::string after_call(const FunctionRow& row);

    // --- types (translate_types.cpp)

    void settle(Expression& value, Type type);
    void unify(Expression& left, Expression& right);
    static void demand_comparable(const Expression& left, const Expression& right);
    void coerce(Expression& value, Type type);
    static std::string literal_of(const std::string& text, Type type);

    const Tokens& tokens_;
    std::size_t place_ = 0;
    std::size_t depth_ = 0;
    std::vector<Type> parameters_;
    std::set<std::string> ctes_;
    std::map<std::string, Type> derived_; // output columns of queries inside of this one
};

} // namespace pgmoat::admin::sql
