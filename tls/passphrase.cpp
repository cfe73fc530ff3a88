#include "tls/passphrase.h"

#include "tls/context_parts.h"

namespace pgmoat::tls {

namespace {

constexpr const char* prompt = "Enter PEM pass phrase:"; // OpenSSL's, and so PostgreSQL's

Error bad_placeholder(const std::string& command, const std::string& detail) {
    return Error(
        "invalid value for parameter \"ssl_passphrase_command\": " + quoted(command), detail, "");
}

} // namespace

std::string expand_passphrase_command(const std::string& command) {
    std::string expanded;
    for (std::size_t i = 0; i < command.size(); ++i) {
        if (command[i] != '%') {
            expanded += command[i];
            continue;
        }
        if (++i == command.size())
            throw bad_placeholder(command,
                                  "String ends unexpectedly after escape character \"%\".");
        if (command[i] == 'p')
            expanded += prompt;
        else if (command[i] == '%')
            expanded += '%';
        else
            throw bad_placeholder(command,
                                  std::string("String contains unexpected placeholder \"%") +
                                      command[i] + "\".");
    }
    return expanded;
}

bool PassphraseSource::may_ask() const {
    return !command.empty() && loading.run_command &&
           (loading.occasion == Occasion::start || supports_reload);
}

std::string PassphraseSource::ask() const {
    std::string line = loading.run_command(expand_passphrase_command(command));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
        line.pop_back();
    return line;
}

Error PassphraseSource::why_not(const std::string& key_file) const {
    if (loading.occasion == Occasion::reload) {
        return Error("private key file " + quoted(key_file) +
                         " cannot be reloaded because it requires a passphrase",
                     "",
                     "Set ssl_passphrase_command and ssl_passphrase_command_supports_reload.");
    }
    return Error("could not load private key file " + quoted(key_file) +
                     ": it requires a passphrase",
                 "",
                 "Set ssl_passphrase_command, or keep the key without a passphrase, protected by "
                 "its permissions.");
}

} // namespace pgmoat::tls
