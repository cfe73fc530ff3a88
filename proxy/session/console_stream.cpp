#include "proxy/session/console_stream.h"

#include <algorithm>

namespace pgmoat::session {

Awaitable<std::size_t> ConsoleStream::read(std::span<std::uint8_t> into,
                                           std::chrono::seconds at_most) {
    const io::Deadline limit(deadlines_, at_most, [this] { stream_.interrupt(); });
    const io::Result io = co_await stream_.read_some(into);
    traffic_.bytes_from_client += io.bytes;
    if (io) co_return io.bytes;
    if (limit.passed())
        stop_ = Ended{CloseReason::idle, "console: nothing came from the client"};
    else
        stop_ = ended_by(Side::client, io);
    co_return 0;
}

Awaitable<bool> ConsoleStream::write(std::span<const std::uint8_t> bytes,
                                     std::chrono::seconds at_most) {
    const io::Deadline limit(deadlines_, at_most, [this] { stream_.interrupt(); });
    const io::Result io = co_await stream_.write(bytes);
    traffic_.bytes_from_server += io.bytes;
    if (io) co_return true;
    if (limit.passed())
        stop_ = Ended{CloseReason::client_io_error, "console: the client does not read"};
    else
        stop_ = ended_by(Side::client, io);
    co_return false;
}

void take_rule(admin::ConsoleLogin& login, const hba::Rule& rule) {
    login.method = hba::word_of(rule.method);
    login.rule_names_console = std::ranges::any_of(rule.databases, [](const hba::NameMatch& name) {
        return name.kind == hba::NameMatch::Kind::exact && name.text == admin::console_database;
    });
}

} // namespace pgmoat::session
