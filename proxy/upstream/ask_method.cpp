#include "proxy/upstream/ask_method.h"

#include "protocol/login_observer.h"
#include "protocol/messages.h"
#include "proxy/upstream/limits.h"

#include <array>
#include <string_view>
#include <utility>

namespace pgmoat::upstream {

namespace {

using protocol::ServerMethod;
using protocol::ServerMethods;

// PostgreSQL reserves the prefix pg_, so no such role can be created.
constexpr std::string_view nobody = "pg_moat_asks_for_the_method";

// peer authentication failed: over a Unix-domain socket the server checks the operating system
// user, which is pgmoat's. A client with the name of that user would be let in without
// authentication.
bool is_peer(const protocol::LoginFacts& facts) {
    return facts.error_message.starts_with("Peer authentication failed");
}

std::optional<ServerMethod> answer_in(const protocol::LoginObserver& observer,
                                      protocol::LoginObserver::Progress progress) {
    using Progress = protocol::LoginObserver::Progress;
    if (progress == Progress::unproven) return observer.facts().method;
    if (progress == Progress::refused && is_peer(observer.facts())) return ServerMethod::none;
    return std::nullopt;
}

} // namespace

Awaitable<std::optional<ServerMethod>> ask_method(io::Stream& server) {
    using Progress = protocol::LoginObserver::Progress;
    const protocol::Bytes packet = protocol::encode_startup(nobody, "postgres");
    const io::Result sent = co_await server.write(packet);
    if (!sent) co_return std::nullopt;
    protocol::LoginObserver observer(false, ServerMethods{}); // any request ends the login
    std::array<std::uint8_t, first_answer_bytes> buffer{};
    for (;;) {
        const io::Result read = co_await server.read_some(buffer);
        if (!read) co_return std::nullopt;
        protocol::Bytes ignored;
        const auto step = observer.observe(protocol::ByteView(buffer).first(read.bytes), ignored);
        if (step.progress != Progress::in_login) co_return answer_in(observer, step.progress);
    }
}

} // namespace pgmoat::upstream
