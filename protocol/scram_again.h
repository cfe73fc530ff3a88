// The server's leg of a bridged login once more, on another server, with the keys that the client's
// proof gave on the first one (scram_bridge.h). The client is not asked again: it sent one proof, for
// one salt, so only a server with the same salt and iteration count can be logged in to: a standby
// has them from its primary.
//
//   verb          | input                  | action
//   --------------+------------------------+------------------------------------------------
//   begin()       | the server's list      | AskServer: client-first
//   server_said() | server-first: r, s, i  | AskServer: client-final; other s or i: Refuse
//   server_said() | v=, which must be right | Accept
#pragma once

#include "protocol/bytes.h"
#include "protocol/scram_client.h"
#include "protocol/scram_leg.h"
#include "protocol/scram_proven.h"

#include <optional>
#include <span>
#include <string>
#include <variant>

namespace pgmoat::protocol {

class ScramAgain {
  public:
    struct AskServer { // send, wipe, then server_said()
        Bytes frame;
    };
    struct Accept {};
    struct Refuse {      // this server cannot be logged in to
        std::string why; // for the log
    };
    using Action = std::variant<AskServer, Accept, Refuse>;

    // `proven` outlives this object. `nonce`: as for ScramClient.
    ScramAgain(const ScramProven& proven, ScramLeg server, std::string nonce);
    ~ScramAgain();
    ScramAgain(const ScramAgain&) = delete;
    ScramAgain& operator=(const ScramAgain&) = delete;

    [[nodiscard]] Action begin(std::span<const std::string> mechanisms);
    // Body of an Authentication message, its code included.
    [[nodiscard]] Action server_said(ByteView body);

    [[nodiscard]] bool is_bound() const noexcept { return to_server_ && to_server_->is_bound(); }

  private:
    [[nodiscard]] Action take_challenge(ByteView message);

    const ScramProven& proven_;
    ScramLeg leg_;
    std::string nonce_;
    std::optional<ScramClient> to_server_;
    bool proved_ = false;
};

} // namespace pgmoat::protocol
