// The steps that server and client contexts, and `pgmoat cert`, have in common. They throw Error and
// leave OpenSSL's error queue empty. Internal to tls/.
#pragma once

#include "tls/handles.h"

#include <optional>
#include <string>
#include <vector>

struct x509_st;
struct x509_store_st;

namespace pgmoat::tls {

// Modes and options of every context of ours; see context.h and the README.
[[nodiscard]] SslContextPtr new_context();

// "TLSv1.2", in any letter case, as OpenSSL's number.
[[nodiscard]] std::optional<int> protocol_version(const std::string& name);

// Loads the trusted certificates. On failure returns false and sets `reason`. A file without a
// certificate is a failure: it would trust no client or, worse, be taken for "do not verify".
[[nodiscard]] bool load_roots(ssl_ctx_st* context, const std::string& file, std::string& reason);

// The certificates in the store, which keeps owning them; revocation lists are left out. A look-up
// in a folder adds to the store.
[[nodiscard]] std::vector<x509_st*> authorities_in(x509_store_st* store);

// The path in double quotes.
[[nodiscard]] std::string quoted(const std::string& path);

// For reading.
[[nodiscard]] BioPtr open_file(const std::string& path);

} // namespace pgmoat::tls
