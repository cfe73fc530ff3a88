// Private key files: who may read them, and loading them without ever asking anyone on a terminal
// for a passphrase. The rules, their order and their texts are PostgreSQL's for servers and libpq's
// for clients.
//
// pgmoat may start as root, read its keys and then become another user, who has to read them again
// at a reload: the owner is compared with that user (Loading::run_as), or without one with the
// current user. Root is special: its own key with mode 0640 is refused, as "owned by the current
// user, so at most 0600" applies before "owned by root, so at most 0640".
#pragma once

#include "tls/context.h"
#include "tls/passphrase.h"

#include <sys/types.h>

#include <optional>
#include <string>

struct ssl_ctx_st;

namespace pgmoat::tls {

struct KeyFileFacts {
    bool is_regular = true;
    uid_t owner = 0;
    mode_t mode = 0600;
};

// Checks the rules only. Nothing: the file may be used.
[[nodiscard]] std::optional<Error>
server_key_file_problem(const std::string& path, const KeyFileFacts& facts, uid_t we);
[[nodiscard]] std::optional<Error> client_key_file_problem(const std::string& path,
                                                           const KeyFileFacts& facts);

// From now on nothing that the context loads asks for a passphrase on the terminal.
void never_ask_for_passphrases(ssl_ctx_st* context);

// Checks the file, then loads it into the context. Throws Error.
void load_server_key(ssl_ctx_st* context,
                     const std::string& path,
                     const PassphraseSource& passphrases);
void load_client_key(ssl_ctx_st* context, const std::string& path, const std::string& password);

} // namespace pgmoat::tls
