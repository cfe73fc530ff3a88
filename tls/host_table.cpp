#include "tls/host_table.h"

#include "tls/callbacks.h"
#include "tls/context.h"
#include "tls/limits.h"
#include "tls/log_text.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace pgmoat::tls {

namespace {

std::string lower_case(std::string_view name) {
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    return lower;
}

void free_table(void*, void* table, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<HostTable*>(table);
}

// The index under which a context keeps its table.
int table_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_table);
    return index;
}

// A list of one host name (RFC 6066, section 3). Nothing: malformed.
std::optional<std::string_view> host_name_of(std::string_view extension) {
    const auto take_size = [&extension]() -> std::size_t {
        const auto high = static_cast<unsigned char>(extension[0]);
        const auto low = static_cast<unsigned char>(extension[1]);
        extension.remove_prefix(2);
        return std::size_t{high} << 8U | low;
    };
    if (extension.size() <= 2 || take_size() != extension.size()) return std::nullopt;
    if (extension.empty() || extension[0] != TLSEXT_NAMETYPE_host_name) return std::nullopt;
    extension.remove_prefix(1);
    if (extension.size() <= 2) return std::nullopt;
    const std::size_t size = take_size();
    if (size > extension.size()) return std::nullopt;
    return extension.substr(0, size);
}

struct Choice {
    SSL_CTX* context = nullptr;
    int alert = 0;    // sent if there is no context
    std::string text; // for the log
};

Choice choose(SSL* ssl, const HostTable& table) {
    const unsigned char* bytes = nullptr;
    std::size_t size = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) != 1) {
        return {table.without_name(),
                SSL_AD_MISSING_EXTENSION,
                "no hostname provided in callback, and no fallback configured"};
    }
    const auto name = host_name_of({reinterpret_cast<const char*>(bytes), size});
    if (!name) return {nullptr, SSL_AD_DECODE_ERROR, "malformed server name"};
    return {table.find(*name),
            SSL_AD_UNRECOGNIZED_NAME,
            "no configuration for host \"" +
                for_the_log(std::string(*name), logged_host_bytes_max) +
                "\", and no fallback configured"};
}

bool move_to(SSL* ssl, SSL_CTX* host) {
    // Certificates, trusted roots and the CA names sent to clients follow from the context. The
    // verify mode was copied into the session when it was created, so it must be set again.
    if (SSL_set_SSL_CTX(ssl, host) != host) return false;
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(host), SSL_CTX_get_verify_callback(host));
    return true;
}

// After a HelloRetryRequest there is a second ClientHello, and OpenSSL does not compare the two. If
// they asked for different hosts, rules would see the second name together with a client
// certificate that the CA of the first host had verified.
bool is_second_hello(const SSL* ssl) {
    return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), table_index()) == nullptr;
}

bool go_on_with(SSL* ssl, SSL_CTX* host, int* alert) {
    if (!is_second_hello(ssl)) return move_to(ssl, host);
    if (host == SSL_get_SSL_CTX(ssl)) return true;
    *alert = SSL_AD_ILLEGAL_PARAMETER;
    note_unknown_host(ssl, "the second ClientHello asks for another host than the first");
    return false;
}

int on_client_hello(SSL* ssl, int* alert, void* table) {
    *alert = SSL_AD_INTERNAL_ERROR;
    try {
        Choice choice = choose(ssl, *static_cast<const HostTable*>(table));
        if (choice.context != nullptr) {
            return go_on_with(ssl, choice.context, alert) ? SSL_CLIENT_HELLO_SUCCESS
                                                          : SSL_CLIENT_HELLO_ERROR;
        }
        *alert = choice.alert;
        note_unknown_host(ssl, std::move(choice.text));
    } catch (const std::exception&) {
        // no memory
    }
    return SSL_CLIENT_HELLO_ERROR;
}

} // namespace

void HostTable::add(const std::vector<std::string>& names, SslContextPtr context) {
    for (const std::string& name : names)
        names_[name] = context.get();
    contexts_.push_back(std::move(context));
}

ssl_ctx_st* HostTable::exact(std::string_view name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? nullptr : found->second;
}

ssl_ctx_st* HostTable::find(std::string_view server_name) const {
    const std::string name = lower_case(server_name);
    // A client could send these words as a host name.
    if (name != any_host && name != no_server_name) {
        if (ssl_ctx_st* const context = exact(name)) return context;
    }
    return exact(any_host);
}

ssl_ctx_st* HostTable::without_name() const {
    ssl_ctx_st* const context = exact(no_server_name);
    return context != nullptr ? context : exact(any_host);
}

void choose_hosts(ssl_ctx_st* entry, HostTable table) {
    auto owned = std::make_unique<HostTable>(std::move(table));
    if (SSL_CTX_set_ex_data(entry, table_index(), owned.get()) != 1)
        throw Error("could not create SSL context: out of memory");
    // The hosts' contexts need the callback too: the first ClientHello has moved the session to one
    // of them, and a second one is handled by that. `entry` outlives the hosts.
    for (const SslContextPtr& host : owned->contexts())
        SSL_CTX_set_client_hello_cb(host.get(), on_client_hello, owned.get());
    SSL_CTX_set_client_hello_cb(entry, on_client_hello, owned.release());
}

} // namespace pgmoat::tls
