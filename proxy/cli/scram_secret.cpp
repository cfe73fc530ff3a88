#include "proxy/cli/scram_secret.h"

#include "protocol/limits.h"
#include "protocol/scram_secret.h"
#include "proxy/cli/exit_code.h"
#include "proxy/config/auth_file.h"
#include "proxy/config/saslprep.h"
#include "tls/scram_keys.h"

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace pgmoat::cli {

namespace {

// Turns off the terminal's echo while it lives.
class Silence {
  public:
    Silence() : is_terminal_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
        if (!is_terminal_) return;
        std::fprintf(stderr, "Password: ");
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        (void)::tcsetattr(STDIN_FILENO, TCSANOW, &silent);
    }
    ~Silence() {
        if (!is_terminal_) return;
        (void)::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
        std::fprintf(stderr, "\n");
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

  private:
    termios before_{};
    bool is_terminal_;
};

std::string read_password() {
    const Silence silence;
    std::string password;
    std::getline(std::cin, password);
    return password;
}

protocol::ScramSecret secret_of(const std::string& password, std::uint32_t iterations) {
    const auto salt = tls::random_bytes(protocol::scram_default_salt_bytes);
    tls::ScramKeys keys = tls::derive_scram_keys(config::saslprep(password), salt, iterations);
    tls::wipe(keys.client);
    return {iterations, salt, keys.stored, keys.server};
}

std::string as_identifier(const std::string& name) {
    std::string quoted = "\"";
    for (const char c : name)
        quoted.append(c == '"' ? 2 : 1, c);
    return quoted + '"';
}

} // namespace

int make_scram_secret(const std::string& user, int iterations, bool line_only) {
    if (user.empty() || user.find_first_of("\r\n") != std::string::npos) {
        std::fprintf(stderr, "pgmoat: user name must not be empty or contain a newline\n");
        return exit_usage;
    }
    const std::string password = read_password();
    if (password.empty()) {
        std::fprintf(stderr, "pgmoat: no password on standard input\n");
        return exit_usage;
    }
    const auto secret = secret_of(password, static_cast<std::uint32_t>(iterations));
    std::printf("%s\n", config::auth_file_line(user, secret).c_str());
    if (!line_only)
        std::printf("ALTER ROLE %s PASSWORD '%s';\n",
                    as_identifier(user).c_str(),
                    protocol::text_of(secret).c_str());
    return exit_ok;
}

} // namespace pgmoat::cli
