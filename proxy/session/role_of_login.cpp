#include "proxy/session/role_of_login.h"

#include "protocol/frames.h"
#include "protocol/limits.h"
#include "protocol/messages.h"
#include "protocol/scram_again.h"
#include "protocol/wire_reader.h"
#include "proxy/config/scram_digests.h"
#include "proxy/io/limits.h"
#include "proxy/io/peer_watch.h"
#include "proxy/session/bridged_login.h"
#include "proxy/session/login_bytes.h"
#include "proxy/session/scram_inputs.h"
#include "proxy/upstream/shuffle.h"
#include "tls/scram_keys.h"

#include <algorithm>
#include <ctime>
#include <utility>
#include <variant>
#include <vector>

namespace pgmoat::session {

using namespace protocol;

upstream::RoleSearch begin_role_search(runtime::LearntRoles& learnt,
                                       const runtime::UpstreamTarget& target,
                                       upstream::Plan plan,
                                       bool remembered) {
    std::vector<runtime::Role> known;
    if (remembered) {
        std::vector<runtime::HostName> names;
        for (const upstream::Host& host : plan.hosts)
            names.push_back({target.name, host.configured, host.port});
        known = learnt.to_begin_with(names, runtime::LearntRoles::Clock::now());
    }
    upstream::Shuffle shuffle;
    if (target.conninfo.balance_hosts)
        shuffle = [](std::vector<std::size_t>& order) { upstream::shuffle(order); };
    return {std::move(plan),
            target.conninfo.target_session_attrs,
            std::move(known),
            std::move(shuffle)};
}

void remember_role(runtime::Services& services,
                   const upstream::ServerRoute& route,
                   const LoginFacts& login) {
    const runtime::Role role = upstream::role_in(login);
    if (role == runtime::Role::unknown) return;
    const runtime::HostName name{route.target->name, route.host.configured, route.host.port};
    if (!services.learnt_roles.learn(name, role, std::time(nullptr))) return;
    services.log.info("upstream \"" + name.upstream + "\": host \"" + name.host + ":" +
                      std::to_string(name.port) + "\" " + upstream::role_text(login) +
                      ", as a login has shown");
}

Bytes without_negotiation(ByteView held) {
    Bytes kept;
    kept.reserve(held.size());
    while (!held.empty()) {
        std::size_t size = held.size();
        if (held.size() >= frame_header_bytes) {
            const std::size_t length = WireReader{held.subspan(1)}.uint32();
            size = std::min(size, length + 1);
        }
        if (held[0] != 'v')
            kept.insert(kept.end(), held.begin(), held.begin() + static_cast<std::ptrdiff_t>(size));
        held = held.subspan(size);
    }
    return kept;
}

namespace {

class Repeating {
  public:
    Repeating(const LoginContext& context,
              io::Stream& client,
              io::Stream& server,
              LoginObserver& observer,
              Bytes rest)
        : context_(context), client_(client), server_(server), observer_(observer) {
        end_.rest = std::move(rest);
    }

    Awaitable<RepeatedLogin> run() {
        context_.clock.run(Side::server);
        const io::PeerWatch watch(context_.deadlines, client_, context_.client_left);
        ScramAgain again(context_.role->client->keys, leg_of(server_), random_nonce());
        ScramAgain::Action action = again.begin(observer_.facts().sasl_mechanisms);
        observer_.drop_intercepted();
        while (auto* ask = std::get_if<ScramAgain::AskServer>(&action)) {
            const bool answered = co_await exchange(ask->frame);
            if (!answered) co_return std::move(end_);
            action = again.server_said(observer_.intercepted());
            observer_.drop_intercepted();
        }
        if (const auto* refuse = std::get_if<ScramAgain::Refuse>(&action)) {
            end_.left = refuse->why;
        } else {
            observer_.end_interception();
            context_.role->client->scram.server_bound = again.is_bound();
        }
        co_return std::move(end_);
    }

  private:
    // The answer is intercepted. False: there is none.
    Awaitable<bool> exchange(Bytes& frame) {
        const io::Result sent = co_await server_.write(frame);
        tls::wipe(frame);
        if (!sent) gone(sent);
        withheld_ = false;
        observe();
        while (!end_.stop && !withheld_) {
            Bytes piece(io::login_read_bytes);
            const io::Result read = co_await server_.read_some(piece);
            if (read)
                end_.rest.insert(end_.rest.end(),
                                 piece.begin(),
                                 piece.begin() + static_cast<std::ptrdiff_t>(read.bytes));
            else
                gone(read);
            tls::wipe(piece);
            observe();
        }
        co_return !end_.stop;
    }

    void observe() {
        using Progress = LoginObserver::Progress;
        if (end_.stop || end_.rest.empty()) return;
        const LoginObserver::Step step = observer_.observe(end_.rest, end_.to_client);
        end_.rest.erase(end_.rest.begin(),
                        end_.rest.begin() + static_cast<std::ptrdiff_t>(step.consumed));
        switch (step.progress) {
        case Progress::in_login: return;
        case Progress::sasl: withheld_ = true; return;
        case Progress::refused: end_.stop = refused_by_server(observer_.facts()); return;
        case Progress::unproven:
            end_.unproven = true;
            end_.to_client.clear();
            end_.stop = unproven_by_server();
            return;
        default:
            end_.to_client = encode_fatal(refusal::upstream_protocol_violation);
            end_.stop = Ended{CloseReason::upstream_failed, "server: " + observer_.complaint()};
        }
    }

    void gone(const io::Result& io) {
        end_.stop = ended_by(Side::server, io);
        if (io.status != io::Result::Status::interrupted)
            end_.to_client = encode_fatal(refusal::upstream_lost);
    }

    const LoginContext& context_;
    io::Stream& client_;
    io::Stream& server_;
    LoginObserver& observer_;
    RepeatedLogin end_;
    bool withheld_ = false;
};

} // namespace

Awaitable<RepeatedLogin> repeat_login(const LoginContext& context,
                                      io::Stream& client,
                                      io::Stream& server,
                                      LoginObserver& observer,
                                      Bytes rest) {
    Repeating login(context, client, server, observer, std::move(rest));
    co_return co_await login.run();
}

} // namespace pgmoat::session
