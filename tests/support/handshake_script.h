// A conversation with a handshake machine, written as a list of its actions and their results.
// passes_every_way() plays it
//   - as written,
//   - with every read failing in turn, after each possible number of bytes,
//   - through the memory driver, the peer's bytes cut at every point and one byte at a time.
// If a write or TLS handshake fails, the driver closes and never resumes the machine: stopping at
// each such step is played as well, so that sanitizers can find leaks.
#pragma once

#include "tests/support/catch.h"
#include "tests/support/handshake_script_driver.h"
#include "tests/support/handshake_script_outcome.h"
#include "tests/support/handshake_script_step.h"
#include "tests/support/packet_builders.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace pgmoat::tests {

template <typename Machine>
class HandshakeScript {
  public:
    explicit HandshakeScript(Machine machine) : machine_(std::move(machine)) {}

    // --- writing the conversation ---

    HandshakeScript& expect_peek(std::uint8_t byte) { return add(Kind::peek, {byte}); }
    HandshakeScript& expect_read(Bytes bytes) { return add(Kind::read, std::move(bytes)); }
    HandshakeScript& expect_length_word(std::uint32_t length) {
        return add(Kind::read_length_word, big_endian(length));
    }
    // A packet of the startup phase: first its length word is read, then the rest.
    HandshakeScript& expect_packet(const Bytes& packet) {
        const auto rest = packet.begin() + 4;
        return add(Kind::read_length_word, Bytes(packet.begin(), rest))
            .expect_read(Bytes(rest, packet.end()));
    }
    HandshakeScript& sent_ahead(Bytes bytes) { return add(Kind::sent_ahead, std::move(bytes)); }
    HandshakeScript& expect_look_and_find_nothing() { return add(Kind::look, {}, false); }
    HandshakeScript& expect_look_and_find(Bytes bytes) {
        return sent_ahead(std::move(bytes)).add(Kind::look, {}, true);
    }
    HandshakeScript& expect_write(Bytes bytes) { return add(Kind::write, std::move(bytes)); }
    HandshakeScript& expect_write(std::string_view text) { return expect_write(bytes_of(text)); }
    HandshakeScript& expect_start_tls(bool alpn = true) { return add(Kind::start_tls, {}, alpn); }
    HandshakeScript& expect_start_direct_tls(bool alpn = true) {
        return add(Kind::start_direct_tls, {}, alpn);
    }
    HandshakeScript& expect_end(Outcome outcome) {
        outcome_ = std::move(outcome);
        return *this;
    }

    // --- playing it ---

    void passes_every_way() const {
        passes_as_written();
        passes_with_every_step_failing();
        passes_however_the_bytes_are_cut();
    }

    void passes_as_written() const {
        Machine machine = machine_;
        CHECK(ending(play(machine, steps_.size())) == outcome_);
    }

    void passes_with_every_step_failing() const {
        for (std::size_t failing = 0; failing < steps_.size(); ++failing) {
            INFO("failing step " << failing);
            fail(failing, steps_[failing]);
        }
    }

    void passes_however_the_bytes_are_cut() const {
        const Transcript expected = drive(machine_, arrivals(whole));
        CHECK(expected.outcome == outcome_);
        CHECK(expected.written == written());
        CHECK(expected.read_in_clear + expected.read_in_tls == bytes_asked_for());
        CHECK(drive(machine_, arrivals(one_byte_at_a_time)) == expected);
        for (std::size_t at = 1; at < longest_flight(); ++at) {
            INFO("cut after " << at << " bytes");
            const auto cut_here = [at](const Bytes& bytes) { return cut(bytes, at); };
            CHECK(drive(machine_, arrivals(cut_here)) == expected);
        }
    }

  private:
    using Kind = ScriptStep::Kind;
    using Action = decltype(std::declval<Machine&>().resume(protocol::Begin{}));

    // What the peer sends at once, and what it sends before it gets our answer.
    struct Flight {
        bool tls = false;
        Bytes bytes = {};
        Bytes ahead = {};
    };

    HandshakeScript& add(Kind kind, Bytes bytes, bool yes = false) {
        steps_.push_back({kind, std::move(bytes), yes});
        return *this;
    }

    // --- step by step ---

    Action play(Machine& machine, std::size_t count) const {
        Action action = machine.resume(protocol::Begin{});
        for (std::size_t i = 0; i < count; ++i) {
            INFO("step " << i);
            play_step(machine, action, steps_[i]);
        }
        return action;
    }

    static void play_step(Machine& machine, Action& action, const ScriptStep& step) {
        switch (step.kind) {
        case Kind::peek:
            REQUIRE(asks_for_a_peek(action));
            action = machine.resume(peeked(machine, step.bytes[0]));
            break;
        case Kind::read_length_word:
        case Kind::read:
            REQUIRE(std::holds_alternative<protocol::ReadExactly>(action));
            REQUIRE(std::get<protocol::ReadExactly>(action).bytes == step.bytes.size());
            action = machine.resume(protocol::BytesRead{step.bytes});
            break;
        case Kind::sent_ahead: break;
        case Kind::look:
            REQUIRE(std::holds_alternative<protocol::LookForEarlyBytes>(action));
            action = machine.resume(protocol::EarlyBytes{step.yes});
            break;
        case Kind::write:
            REQUIRE(std::holds_alternative<protocol::WriteBytes>(action));
            REQUIRE(std::get<protocol::WriteBytes>(action).bytes == step.bytes);
            action = machine.resume(protocol::Written{});
            break;
        case Kind::start_tls:
        case Kind::start_direct_tls:
            REQUIRE(start_is_direct(action) == (step.kind == Kind::start_direct_tls));
            action = machine.resume(protocol::TlsStarted{step.yes});
            break;
        }
    }

    // --- each step failing ---

    void fail(std::size_t failing, const ScriptStep& step) const {
        if (step.kind == Kind::peek) {
            CHECK(ending_with_end_of_stream(failing, 0) ==
                  closed(protocol::CloseHandshake::Reason::end_of_stream));
        } else if (step.reads()) {
            for (std::size_t before = 0; before < step.bytes.size(); ++before) {
                INFO("the stream ends after " << before << " bytes");
                CHECK(ending_with_end_of_stream(failing, before) ==
                      cut_short(machine_, step, before, answered_before(failing)));
            }
        } else if (step.kind != Kind::sent_ahead) {
            Machine machine = machine_;
            CHECK_FALSE(end_of(play(machine, failing)).has_value());
        }
    }

    [[nodiscard]] Outcome ending_with_end_of_stream(std::size_t step, std::size_t before) const {
        Machine machine = machine_;
        (void)play(machine, step);
        return ending(machine.resume(protocol::EndOfStream{before}));
    }

    [[nodiscard]] bool answered_before(std::size_t step) const {
        const auto end = steps_.begin() + static_cast<std::ptrdiff_t>(step);
        return std::any_of(
            steps_.begin(), end, [](const auto& one) { return one.kind == Kind::write; });
    }

    // --- as a stream ---

    [[nodiscard]] std::vector<Flight> flights() const {
        std::vector<Flight> result(1);
        for (const auto& step : steps_) {
            auto& current = result.back();
            if (step.reads()) current.bytes = std::move(current.bytes) + step.bytes;
            if (step.kind == Kind::sent_ahead) current.ahead = step.bytes;
            if (step.kind == Kind::write) {
                const bool tls = current.tls;
                result.push_back({.tls = tls});
            }
            if (step.starts_tls()) result.push_back({.tls = true});
        }
        if (peeks_only()) result.front().bytes = steps_[0].bytes;
        return result;
    }

    // A byte that was only peeked at because TLS or a close followed: it is still sent.
    [[nodiscard]] bool peeks_only() const {
        if (steps_.empty() || steps_[0].kind != Kind::peek) return false;
        return steps_.size() == 1 || !steps_[1].reads();
    }

    template <typename Cutter>
    [[nodiscard]] Arrivals arrivals(const Cutter& cutter) const {
        Arrivals result;
        for (const auto& flight : flights()) {
            std::deque<Bytes> pieces = cutter(flight.bytes);
            if (!flight.ahead.empty()) pieces.back() = pieces.back() + flight.ahead;
            auto& stream = flight.tls ? result.in_tls : result.in_clear;
            stream.insert(stream.end(), pieces.begin(), pieces.end());
        }
        for (const auto& step : steps_) {
            if (step.starts_tls()) result.alpn = step.yes;
        }
        return result;
    }

    static std::deque<Bytes> whole(const Bytes& bytes) { return in_one_piece(bytes); }
    static std::deque<Bytes> one_byte_at_a_time(const Bytes& bytes) { return byte_by_byte(bytes); }
    static std::deque<Bytes> cut(const Bytes& bytes, std::size_t at) {
        if (at >= bytes.size()) return in_one_piece(bytes);
        const auto middle = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        return {Bytes(bytes.begin(), middle), Bytes(middle, bytes.end())};
    }

    [[nodiscard]] std::size_t longest_flight() const {
        std::size_t longest = 0;
        for (const auto& flight : flights())
            longest = std::max(longest, flight.bytes.size());
        return longest;
    }
    [[nodiscard]] std::size_t bytes_asked_for() const {
        std::size_t bytes = 0;
        for (const auto& step : steps_)
            bytes += step.reads() ? step.bytes.size() : 0;
        return bytes;
    }
    [[nodiscard]] Bytes written() const {
        Bytes bytes;
        for (const auto& step : steps_) {
            if (step.kind == Kind::write) bytes = std::move(bytes) + step.bytes;
        }
        return bytes;
    }

    Machine machine_;
    std::vector<ScriptStep> steps_;
    Outcome outcome_;
};

} // namespace pgmoat::tests
