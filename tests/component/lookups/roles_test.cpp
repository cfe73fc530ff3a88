// Role lookups without a server that answers; the integration tests use real catalogs.
#include "proxy/descriptor.h"
#include "proxy/lookups/roles.h"
#include "tests/support/catch.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <future>
#include <string>
#include <utility>

using namespace pgmoat;
using namespace std::chrono_literals;
using lookups::Subscription;

namespace {

// The kernel accepts connections for it; it sends nothing.
class SilentServer {
  public:
    SilentServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(listener_.get(), any, size) == 0);
        REQUIRE(::listen(listener_.get(), 8) == 0);
        REQUIRE(::getsockname(listener_.get(), any, &size) == 0);
        port_ = std::to_string(ntohs(address.sin_port));
    }
    lookups::RoleSource source() const {
        return {{{"host", "127.0.0.1"}, {"port", port_}, {"user", "x"}, {"password", "secret"}},
                "SELECT $1"};
    }
    void wait_for_visitor() const {
        pollfd visitor{listener_.get(), POLLIN, 0};
        REQUIRE(::poll(&visitor, 1, 60'000) == 1);
    }
    void stop_listening() { listener_ = Descriptor(); }

  private:
    Descriptor listener_;
    std::string port_;
};

} // namespace

TEST_CASE("a server that is not there is an answer with its reason and without the password") {
    SilentServer server;
    const auto source = server.source();
    server.stop_listening();
    const auto answer = lookups::look_up_roles(source, "anna");
    CHECK(answer.roles.empty());
    CHECK(answer.error.find("Connection refused") != std::string::npos);
    CHECK(answer.error.find('\n') == std::string::npos);
    CHECK(answer.error.find("secret") == std::string::npos);
}

TEST_CASE("a keyword of a newer libpq is passed over") {
    SilentServer server;
    auto source = server.source();
    source.conninfo.emplace_back("keyword_of_libpq_99", "x");
    server.stop_listening();
    CHECK(lookups::look_up_roles(source, "anna").error.find("refused") != std::string::npos);
}

TEST_CASE("the end of the lookups does not wait for a silent server") {
    const SilentServer server;
    lookups::Roles roles;
    const auto hung = roles.ask(server.source(), "anna", [](const hba::UserRoles&) {});
    CHECK(std::holds_alternative<Subscription>(hung));
    server.wait_for_visitor();
    const auto began = std::chrono::steady_clock::now();
    roles.close(60s);
    CHECK(std::chrono::steady_clock::now() - began < 9s); // the login would take ten
}

TEST_CASE("a silent server does not delay the roles of another") {
    const SilentServer silent;
    SilentServer dead;
    const auto source = dead.source();
    dead.stop_listening();
    lookups::Roles roles;
    const auto hung = roles.ask(silent.source(), "anna", [](const hba::UserRoles&) {});
    silent.wait_for_visitor();
    std::promise<std::string> answer;
    const auto asked = roles.ask(source, "anna", [&](const hba::UserRoles& roles_of_anna) {
        answer.set_value(roles_of_anna.error);
    });
    REQUIRE(answer.get_future().wait_for(9s) == std::future_status::ready);
    roles.close(60s);
}
