// Private key files: who may read them, and loading them without ever asking anyone on a terminal
// for a passphrase. The rules are PostgreSQL's for servers and libpq's for clients, in their order
// and words.
//
// pgmoat may start as root, read its keys and then become another user, who has to read them again
// at a reload: the owner rule is for that user (Loading::run_as). Without one it takes whoever we
// are at that moment, and both clauses may apply to one file: to a process that runs as root, root's
// own key of mode 0640 is "own file, more than 0600".
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

// The rules alone. Nothing: the file may be used.
[[nodiscard]] std::optional<Error>
server_key_file_problem(const std::string& path, const KeyFileFacts& facts, uid_t we);
[[nodiscard]] std::optional<Error> client_key_file_problem(const std::string& path,
                                                           const KeyFileFacts& facts);

// From then on nothing that the context loads asks for a passphrase on the terminal.
void never_ask_for_passphrases(ssl_ctx_st* context);

// Check, then load into the context. Throw Error.
void load_server_key(ssl_ctx_st* context,
                     const std::string& path,
                     const PassphraseSource& passphrases);
void load_client_key(ssl_ctx_st* context, const std::string& path, const std::string& password);

} // namespace pgmoat::tls
