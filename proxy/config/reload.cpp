#include "proxy/config/reload.h"

#include "proxy/config/settings.h"
#include "proxy/config/text.h"

#include <set>

namespace pgmoat::config {
namespace {

bool same(const Listener* a, const Listener* b) {
    if (a == nullptr || b == nullptr) return a == b;
    return a->addresses == b->addresses && a->port == b->port &&
           a->unix_directories == b->unix_directories && a->tls_mode == b->tls_mode &&
           a->upstream == b->upstream;
}

std::set<std::string> named_listeners(const Config& a, const Config& b) {
    std::set<std::string> names;
    for (const Config* config : {&a, &b})
        for (const Listener& listener : config->listeners)
            names.insert(listener.name);
    names.erase(default_name); // that listener has settings of its own
    return names;
}

// Everything about a listener needs a restart, except its rules and its trusted proxies.
void keep_listeners(const Config& old, Config& now) {
    std::vector<Listener> listeners = old.listeners;
    for (Listener& listener : listeners) {
        const Listener* const fresh = find_listener(now, listener.name);
        if (fresh == nullptr) continue;
        listener.hba_file = fresh->hba_file;
        listener.hba_dry_run_file = fresh->hba_dry_run_file;
        listener.proxy_protocol = fresh->proxy_protocol;
        listener.trusted = fresh->trusted;
    }
    now.listeners = std::move(listeners);
}

bool needs_restart(const std::string& name) {
    for (const SettingRow& row : all_settings())
        if (row.name == name || (row.name.ends_with('.') && name.starts_with(row.name)))
            return row.change_needs == ChangeNeeds::restart;
    return false;
}

// SHOW must not report a new value that is not in use.
void keep_given(const Config& old, Config& now) {
    std::erase_if(now.given, [](const auto& given) { return needs_restart(given.first); });
    for (const auto& [name, given] : old.given)
        if (needs_restart(name)) now.given.emplace(name, given);
}

} // namespace

std::vector<std::string> restart_only_changes(const Config& old, const Config& now) {
    std::vector<std::string> changed;
    for (const SettingRow& row : all_settings()) {
        if (row.change_needs == ChangeNeeds::reload || row.show == nullptr) continue;
        if (row.show(old) != row.show(now)) changed.emplace_back(row.name);
    }
    for (const std::string& name : named_listeners(old, now))
        if (!same(find_listener(old, name), find_listener(now, name)))
            changed.push_back("listener." + name);
    return changed;
}

void keep_restart_only(const Config& old, Config& now) {
    keep_listeners(old, now);
    now.user = old.user;
    if (now.hosts_file != old.hosts_file) {
        now.hosts_file = old.hosts_file;
        reread_hosts(now, Disk());
    }
    now.http_listen = old.http_listen;
    now.address_table_size = old.address_table_size;
    now.control_threads = old.control_threads;
    now.relay_threads = old.relay_threads;
    now.relay_spin = old.relay_spin;
    keep_given(old, now);
    std::vector<std::string> missing;
    for (const Listener& listener : now.listeners) {
        const auto found = now.upstreams.find(listener.upstream);
        const bool is_gone = found == now.upstreams.end();
        if (!is_gone && found->second.groups == 0) continue;
        missing.push_back("upstream " + in_quotes(listener.upstream) + " of listener " +
                          in_quotes(listener.name) +
                          (is_gone ? " cannot be removed" : " cannot become a template") +
                          " without restarting the server");
    }
    if (!missing.empty()) throw ConfigError(std::move(missing));
}

} // namespace pgmoat::config
