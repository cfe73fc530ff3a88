#include "tls/groups.h"

#include "tls/handles.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>

namespace pgmoat::tls {

namespace {

std::vector<std::string> names_of(const std::string& list) {
    std::vector<std::string> names;
    std::size_t begin = 0;
    while (begin <= list.size()) {
        const std::size_t end = std::min(list.find_first_of(":/", begin), list.size());
        const std::size_t name = std::min(list.find_first_not_of("?*-", begin), end);
        const std::string text = list.substr(name, end - name);
        if (!text.empty() && std::find(names.begin(), names.end(), text) == names.end())
            names.push_back(text);
        begin = end + 1;
    }
    return names;
}

bool is_known(const std::string& name) {
    const SslContextPtr trial(SSL_CTX_new(TLS_method()));
    const bool known = trial && SSL_CTX_set1_groups_list(trial.get(), name.c_str()) == 1;
    ERR_clear_error();
    return known;
}

} // namespace

std::vector<std::string> unknown_groups(const std::string& list) {
    std::vector<std::string> names = names_of(list);
    names.erase(std::remove_if(names.begin(), names.end(), is_known), names.end());
    return names;
}

std::string known_groups(const std::string& list) {
    std::string known;
    for (const std::string& name : names_of(list))
        if (is_known(name)) known += (known.empty() ? "" : ":") + name;
    return known;
}

} // namespace pgmoat::tls
