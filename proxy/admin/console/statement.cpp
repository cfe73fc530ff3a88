#include "proxy/admin/console/statement.h"

#include "proxy/admin/console/functions.h"
#include "proxy/admin/console/lexer.h"
#include "proxy/admin/console/parameters.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace pgmoat::admin {

namespace {

using config::in_quotes;
using enum Role;

constexpr std::array verbs{
    VerbRow{Verb::empty, "", stats_user},
    VerbRow{Verb::select, "SELECT", stats_user},
    VerbRow{Verb::show, "SHOW", stats_user},
    VerbRow{Verb::set, "SET", stats_user},
    VerbRow{Verb::begin, "BEGIN", stats_user},
    VerbRow{Verb::commit, "COMMIT", stats_user},
    VerbRow{Verb::rollback, "ROLLBACK", stats_user},
    VerbRow{Verb::discard, "DISCARD ALL", stats_user},
    VerbRow{Verb::reset, "RESET", stats_user},
    VerbRow{Verb::deallocate, "DEALLOCATE", stats_user},
    VerbRow{Verb::reload,
            "RELOAD",
            console_user,
            "RELOAD",
            "reads the configuration again, all or nothing"},
    VerbRow{Verb::kill,
            "KILL",
            console_user,
            "KILL id",
            "ends one connection; id as in SHOW CONNECTIONS"},
    VerbRow{Verb::drain,
            "DRAIN",
            console_user,
            "DRAIN",
            "accepts nobody and ends when everyone has left"},
    VerbRow{
        Verb::shutdown, "SHUTDOWN", console_user, "SHUTDOWN", "ends every connection and itself"},
};

constexpr std::array views{
    ViewRow{View::connections, "SHOW CONNECTIONS", "who is connected, and where to"},
    ViewRow{View::listeners, "SHOW LISTENERS", "where clients come in"},
    ViewRow{View::upstreams, "SHOW UPSTREAMS", "the servers behind"},
    ViewRow{View::rules, "SHOW RULES", "the access rules, with their hits"},
    ViewRow{View::certificates, "SHOW CERTIFICATES", "what clients are shown, and until when"},
    ViewRow{View::config, "SHOW CONFIG", "the settings in force, and where they stand"},
    ViewRow{View::stats, "SHOW STATS", "counts since the start, for each listener"},
    ViewRow{View::version, "SHOW VERSION", "of pgmoat and of OpenSSL"},
    ViewRow{View::help, "SHOW HELP", "this list"},
    ViewRow{
        View::pg_stat_ssl, "SELECT * FROM pg_stat_ssl", "the TLS of clients, as PostgreSQL has it"},
    ViewRow{View::pg_stat_ssl_pgmoat,
            "SELECT * FROM pg_stat_ssl_pgmoat",
            "the TLS of both legs, with group, server name, rule, bytes"},
};

// What people try next, because it works in SQL.
constexpr std::array clauses{
    "where", "order", "limit",  "offset", "group",   "having", "join",        "inner",
    "left",  "right", "full",   "cross",  "natural", "union",  "except",      "intersect",
    "fetch", "for",   "window", "as",     "using",   "like",   "tablesample",
};
constexpr std::array commands{
    "insert",   "update",    "delete",  "merge",   "create",  "alter",    "drop",
    "truncate", "with",      "copy",    "values",  "table",   "explain",  "grant",
    "revoke",   "call",      "do",      "declare", "fetch",   "move",     "close",
    "lock",     "vacuum",    "analyze", "listen",  "notify",  "unlisten", "execute",
    "prepare",  "savepoint", "release", "comment", "cluster", "reindex",  "refresh",
};

SqlError not_implemented(const std::string& what) {
    return {"0A000", what + " is not implemented in the console", "SHOW HELP lists what there is."};
}

SqlError syntax_error(const std::optional<Word>& at) {
    if (!at) return {"42601", "syntax error at end of input"};
    return {"42601", "syntax error at or near " + in_quotes(at->written)};
}

std::string upper_case(std::string_view text) {
    std::string upper(text);
    for (char& c : upper)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return upper;
}

// Reads one statement from left to right.
class Recogniser {
  public:
    explicit Recogniser(std::string_view text) : lexer_(text) { advance(); }

    Recognised run() {
        Recognised recognised = Statement{};
        if (word_) {
            const Word verb = take();
            recognised = statement(verb);
        }
        if (lexer_.unterminated()) return unterminated();
        if (lexer_.unsupported_quote()) return not_implemented("an escape or dollar-quoted string");
        return recognised;
    }

  private:
    Recognised statement(const Word& verb) {
        if (verb.is("select")) return select();
        if (verb.is("show")) return show();
        if (verb.is("set")) return set();
        if (verb.is("reset")) return skip_to_end(Verb::reset);
        if (verb.is("deallocate")) return deallocate();
        if (verb.is("discard")) return ends_with_word("all", Verb::discard);
        if (verb.is("begin")) return skip_to_end(Verb::begin);
        if (verb.is("start")) return start();
        if (verb.is("commit") || verb.is("end")) return skip_to_end(Verb::commit);
        if (verb.is("rollback") || verb.is("abort")) return skip_to_end(Verb::rollback);
        if (verb.is("reload")) return at_end({Verb::reload});
        if (verb.is("drain")) return at_end({Verb::drain});
        if (verb.is("shutdown")) return at_end({Verb::shutdown});
        if (verb.is("kill")) return kill();
        if (std::ranges::find(commands, verb.text) != commands.end())
            return not_implemented(upper_case(verb.text));
        return syntax_error(verb);
    }

    Recognised select() {
        if (!word_) return syntax_error(word_);
        const Word first = take();
        if (first.kind == Word::Kind::number) return select_integer(first);
        if (first.kind == Word::Kind::string)
            return at_end({Verb::select, View::literal, first.text});
        if (first.kind == Word::Kind::name) return select_function(first);
        if (!first.is("*")) return not_implemented("a list of columns");
        if (!take_if("from")) return syntax_error(word_);
        return select_from();
    }

    Recognised select_function(const Word& first) {
        const bool qualified = first.is("pg_catalog") && take_if(".");
        if (qualified && !word_) return syntax_error(word_);
        const Word name = qualified ? take() : first;
        const Function* const function = find_function(name.text);
        const bool called = function && take_if("(");
        if (called && !take_if(")")) return not_implemented("an argument of a function");
        const auto wanted = called ? Function::Parentheses::none : Function::Parentheses::needed;
        if (!function || function->parentheses == wanted)
            return not_implemented("a list of columns");
        return at_end({Verb::select, View::function, name.text});
    }

    Recognised select_integer(const Word& number) {
        constexpr std::size_t digits_max = 9; // all of these fit into int4
        if (number.text.size() > digits_max ||
            number.text.find_first_not_of("0123456789") != std::string::npos)
            return syntax_error(number);
        return at_end({Verb::select, View::integer, number.text});
    }

    Recognised select_from() {
        if (!word_ || word_->kind != Word::Kind::name) return syntax_error(word_);
        Word name = take();
        std::string shown = name.text;
        if (name.is("pg_catalog") && take_if(".")) {
            if (!word_) return syntax_error(word_);
            name = take();
            shown += "." + name.text;
        }
        for (const View view : {View::pg_stat_ssl, View::pg_stat_ssl_pgmoat}) {
            const std::string_view word =
                view == View::pg_stat_ssl ? "pg_stat_ssl" : "pg_stat_ssl_pgmoat";
            if (name.is(word)) return at_end({Verb::select, view});
        }
        return SqlError{"42P01",
                        "relation " + in_quotes(shown) + " does not exist",
                        "The console has pg_stat_ssl and pg_stat_ssl_pgmoat."};
    }

    Recognised show() {
        if (!word_) return syntax_error(word_);
        const Word what = take();
        for (const ViewRow& row : views)
            if (row.statement == "SHOW " + upper_case(what.text))
                return at_end({Verb::show, row.view});
        std::string name = what.text;
        if (what.is("transaction") && take_if("isolation")) {
            if (!take_if("level")) return syntax_error(word_);
            name = "transaction_isolation";
        }
        if (const Parameter* parameter = find_parameter(name))
            return at_end({Verb::show, View::parameter, std::string(parameter->name)});
        return SqlError{"42704",
                        "unrecognized configuration parameter " + in_quotes(what.written),
                        "SHOW HELP lists what there is."};
    }

    // SET [SESSION | LOCAL] name {TO | =} value; and what drivers say of transactions.
    Recognised set() {
        if (take_if("transaction")) return skip_to_end(Verb::set);
        const bool session = take_if("session");
        if (session && take_if("characteristics")) return skip_to_end(Verb::set);
        if (!session) (void)take_if("local");
        if (take_if("time")) return skip_to_end(Verb::set);
        if (!word_) return syntax_error(word_);
        const Word name = take();
        const bool names = name.is("names");
        if (!names && !take_if("to") && !take_if("=")) return syntax_error(word_);
        if (!names && !find_parameter(name.text))
            return SqlError{"42704",
                            "unrecognized configuration parameter " + in_quotes(name.text)};
        if (!word_) return syntax_error(word_);
        if ((names || name.is("client_encoding")) && !is_utf8(word_->text))
            return SqlError{"22023",
                            "invalid value for parameter \"client_encoding\": " +
                                in_quotes(word_->text),
                            "The console speaks UTF8."};
        return skip_to_end(Verb::set);
    }

    static bool is_utf8(std::string_view name) {
        const std::string lower = config::lower_case(name);
        return lower == "utf8" || lower == "utf-8" || lower == "unicode" || lower == "default";
    }

    Recognised start() {
        if (!take_if("transaction")) return syntax_error(word_);
        return skip_to_end(Verb::begin);
    }

    // DEALLOCATE [PREPARE] {name | ALL}
    Recognised deallocate() {
        (void)take_if("prepare");
        if (!word_ || word_->kind != Word::Kind::name) return syntax_error(word_);
        if (word_->text.empty()) return syntax_error(word_);
        const Word name = take();
        const bool all = name.is("all") && name.written.front() != '"';
        Statement statement{Verb::deallocate};
        if (!all) statement.argument = name.text;
        return at_end(std::move(statement));
    }

    Recognised kill() {
        if (word_ && word_->is("$")) return not_implemented("a parameter");
        if (!word_ || word_->kind != Word::Kind::number) return syntax_error(word_);
        const Word number = take();
        Statement statement{Verb::kill};
        const char* const end = number.text.data() + number.text.size();
        const auto [parsed, error] = std::from_chars(number.text.data(), end, statement.id);
        if (error != std::errc{} || parsed != end) return syntax_error(number);
        return at_end(std::move(statement));
    }

    Recognised ends_with_word(std::string_view last, Verb verb) {
        if (!take_if(last)) return syntax_error(word_);
        return at_end({verb});
    }

    // Whatever follows makes no difference here.
    Recognised skip_to_end(Verb verb) {
        while (word_)
            advance();
        return Statement{verb};
    }

    Recognised at_end(Statement statement) {
        if (!word_) return statement;
        if (word_->is("$")) return not_implemented("a parameter");
        if (std::ranges::find(clauses, word_->text) != clauses.end())
            return not_implemented(upper_case(word_->text));
        return syntax_error(word_);
    }

    SqlError unterminated() const {
        return {"42601", "unterminated quoted string, identifier or comment"};
    }

    Word take() {
        Word word = std::move(*word_);
        advance();
        return word;
    }
    bool take_if(std::string_view text) {
        if (!word_ || !word_->is(text)) return false;
        advance();
        return true;
    }
    void advance() { word_ = lexer_.next(); }

    Lexer lexer_;
    std::optional<Word> word_;
};

} // namespace

std::span<const VerbRow> all_verbs() noexcept {
    return verbs;
}

const VerbRow& row_of(Verb verb) noexcept {
    return *std::ranges::find(verbs, verb, &VerbRow::verb);
}

std::span<const ViewRow> all_views() noexcept {
    return views;
}

std::vector<std::string_view> split_statements(std::string_view text) {
    std::vector<std::string_view> parts;
    Lexer lexer(text);
    std::string_view rest = text;
    bool has_words = false;
    while (const std::optional<Word> word = lexer.next()) {
        if (!word->is(";")) {
            has_words = true;
            continue;
        }
        const auto end = static_cast<std::size_t>(word->written.data() - rest.data());
        if (std::exchange(has_words, false)) parts.push_back(rest.substr(0, end));
        rest = rest.substr(end + 1);
    }
    const bool cut_short = lexer.unterminated() || lexer.unsupported_quote();
    if (has_words || cut_short || parts.empty()) parts.push_back(rest);
    return parts;
}

Recognised recognise(std::string_view statement) {
    return Recogniser(statement).run();
}

} // namespace pgmoat::admin
