// One live connection on the relay plane: two sockets, up to two TLS sessions, and what must not be
// lost when it moves there. The control plane fills it in and gives it away with Plane::adopt();
// from then on one relay thread owns it until it is closed and reported.
#pragma once

#include "metrics/labels.h"
#include "proxy/descriptor.h"
#include "proxy/relay/traffic_meter.h"
#include "proxy/telemetry/traffic.h"
#include "tls/session.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pgmoat::relay {

struct Leg {
    Descriptor socket;                 // non-blocking
    std::unique_ptr<tls::Session> tls; // none: the bytes are relayed as they are
    // Received from this socket and not yet relayed: ciphertext when there is a TLS session.
    std::vector<std::uint8_t> unread;
    // Owed to this socket, ready to be sent: already encrypted when there is a TLS session.
    std::vector<std::uint8_t> unsent;
};

struct Channel {
    std::uint64_t id = 0; // by which it can be closed from outside: its SessionRow's
    Leg client;
    Leg server;
    // The owner's own record of the connection (a SessionRow); the relay only counts in it and
    // gives it back with the end. Never null.
    std::unique_ptr<telemetry::Traffic> row;
    TrafficMeter meter; // of that row
    bool stays = false; // no other process takes it over: give_away() leaves it where it is
};

// How a channel ended; given to the reporter with the row.
struct Ended {
    metrics::CloseReason reason = metrics::CloseReason::internal;
    std::string detail; // for the log: names the side and says what happened
};

// When a channel is ended from outside.
enum class When {
    at_once, // behind the message that its client is getting
    idle,    // as soon as nothing is under way: no query, no transaction
    if_idle, // now, or not at all
};

// Which channels are told to leave.
enum class Whom {
    all,
    who_stays, // those that give_away() will not find
};

// Takes channels that leave the plane alive, on the relay thread that owned them; must not block.
// Empty: none of this thread can leave now. What stays in the list, or when it throws, goes on.
using Taker = std::function<void(std::vector<std::unique_ptr<Channel>>&)>;

// Where a channel's end is told. Called once per channel, on the relay thread that owned it, or on
// the one that gave it away if it could not be taken; must not block.
class Reporter {
  public:
    virtual ~Reporter() = default;
    virtual void report(std::unique_ptr<telemetry::Traffic> row, const Ended& ended) = 0;
};

} // namespace pgmoat::relay
