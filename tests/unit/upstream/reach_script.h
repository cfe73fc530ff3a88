// A conversation with the Reach machine, written as its actions and their results. Each line of a
// script is one action with its result; passes() plays it with a clock that only advances where a
// line says so, and fails_at_every_step() makes each line fail in turn.
#pragma once

#include "protocol/messages.h"
#include "proxy/upstream/reach.h"
#include "tests/support/catch.h"

#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pgmoat::tests {

using protocol::Bytes;
using upstream::Clock;
using upstream::Plan;
using upstream::Reach;

inline lookups::SocketAddress address(const std::string& ip, std::uint16_t port = 5432) {
    return lookups::numeric_address(ip, port).value();
}

inline Bytes error_answer(const std::string& sqlstate) {
    return protocol::encode_fatal({sqlstate, "no"});
}

inline Bytes authentication_ok() {
    return {'R', 0, 0, 0, 8, 0, 0, 0, 0};
}

inline Bytes startup_packet() {
    return {0, 0, 0, 9, 0, 3, 0, 0, 0};
}

// An action as a word, with what distinguishes it from others of its kind.
inline std::string describe(const upstream::Action& action) {
    using namespace upstream;
    struct Words {
        std::string operator()(const LookUp& look) {
            return "look up " + std::to_string(look.host);
        }
        std::string operator()(const Connect& connect) {
            return "connect " + lookups::to_text(connect.address);
        }
        std::string operator()(const WriteBytes& write) {
            return "write " + std::to_string(write.bytes.size());
        }
        std::string operator()(const ReadExactly& read) {
            return "read " + std::to_string(read.bytes);
        }
        std::string operator()(const LookForEarlyBytes&) { return "look for early bytes"; }
        std::string operator()(const StartTls& tls) { return "tls " + std::to_string(tls.host); }
        std::string operator()(const SendOpening&) { return "send"; }
        std::string operator()(const ReadAnswer&) { return "receive"; }
        std::string operator()(const Reached& reached) {
            return "reached " + lookups::to_text(reached.address) + (reached.tls ? " tls" : "");
        }
        std::string operator()(const GiveUp& give_up) {
            switch (give_up.why) {
            case GiveUp::Why::unreachable: return "unreachable";
            case GiveUp::Why::protocol_violation: return "protocol violation";
            case GiveUp::Why::not_offered: return "not offered";
            case GiveUp::Why::hello_refused: return "hello refused";
            case GiveUp::Why::late: return "late";
            case GiveUp::Why::slow_answer: return "slow answer";
            case GiveUp::Why::role_lost: return "role lost";
            case GiveUp::Why::no_host_of_role: break; // of reach_by_role.h
            }
            return "?";
        }
    };
    return std::visit(Words{}, action);
}

class ReachScript {
  public:
    explicit ReachScript(Plan plan) : plan_(std::move(plan)) {}

    ReachScript& looks_up(std::size_t host, std::vector<lookups::SocketAddress> found) {
        return add("look up " + std::to_string(host), upstream::Addresses{std::move(found)});
    }
    ReachScript& finds_nothing(std::size_t host) {
        return add("look up " + std::to_string(host), upstream::NoAddresses{"no such name"});
    }
    ReachScript& connects(const std::string& ip) {
        return add("connect " + lookups::to_text(address(ip)), upstream::Connected{});
    }
    ReachScript& cannot_connect(const std::string& ip, int error = ECONNREFUSED) {
        return add("connect " + lookups::to_text(address(ip)), upstream::NotConnected{error});
    }
    ReachScript& asks() { return add("write 8", upstream::Written{}); }
    ReachScript& is_answered(char answer) {
        add("read 1", upstream::BytesRead{{}});
        lines_.back().bytes = {static_cast<std::uint8_t>(answer)};
        return *this;
    }
    ReachScript& nothing_came_early() {
        return add("look for early bytes", upstream::EarlyBytes{false});
    }
    ReachScript& something_came_early() {
        return add("look for early bytes", upstream::EarlyBytes{true});
    }
    ReachScript& starts_tls(bool alpn = true) { return add("tls 0", upstream::TlsStarted{alpn}); }
    ReachScript& tls_fails() { return add("tls 0", upstream::TlsFailed{"bad certificate"}); }
    ReachScript& sends() { return add("send", upstream::Written{}); }
    ReachScript& receives(Bytes bytes) {
        add("receive", upstream::Received{{}});
        lines_.back().bytes = std::move(bytes);
        return *this;
    }
    ReachScript& stream_ends(const std::string& at) { return add(at, upstream::EndOfStream{}); }
    ReachScript& breaks(const std::string& at) { return add(at, upstream::Broken{"reset"}); }
    // The step's own time limit passes, which must be `after` from the beginning of the step.
    ReachScript& waits_too_long(const std::string& at, Clock::duration after) {
        add(at, upstream::TimedOut{});
        lines_.back().limit = after;
        lines_.back().takes = after;
        return *this;
    }
    // How long the previous line took.
    ReachScript& taking(Clock::duration time) {
        lines_.back().takes = time;
        return *this;
    }
    ReachScript& has_no_limit() {
        lines_.back().no_limit = true;
        return *this;
    }
    ReachScript& ends(std::string with) {
        end_ = std::move(with);
        return *this;
    }

    // Returns the machine as it is at the end, for further checks.
    Reach passes() const {
        Reach reach(plan_);
        Clock::time_point now{std::chrono::hours(1)};
        upstream::Step step = reach.resume(now, upstream::Begin{});
        for (const Line& line : lines_) {
            INFO("expected: " << line.action);
            REQUIRE(describe(step.action) == line.action);
            if (line.limit) CHECK(step.until - now == *line.limit);
            if (line.no_limit) CHECK(step.until == Clock::time_point::max());
            now += line.takes;
            step = reach.resume(now, line.result());
        }
        CHECK(describe(step.action) == end_);
        if (const auto* reached = std::get_if<upstream::Reached>(&step.action))
            answer_ = reached->answer;
        return reach;
    }
    [[nodiscard]] const Bytes& answer() const { return answer_; }

    // Plays the lines up to `at`, then answers with `wrong` and returns what the machine does next.
    [[nodiscard]] std::string after(std::size_t at, const upstream::Result& wrong) const {
        Reach reach(plan_);
        const Clock::time_point now{std::chrono::hours(1)};
        upstream::Step step = reach.resume(now, upstream::Begin{});
        for (std::size_t i = 0; i < at; ++i)
            step = reach.resume(now, lines_[i].result());
        REQUIRE(describe(step.action) == lines_[at].action);
        return describe(reach.resume(now, wrong).action);
    }
    [[nodiscard]] std::size_t length() const { return lines_.size(); }
    [[nodiscard]] const std::string& action(std::size_t at) const { return lines_[at].action; }

  private:
    struct Line {
        std::string action;
        upstream::Result answer;
        Clock::duration takes{};
        std::optional<Clock::duration> limit = {};
        bool no_limit = false;
        Bytes bytes = {}; // that were read

        [[nodiscard]] upstream::Result result() const {
            if (std::holds_alternative<upstream::BytesRead>(answer))
                return upstream::BytesRead{bytes};
            if (std::holds_alternative<upstream::Received>(answer))
                return upstream::Received{bytes};
            return answer;
        }
    };

    ReachScript& add(std::string action, upstream::Result answer) {
        lines_.push_back({std::move(action), std::move(answer)});
        return *this;
    }

    Plan plan_;
    std::vector<Line> lines_;
    std::string end_;
    mutable Bytes answer_;
};

} // namespace pgmoat::tests
