// How ssl_passphrase_command is expanded and when it may run: PostgreSQL's be-secure-common.c. The
// caller runs it (RunCommand in context.h), since that takes a process and a clock. Internal to
// tls/.
#pragma once

#include "tls/context.h"

#include <string>

namespace pgmoat::tls {

// The command with its placeholders filled in: %p is the prompt, %% a percent sign. Anything else
// after a percent sign throws Error.
[[nodiscard]] std::string expand_passphrase_command(const std::string& command);

// Where the passphrase of a server's key comes from.
struct PassphraseSource {
    std::string command; // ssl_passphrase_command; empty: none
    bool supports_reload = false;
    const Loading& loading;

    // False without a command: a proxy has no terminal to ask on. A reload may ask only if
    // ssl_passphrase_command_supports_reload is on.
    [[nodiscard]] bool may_ask() const;
    // The first line of the command's output, without its line end. Throws Error.
    [[nodiscard]] std::string ask() const;
    // The error for a key that needs a passphrase when may_ask() is false.
    [[nodiscard]] Error why_not(const std::string& key_file) const;
};

} // namespace pgmoat::tls
