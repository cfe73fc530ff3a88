// Revocation lists, for the whole chain of a peer: every CA in it then needs one. Internal to tls/.
#pragma once

#include <string>
#include <vector>

struct ssl_ctx_st;

namespace pgmoat::tls {

// A file of lists, a folder made by `openssl rehash`, or both. Throws Error.
void load_revocation_lists(ssl_ctx_st* context, const std::string& file, const std::string& folder);

// PostgreSQL loads a folder that is not there, and a CA without a list, without a word; then every
// client certificate is refused. Throws Error that says why, instead.
void require_list_of_each_authority(ssl_ctx_st* context,
                                    const std::string& file,
                                    const std::string& folder);

// A sentence for each list that was loaded and has expired. It is no error: the next one may come
// into the folder at any moment.
[[nodiscard]] std::vector<std::string> expired_lists(ssl_ctx_st* context);

} // namespace pgmoat::tls
