// Revocation lists. They are checked for the peer's whole chain, so every CA in it needs one.
// Internal to tls/.
#pragma once

#include <string>
#include <vector>

struct ssl_ctx_st;

namespace pgmoat::tls {

// Loads a file of lists, a folder made by `openssl rehash`, or both. Throws Error.
void load_revocation_lists(ssl_ctx_st* context, const std::string& file, const std::string& folder);

// PostgreSQL silently accepts a folder that does not exist and a CA without a list, and then
// refuses every client certificate. This throws Error with the reason instead.
void require_list_of_each_authority(ssl_ctx_st* context,
                                    const std::string& file,
                                    const std::string& folder);

// A sentence for each loaded list that has expired. Not an error: its successor may appear in the
// folder at any moment.
[[nodiscard]] std::vector<std::string> expired_lists(ssl_ctx_st* context);

} // namespace pgmoat::tls
