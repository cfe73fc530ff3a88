#include "proxy/admin/console/statement.h"

#include "proxy/admin/console/help.h"
#include "proxy/admin/console/parameters.h"
#include "proxy/admin/console/sql/translate.h"
#include "proxy/admin/console/suggest.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

namespace pgmoat::admin {

namespace {

using config::in_quotes;
using sql::Token;
using enum Role;

constexpr std::array verbs{
    VerbRow{Verb::empty, "", stats_user},
    VerbRow{Verb::select, "SELECT", stats_user},
    VerbRow{Verb::show, "SHOW", stats_user},
    VerbRow{Verb::set, "SET", stats_user},
    VerbRow{Verb::reset, "RESET", stats_user},
    VerbRow{Verb::begin, "BEGIN", stats_user},
    VerbRow{Verb::commit, "COMMIT", stats_user},
    VerbRow{Verb::rollback, "ROLLBACK", stats_user},
    VerbRow{Verb::savepoint, "SAVEPOINT", stats_user},
    VerbRow{Verb::release, "RELEASE", stats_user},
    VerbRow{Verb::rollback_to, "ROLLBACK", stats_user},
    VerbRow{Verb::discard, "DISCARD ALL", stats_user},
    VerbRow{Verb::deallocate, "DEALLOCATE", stats_user},
    VerbRow{Verb::close, "CLOSE CURSOR", stats_user},
    VerbRow{Verb::unlisten, "UNLISTEN", stats_user},
    VerbRow{Verb::reload,
            "RELOAD",
            console_user,
            "RELOAD",
            "reload the configuration, all or nothing; also SELECT pg_reload_conf()"},
    VerbRow{
        Verb::kill,
        "KILL",
        console_user,
        "KILL id",
        "close one connection, id as in SHOW CONNECTIONS; also SELECT pg_terminate_backend(id)"},
    VerbRow{Verb::drain,
            "DRAIN",
            console_user,
            "DRAIN [LISTENER name | UPSTREAM name [HOST host]]",
            "stop accepting connections, close those that are idle, exit when all have closed; "
            "or take one listener, upstream or host out of service"},
    VerbRow{Verb::undrain,
            "UNDRAIN",
            console_user,
            "UNDRAIN LISTENER name | UPSTREAM name [HOST host]",
            "put a drained listener, upstream or host back into service"},
    VerbRow{Verb::shutdown, "SHUTDOWN", console_user, "SHUTDOWN", "close all connections and exit"},
};

// SQL commands that make no sense in a console.
constexpr std::array<std::string_view, 33> commands{
    "insert",     "update",  "delete",   "merge",   "create",   "alter",   "drop",
    "truncate",   "copy",    "explain",  "grant",   "revoke",   "call",    "do",
    "declare",    "fetch",   "move",     "lock",    "vacuum",   "analyze", "listen",
    "notify",     "execute", "prepare",  "comment", "cluster",  "reindex", "refresh",
    "checkpoint", "import",  "security", "load",    "reassign",
};

// Poolers' commands; the reason for refusing them is always the same.
constexpr std::array<std::string_view, 19> pooler_words{
    "pause",     "resume", "suspend",    "reconnect", "enable",    "disable", "wait_close",
    "pools",     "lists",  "mem",        "totals",    "fds",       "sockets", "active_sockets",
    "dns_hosts", "peers",  "peer_pools", "state",     "dns_zones",
};

bool contains(const auto& list, std::string_view word) {
    return std::ranges::find(list, word) != list.end();
}

std::string upper_case(std::string_view text) {
    std::string upper(text);
    for (char& c : upper)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return upper;
}

SqlError not_implemented(const std::string& what) {
    return {"0A000",
            what + " is not implemented in the console",
            "SHOW HELP lists the console's statements."};
}

SqlError of_poolers(const std::string& what) {
    return {"0A000",
            what + " is not implemented: pgmoat does not pool connections",
            "SHOW CONNECTIONS and SHOW UPSTREAMS show clients and servers."};
}

// Reads one statement from left to right.
class Recogniser {
  public:
    explicit Recogniser(const sql::Tokens& tokens) : tokens_(tokens) {}

    Recognised run() {
        if (at_end()) return Statement{};
        if (now().is("(")) return Statement{Verb::select};
        const Token& verb = take();
        if (verb.kind != Token::Kind::word) return sql::syntax_error(verb);
        for (const std::string_view word : {"select", "with", "values", "table"})
            if (verb.is(word)) return Statement{Verb::select};
        if (verb.is("show")) return show();
        if (verb.is("set")) return set();
        if (verb.is("reset")) return reset();
        if (verb.is("begin") || verb.is("start")) return begin(verb);
        if (verb.is("commit") || verb.is("end")) return end_of_transaction(Verb::commit);
        if (verb.is("abort")) return end_of_transaction(Verb::rollback);
        if (verb.is("rollback")) return rollback();
        if (verb.is("savepoint")) return named(Verb::savepoint);
        if (verb.is("release")) {
            (void)take_if("savepoint");
            return named(Verb::release);
        }
        if (verb.is("deallocate")) return deallocate();
        if (verb.is("discard")) return discard();
        if (verb.is("close")) return close();
        if (verb.is("unlisten")) return unlisten();
        if (verb.is("reload")) return ends({Verb::reload});
        if (verb.is("drain")) return at_end() ? Statement{Verb::drain} : place_of(Verb::drain);
        if (verb.is("undrain")) return place_of(Verb::undrain);
        if (verb.is("shutdown")) return ends({Verb::shutdown});
        if (verb.is("kill")) return kill();
        if (contains(commands, verb.text)) return not_implemented(upper_case(verb.text));
        if (contains(pooler_words, verb.text)) return of_poolers(upper_case(verb.text));
        return mistyped(verb);
    }

  private:
    [[nodiscard]] const Token& now() const { return tokens_[place_]; }
    [[nodiscard]] bool at_end() const { return now().kind == Token::Kind::end; }
    const Token& take() {
        const Token& token = now();
        if (!at_end()) ++place_;
        return token;
    }
    bool take_if(std::string_view text) {
        if (!now().is(text)) return false;
        ++place_;
        return true;
    }
    Recognised ends(Statement statement) {
        if (!at_end()) return sql::syntax_error(now());
        return statement;
    }

    static SqlError mistyped(const Token& verb) {
        std::vector<std::string> words;
        for (const VerbRow& row : verbs)
            words.push_back(config::lower_case(row.tag.substr(0, row.tag.find(' '))));
        SqlError error = sql::syntax_error(verb);
        const std::string nearest = nearest_of(verb.text, words);
        error.hint = nearest.empty() ? "SHOW HELP lists the console's statements."
                                     : "Perhaps you meant " + upper_case(nearest) + '.';
        return error;
    }

    // SHOW connections; SHOW ssl; SHOW upstream.reports; SHOW TRANSACTION ISOLATION LEVEL.
    Recognised show() {
        if (!now().is_name()) return sql::syntax_error(now());
        std::string name = take().text;
        const bool is_word = tokens_[place_ - 1].kind == Token::Kind::word;
        if (at_end()) {
            for (const View& view : all_views())
                if (is_word && view.word == name)
                    return Statement{Verb::show,
                                     "SELECT * FROM public." + std::string(view.relation)};
            if (is_word && name == "all")
                return Statement{Verb::show,
                                 "SELECT name, setting, short_desc AS description FROM "
                                 "pg_catalog.pg_settings ORDER BY name"};
            if (is_word && contains(pooler_words, name))
                return of_poolers("SHOW " + upper_case(name));
        }
        if (name == "transaction" && take_if("isolation")) {
            if (!take_if("level")) return sql::syntax_error(now());
            name = "transaction_isolation";
        } else if (name == "time" && take_if("zone")) {
            name = "timezone";
        }
        while (take_if(".")) {
            if (!now().is_name()) return sql::syntax_error(now());
            name += '.' + take().text;
        }
        if (!at_end()) return sql::syntax_error(now());
        if (!find_parameter(name) && is_word) {
            const std::string nearest = nearest_view(name);
            if (!nearest.empty() && unrecognized_parameter(name).hint.empty() && !is_known(name)) {
                SqlError error = unrecognized_parameter(name);
                error.hint = "Perhaps you meant SHOW " + upper_case(nearest) + '.';
                return error;
            }
        }
        return Statement{Verb::show,
                         "SELECT pg_catalog.current_setting(" + sql::quote_text(name) + ") AS " +
                             sql::quote_name(spelled(name))};
    }

    // A name that SHOW may find in the configuration.
    static bool is_known(const std::string& name) {
        const auto refused = refuse_to_set(name, "");
        return !refused || refused->sqlstate != "42704";
    }

    static std::string nearest_view(const std::string& name) {
        std::vector<std::string> words;
        for (const View& view : all_views())
            words.emplace_back(view.word);
        return nearest_of(name, words);
    }

    // SET [SESSION | LOCAL] name {TO | =} value; and drivers' statements about transactions.
    Recognised set() {
        if (take_if("transaction")) return skip_to_end(Verb::set);
        const bool session = take_if("session");
        if (session && take_if("characteristics")) return skip_to_end(Verb::set);
        if (!session) (void)take_if("local");
        Statement statement{Verb::set};
        if (take_if("time")) {
            if (!take_if("zone")) return sql::syntax_error(now());
            statement.argument = "timezone";
        } else if (take_if("names")) {
            statement.argument = "client_encoding";
        } else {
            if (!now().is_name()) return sql::syntax_error(now());
            statement.argument = take().text;
            while (take_if(".")) {
                if (!now().is_name()) return sql::syntax_error(now());
                statement.argument += '.' + take().text;
            }
            if (!take_if("to") && !take_if("=")) return sql::syntax_error(now());
        }
        if (at_end()) return sql::syntax_error(now());
        do {
            const bool minus = take_if("-");
            const Token& value = take();
            if (value.kind == Token::Kind::sign || value.kind == Token::Kind::end)
                return sql::syntax_error(value);
            statement.value +=
                (statement.value.empty() ? "" : ", ") + std::string(minus ? "-" : "") + value.text;
        } while (take_if(","));
        if (!at_end()) return sql::syntax_error(now());
        if (auto error = refuse_to_set(statement.argument, statement.value)) return *error;
        return statement;
    }

    Recognised reset() {
        if (take_if("all")) return ends({Verb::reset});
        Statement statement{Verb::reset};
        if (take_if("session")) {
            if (!take_if("authorization")) return sql::syntax_error(now());
            statement.argument = "session_authorization";
            return ends(std::move(statement));
        }
        if (!now().is_name()) return sql::syntax_error(now());
        statement.argument = take().text;
        while (take_if("."))
            statement.argument += '.' + take().text;
        if (statement.argument == "role") return ends({Verb::reset, {}, "role"});
        if (!is_known(statement.argument)) return unrecognized_parameter(statement.argument);
        return ends(std::move(statement));
    }

    Recognised begin(const Token& verb) {
        if (verb.is("start") && !take_if("transaction")) return sql::syntax_error(now());
        Recognised recognised = skip_to_end(Verb::begin);
        if (verb.is("start")) std::get<Statement>(recognised).tag = "START TRANSACTION";
        return recognised;
    }

    Recognised end_of_transaction(Verb verb) {
        if (take_if("prepared")) return not_implemented("two-phase commit");
        if (!take_if("work")) (void)take_if("transaction");
        if (take_if("and")) {
            if (!take_if("no")) return not_implemented("AND CHAIN");
            if (!take_if("chain")) return sql::syntax_error(now());
        }
        return ends({verb});
    }

    Recognised rollback() {
        if (!take_if("work")) (void)take_if("transaction");
        if (!take_if("to")) return end_of_transaction(Verb::rollback);
        (void)take_if("savepoint");
        return named(Verb::rollback_to);
    }

    Recognised named(Verb verb) {
        if (!now().is_name()) return sql::syntax_error(now());
        Statement statement{verb};
        statement.argument = take().text;
        return ends(std::move(statement));
    }

    // DEALLOCATE [PREPARE] {name | ALL}
    Recognised deallocate() {
        (void)take_if("prepare");
        if (take_if("all")) return ends({Verb::deallocate, {}, {}, {}, "DEALLOCATE ALL"});
        return named(Verb::deallocate);
    }

    Recognised discard() {
        const Token& what = take();
        if (what.is("all")) return ends({Verb::discard});
        for (const std::string_view word : {"plans", "sequences", "temp", "temporary"})
            if (what.is(word)) // there are none
                return ends({Verb::reset, {}, "role", {}, "DISCARD " + upper_case(word)});
        return sql::syntax_error(what);
    }

    Recognised close() {
        if (take_if("all")) return ends({Verb::close, {}, {}, {}, "CLOSE CURSOR ALL"});
        return named(Verb::close);
    }

    Recognised unlisten() {
        if (!take_if("*") && !now().is_name()) return sql::syntax_error(now());
        if (!at_end()) (void)take();
        return ends({Verb::unlisten});
    }

    // {LISTENER name | UPSTREAM name [HOST host]}
    Recognised place_of(Verb verb) {
        config::Place place;
        if (take_if("upstream"))
            place.kind = config::Place::Kind::upstream;
        else if (!take_if("listener"))
            return sql::syntax_error(now());
        if (!is_text(now())) return sql::syntax_error(now());
        place.name = take().text;
        if (place.kind == config::Place::Kind::upstream && take_if("host")) {
            if (!is_text(now())) return sql::syntax_error(now());
            place.host = take().text;
        }
        Statement statement{verb};
        statement.place = std::move(place);
        return ends(std::move(statement));
    }
    static bool is_text(const Token& token) {
        return token.is_name() || token.kind == Token::Kind::string;
    }

    Recognised kill() {
        if (now().kind == Token::Kind::parameter) return not_implemented("a parameter of KILL");
        if (now().kind != Token::Kind::number) return sql::syntax_error(now());
        const Token& number = take();
        Statement statement{Verb::kill};
        const char* const end = number.text.data() + number.text.size();
        const auto [parsed, error] = std::from_chars(number.text.data(), end, statement.id);
        if (error != std::errc{} || parsed != end) return sql::syntax_error(number);
        return ends(std::move(statement));
    }

    // The rest of the statement makes no difference here.
    Recognised skip_to_end(Verb verb) {
        while (!at_end())
            (void)take();
        return Statement{verb};
    }

    const sql::Tokens& tokens_;
    std::size_t place_ = 0;
};

} // namespace

std::span<const VerbRow> all_verbs() noexcept {
    return verbs;
}

const VerbRow& row_of(Verb verb) noexcept {
    return *std::ranges::find(verbs, verb, &VerbRow::verb);
}

Recognised recognise(const sql::Tokens& statement) {
    return Recogniser(statement).run();
}

} // namespace pgmoat::admin
