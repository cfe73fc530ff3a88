// The end: a drain waits until everyone has left, a stop ends all connections; each is still reported.
#include "proxy/access/dry_run.h"
#include "proxy/server/limits.h"
#include "proxy/server/running_server.h"
#include "proxy/thread_signals.h"

#include <boost/asio/post.hpp>

namespace pgmoat::server {

namespace asio = boost::asio;

void Server::Running::drain(const std::string& why) {
    successor->stop();
    state.draining = true;
    tell_http();
    const std::chrono::seconds delay = setup->config.drain_delay;
    if (delay.count() == 0) return stop_listening(why);
    log.info(why + ", no longer ready, closing listeners in " + std::to_string(delay.count()) +
             " s");
    service_manager.stopping("not ready, closing listeners soon",
                             delay + setup->config.shutdown_timeout + stop_reserve);
    timer->expires_after(delay);
    timer->async_wait([this](const error_code& error) {
        if (!error && !cut_off) stop_listening("drain_delay is over");
    });
}

void Server::Running::stop_listening(const std::string& why, relay::Whom leaving) {
    listeners.clear();
    log.info(why + ", waiting for " + connections(sessions_left()));
    plane.close_all_when_idle(drain_end, leaving);
    give_up_at = std::chrono::steady_clock::now() + setup->config.shutdown_timeout;
    service_manager.stopping("waiting for " + connections(sessions_left()),
                             setup->config.shutdown_timeout + stop_reserve);
    wait_until_empty();
}

void Server::Running::wait_until_empty() {
    timer->expires_after(shutdown_poll);
    timer->async_wait([this](const error_code& error) {
        if (!error) wait_until_empty();
    });
    if (table.live() == 0) return finish();
    if (sessions_left() == 0) end_control_sessions("shut down");
    if (std::chrono::steady_clock::now() >= give_up_at) {
        if (cut_off) return finish();
        return stop_now("shutdown_timeout expired");
    }
}

// Every connection is still reported: sessions and channels end with reason drain.
void Server::Running::stop_now(const std::string& why) {
    if (cut_off) return finish();
    successor->stop();
    cut_off = true;
    if (sessions_out) sessions_out->stop();
    state.draining = true;
    tell_http();
    listeners.clear();
    const std::size_t live = sessions_left();
    log.info(why + ", ending " + connections(live));
    if (live > 0) exit_code = 1;
    service_manager.stopping("ending all connections", stop_reserve);
    plane.close_all();
    end_control_sessions("shut down during login");
    give_up_at = std::chrono::steady_clock::now() + cut_off_wait;
    wait_until_empty();
}

void Server::Running::end_control_sessions(const std::string& detail) {
    for (auto& thread : threads)
        asio::post(thread->context, [&sessions = thread->sessions, detail] {
            for (auto* session : sessions)
                session->interrupt({metrics::CloseReason::drain, detail});
        });
}

void Server::Running::finish() {
    if (sessions_out) sessions_out->stop();
    reporter.summarise_refusals();
    access::summarise_dry_run(services);
    log.info("shut down");
    block_signals_in_this_thread(); // one more SIGTERM must not kill the process on its last steps
    threads[0]->context.stop();
}

} // namespace pgmoat::server
