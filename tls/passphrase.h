// What ssl_passphrase_command is told, and when it may be run; PostgreSQL's be-secure-common.c.
// Running it takes a process and a clock, so that is the caller's (RunCommand of context.h).
// Internal to tls/.
#pragma once

#include "tls/context.h"

#include <string>

namespace pgmoat::tls {

// The command with its placeholders filled in: %p is the prompt, %% a percent sign. Anything else
// behind a percent sign throws Error.
[[nodiscard]] std::string expand_passphrase_command(const std::string& command);

// Where the passphrase of a server's key comes from.
struct PassphraseSource {
    std::string command; // ssl_passphrase_command; empty: none
    bool supports_reload = false;
    const Loading& loading;

    // Without a command nobody is asked: a proxy has no terminal. A reload asks only if the
    // command is said to support it.
    [[nodiscard]] bool may_ask() const;
    // The first line that the command prints, without its end. Throws Error.
    [[nodiscard]] std::string ask() const;
    // Why a key that needs a passphrase was not loaded without asking.
    [[nodiscard]] Error why_not(const std::string& key_file) const;
};

} // namespace pgmoat::tls
