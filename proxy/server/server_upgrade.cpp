// An upgrade (SIGUSR2): a new process starts beside this one, takes its sockets and sessions, and this one
// drains; and the other side of it, at the start of the new one.
#include "proxy/server/limits.h"
#include "proxy/server/running_server.h"

#include <utility>

namespace pgmoat::server {

void Server::Running::start_successor() {
    if (state.draining || successor->is_under_way())
        return log.info("received SIGUSR2, ignored: " +
                        std::string(state.draining ? "this process is about to end"
                                                   : "a new process is already starting"));
    log.info("received SIGUSR2, starting a new process");
    std::vector<Successor::Socket> sockets;
    for (const auto& listener : listeners)
        sockets.push_back({listener->socket(), listener->owns_file()});
    if (http)
        for (const int number : http->sockets())
            sockets.push_back({number, false});
    std::vector<std::string> environment = service_manager.environment();
    environment.push_back(first_id_variable +
                          ('=' + std::to_string(table.next_id() + ids_left_free)));
    successor->start(sockets, environment);
}

// From here on the new process accepts. Clients that wait on the sockets are its own, and so are
// soon the sessions that have no TLS of ours: those that have leave when they are idle.
void Server::Running::hand_over_to(pid_t pid, Descriptor sessions) {
    for (auto& listener : listeners)
        listener->leave_file();
    if (http) http->stop();
    service_manager.main_process_is(pid);
    state.draining = true;
    const bool moves = static_cast<bool>(sessions);
    stop_listening("the new process " + std::to_string(pid) + " is ready",
                   moves ? relay::Whom::who_stays : relay::Whom::all);
    if (moves) hand_over_sessions(std::move(sessions));
}

void Server::Running::hand_over_sessions(Descriptor sessions) {
    sessions_out = std::make_shared<SessionsOut>(
        *threads[0],
        std::move(sessions),
        SessionsOut::Events{[this](std::unique_ptr<relay::Channel> channel) {
                                plane.adopt(std::move(channel));
                                if (cut_off) plane.close_all();
                            },
                            [this] { plane.close_all_when_idle(drain_end, relay::Whom::all); }});
    sessions_out->start();
}

// Of the process before. Its hello must be there before we are ready.
void Server::Running::take_over_sessions() {
    table.begin_ids_at(service_manager.first_session());
    Descriptor sessions = service_manager.take_sessions();
    if (!sessions) return;
    sessions_in.emplace(threads, std::move(sessions));
    sessions_in->start();
}

void Server::Running::take_over_files() {
    if (!service_manager.has_predecessor()) return;
    for (auto& listener : listeners)
        listener->take_over_file();
}

} // namespace pgmoat::server
