#include "proxy/cli/http_user.h"

#include "proxy/admin/http/http_users.h"
#include "proxy/cli/exit_code.h"

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace pgmoat::cli {

namespace {

// While it lives the terminal does not show what is typed.
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

} // namespace

int make_http_user(const std::string& name) {
    if (name.empty() || name.find_first_of(":\r\n") != std::string::npos) {
        std::fprintf(stderr, "pgmoat: a name has no colon and no line break\n");
        return exit_usage;
    }
    const std::string password = read_password();
    if (password.empty()) {
        std::fprintf(stderr, "pgmoat: no password came on standard input\n");
        return exit_usage;
    }
    std::printf("%s:%s\n", name.c_str(), admin::make_http_secret(password).c_str());
    return exit_ok;
}

} // namespace pgmoat::cli
