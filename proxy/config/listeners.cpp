#include "proxy/config/listeners.h"

#include "proxy/config/did_you_mean.h"
#include "proxy/config/guc_value.h"
#include "proxy/config/keyword_values.h"
#include "proxy/config/limits.h"
#include "proxy/config/old_names.h"
#include "proxy/config/text.h"

#include <array>
#include <set>
#include <string>
#include <vector>

namespace pgmoat::config {
namespace {

[[noreturn]] void fail_value(const std::string& keyword, const std::string& value) {
    throw ConninfoError("invalid " + keyword + " value: " + in_quotes(value));
}

void check_list(const std::string& keyword,
                const std::string& value,
                const std::optional<std::vector<std::string>>& list) {
    if (!list || list->empty()) fail_value(keyword, value);
    if (list->size() <= limits::addresses_per_listener_max) return;
    throw ConninfoError(in_quotes(keyword) + " has more than " +
                        std::to_string(limits::addresses_per_listener_max) + " values");
}

void set_address(Listener& listener, const std::string& value) {
    const std::optional<std::vector<std::string>> list = split_list(value);
    check_list("address", value, list);
    listener.addresses = *list;
}

void set_unix_socket_directory(Listener& listener, const std::string& value) {
    const std::optional<std::vector<std::string>> list = split_folder_list(value);
    check_list("unix_socket_directory", value, list);
    listener.unix_directories = *list;
}

void set_port(Listener& listener, const std::string& value) {
    const IntegerResult port = parse_integer("port", value, {1, 65535});
    if (!port.value) throw ConninfoError(port.error);
    listener.port = static_cast<std::uint16_t>(*port.value);
}

void set_tls_mode(Listener& listener, const std::string& value) {
    const std::string word = lower_case(value);
    if (word == name_of(TlsMode::terminate))
        listener.tls_mode = TlsMode::terminate;
    else if (word == name_of(TlsMode::passthrough))
        listener.tls_mode = TlsMode::passthrough;
    else
        fail_value("tls_mode", value);
}

void set_upstream(Listener& listener, const std::string& value) {
    listener.upstream = lower_case(value); // case-insensitive, as upstream.NAME
}

void set_hba_file(Listener& listener, const std::string& value) {
    listener.hba_file = value;
}

void set_hba_dry_run_file(Listener& listener, const std::string& value) {
    listener.hba_dry_run_file = value;
}

void set_proxy_protocol(Listener& listener, const std::string& value) {
    const std::string word = lower_case(value);
    if (word != "require" && word != "off") fail_value("proxy_protocol", value);
    listener.proxy_protocol = word == "require";
}

void set_trusted(Listener& listener, const std::string& value) {
    const std::optional<std::vector<std::string>> list = split_list(value);
    if (!list || list->empty() || list->size() > limits::networks_max) fail_value("trusted", value);
    listener.trusted.clear();
    for (const std::string& text : *list) {
        const auto network = parse_network(text);
        if (!network) throw ConninfoError("invalid network " + in_quotes(text) + " in \"trusted\"");
        listener.trusted.push_back(*network);
    }
}

struct Option {
    std::string_view keyword;
    void (*set)(Listener&, const std::string&);
};

constexpr std::array<Option, 10> listener_options{{
    {"address", set_address},
    {"port", set_port},
    {"unix_socket_directory", set_unix_socket_directory},
    {"tls_mode", set_tls_mode},
    {"upstream", set_upstream},
    {"hba_file", set_hba_file},
    {"hba_dry_run_file", set_hba_dry_run_file},
    {"hba_audit_file", set_hba_dry_run_file}, // old_names.h
    {"proxy_protocol", set_proxy_protocol},
    {"trusted", set_trusted},
}};

void set_option(Listener& listener, const KeywordValue& pair) {
    for (const Option& option : listener_options)
        if (option.keyword == pair.keyword) return option.set(listener, pair.value);
    std::vector<std::string_view> known;
    for (const Option& option : listener_options)
        known.push_back(option.keyword);
    const std::string hint = did_you_mean(pair.keyword, known);
    throw ConninfoError("invalid listener option " + in_quotes(pair.keyword) +
                        (hint.empty() ? "" : " (" + hint + ")"));
}

// Warns about an option's old name, and refuses an option given under both names.
void check_old_name(const std::string& keyword,
                    std::set<std::string>& seen,
                    std::vector<std::string>& warnings) {
    const std::string now(name_instead_of(keyword));
    if (!now.empty())
        warnings.push_back("listener option " + in_quotes(keyword) +
                           " is deprecated: its name is " + in_quotes(now));
    for (const OldName& old : old_names) {
        const bool both = (keyword == old.name && seen.contains(std::string(old.now))) ||
                          (keyword == old.now && seen.contains(std::string(old.name)));
        if (both)
            throw ConninfoError("listener options " + in_quotes(old.name) + " and " +
                                in_quotes(old.now) + " are the same: set only " +
                                in_quotes(old.now));
    }
    seen.insert(keyword);
}

Listener parse_listener(const std::string& name,
                        const std::string& text,
                        const Listener& own,
                        std::vector<std::string>& warnings) {
    Listener listener;
    listener.name = name;
    listener.port = own.port;
    listener.tls_mode = own.tls_mode;
    listener.upstream = own.upstream;
    listener.hba_file = own.hba_file;
    listener.hba_dry_run_file = own.hba_dry_run_file;
    KeywordValueReader reader(text, "listener string");
    std::set<std::string> seen;
    while (const std::optional<KeywordValue> pair = reader.next()) {
        check_old_name(pair->keyword, seen, warnings);
        set_option(listener, *pair);
    }
    if (listener.addresses.empty() && listener.unix_directories.empty())
        throw ConninfoError("a listener needs \"address\" or \"unix_socket_directory\"");
    if (listener.proxy_protocol && !listener.addresses.empty() && listener.trusted.empty())
        throw ConninfoError("proxy_protocol=require needs \"trusted\": the networks of the proxies "
                            "that may say who a client is");
    if (!listener.proxy_protocol && !listener.trusted.empty())
        throw ConninfoError("\"trusted\" needs proxy_protocol=require");
    return listener;
}

// The default listener exists if the file sets listen_addresses or unix_socket_directories, or has
// no listener.NAME. Otherwise a file that only describes listener.NAME would also open the default
// port, without the other listeners' rules.
bool wants_own_listener(const Draft& draft) {
    if (draft.own.addresses.empty() && draft.own.unix_directories.empty()) return false;
    return draft.listeners.empty() || draft.is_given("listen_addresses") ||
           draft.is_given("unix_socket_directories");
}

// Without plain `upstream`, a listener that names none uses the only one there is.
std::string usual_upstream(const Draft& draft) {
    const auto& upstreams = draft.config.upstreams;
    const bool only_one = upstreams.size() == 1 && !upstreams.contains(default_name);
    return only_one ? upstreams.begin()->first : default_name;
}

} // namespace

void build_listeners(Draft& draft, Problems& problems) {
    draft.own.upstream = usual_upstream(draft);
    if (wants_own_listener(draft)) draft.config.listeners.push_back(draft.own);
    for (const auto& [name, text] : draft.listeners) {
        const std::string setting = "listener." + name;
        try {
            std::vector<std::string> warnings;
            draft.config.listeners.push_back(parse_listener(name, text, draft.own, warnings));
            for (const std::string& warning : warnings)
                problems.warning("parameter " + in_quotes(setting) + ": " + warning,
                                 draft.location_of(setting));
        } catch (const ConninfoError& error) {
            problems.error("invalid value for parameter " + in_quotes(setting) + ": " +
                               error.what(),
                           draft.location_of(setting));
        }
    }
}

} // namespace pgmoat::config
