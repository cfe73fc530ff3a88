// Chooses certificate, key and CA by the host name that a client asks for: ssl_sni of PostgreSQL 19
// (sni_clienthello_cb() in be-secure-openssl.c). The contexts of all hosts are built once; a
// connection is moved to one of them while its ClientHello is read, and nothing that another
// connection uses is changed. Internal to tls/.
#pragma once

#include "tls/handles.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::tls {

inline constexpr std::string_view any_host = "*";
inline constexpr std::string_view no_server_name = "/no_sni/";

class HostTable {
  public:
    // Names are in lower case, or one of the two above; each once.
    void add(const std::vector<std::string>& names, SslContextPtr context);

    // nullptr: no entry for this name.
    [[nodiscard]] ssl_ctx_st* find(std::string_view server_name) const;
    [[nodiscard]] ssl_ctx_st* without_name() const;
    [[nodiscard]] const std::vector<SslContextPtr>& contexts() const { return contexts_; }

  private:
    [[nodiscard]] ssl_ctx_st* exact(std::string_view name) const;

    std::vector<SslContextPtr> contexts_;
    std::map<std::string, ssl_ctx_st*, std::less<>> names_;
};

// From now on, sessions of `entry` switch to the context of the host they ask for, and stay there.
// The table lives as long as `entry` does.
void choose_hosts(ssl_ctx_st* entry, HostTable table);

} // namespace pgmoat::tls
