#include "protocol/scram_again.h"

#include "protocol/authentication_codes.h"
#include "protocol/scram_server.h"
#include "protocol/wire_reader.h"

#include <algorithm>
#include <utility>

namespace pgmoat::protocol {

ScramAgain::ScramAgain(const ScramProven& proven, ScramLeg server, std::string nonce)
    : proven_(proven), leg_(std::move(server)), nonce_(std::move(nonce)) {}

ScramAgain::~ScramAgain() {
    proven_.digests.wipe({reinterpret_cast<std::uint8_t*>(nonce_.data()), nonce_.size()});
}

ScramAgain::Action ScramAgain::begin(std::span<const std::string> mechanisms) {
    if (!leg_.in_tls && std::ranges::find(mechanisms, scram_plus_mechanism) != mechanisms.end())
        return Refuse{"offered SCRAM-SHA-256-PLUS authentication over a non-SSL connection"};
    std::optional<ScramBinding> binding = binding_for(leg_, mechanisms);
    if (!binding) return Refuse{"offers no SASL mechanism that can be bridged"};
    to_server_.emplace(proven_.digests, nonce_, std::move(*binding));
    const WipedText first(proven_.digests, to_server_->first());
    return AskServer{sasl_response(to_server_->mechanism(), *first)};
}

ScramAgain::Action ScramAgain::server_said(ByteView body) {
    WireReader reader(body);
    const std::uint32_t code = reader.uint32();
    if (code == authentication_sasl_continue && !proved_) return take_challenge(body.subspan(4));
    if (code == authentication_sasl_final && proved_) {
        if (to_server_->is_signed(body.subspan(4), proven_.secret.server_key)) return Accept{};
        return Refuse{"did not prove that it knows the user's secret"};
    }
    return Refuse{"sent authentication request " + std::to_string(code) +
                  " out of order in the SCRAM exchange"};
}

ScramAgain::Action ScramAgain::take_challenge(ByteView message) {
    const std::string complaint = to_server_->take_challenge(message);
    if (!complaint.empty()) return Refuse{complaint};
    if (to_server_->iterations() != proven_.secret.iterations ||
        to_server_->salt() != proven_.secret.salt)
        return Refuse{"has another SCRAM secret of the user than the server that was tried before"};
    proved_ = true;
    const WipedText proof(proven_.digests,
                          to_server_->prove(proven_.client_key, proven_.secret.stored_key));
    return AskServer{sasl_response({}, *proof)};
}

} // namespace pgmoat::protocol
