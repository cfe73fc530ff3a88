// The exchange of scram_bridge.h as code, in its order.
#include "protocol/scram_bridge.h"

#include "protocol/authentication_codes.h"
#include "protocol/client_messages.h"
#include "protocol/frames.h"
#include "protocol/limits.h"
#include "protocol/messages.h"
#include "protocol/server_messages.h"
#include "protocol/wire_reader.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace pgmoat::protocol {
namespace {

// The client is told only that the server cannot be reached, not what it did wrong. 57P03 makes
// libpq try its next host.
const ScramFault upstream_nonsense{
    "57P03", "the upstream server does not speak the PostgreSQL protocol", {}};
const ScramFault upstream_unproven{
    "57P03", "the upstream server did not prove that it knows the user's secret", {}};

} // namespace

std::string_view word_of(ScramOutcome outcome) noexcept {
    switch (outcome) {
    case ScramOutcome::ok: return "ok";
    case ScramOutcome::wrong_proof: return "wrong_proof";
    case ScramOutcome::no_secret: return "no_secret";
    case ScramOutcome::refused_by_server: return "refused_by_server";
    case ScramOutcome::stale_secret: return "stale_secret";
    case ScramOutcome::lookup_failed: return "lookup_failed";
    case ScramOutcome::bad_message: return "bad_message";
    case ScramOutcome::downgrade: return "downgrade";
    case ScramOutcome::bad_server_message: return "bad_server_message";
    case ScramOutcome::server_not_verified: return "server_not_verified";
    case ScramOutcome::not_configured: return "not_configured";
    case ScramOutcome::abandoned: return "abandoned";
    }
    return "";
}

ScramBridge::ScramBridge(const ScramDigests& digests,
                         ScramLeg client,
                         ScramLeg server,
                         ScramRandom&& random,
                         std::string user)
    : digests_(digests), server_leg_(std::move(server)), random_(std::move(random)),
      user_(std::move(user)),
      to_client_(digests, random_.client_nonce, client.in_tls ? client.end_point : Bytes{}),
      client_key_(digests) {
    digests_.wipe(random.proof);
    digests_.wipe(random.stored_key);
}

ScramBridge::~ScramBridge() {
    if (secret_) wipe_secret(digests_, *secret_);
    digests_.wipe(random_.proof);
    digests_.wipe(random_.stored_key);
    for (std::string* nonce : {&random_.client_nonce, &random_.server_nonce})
        digests_.wipe({reinterpret_cast<std::uint8_t*>(nonce->data()), nonce->size()});
}

bool ScramBridge::speaks_scram(std::span<const std::string> mechanisms) {
    return contains(mechanisms, scram_mechanism) || contains(mechanisms, scram_plus_mechanism);
}

ScramBridge::Action ScramBridge::begin(std::span<const std::string> mechanisms) {
    assert(state_ == State::start);
    if (contains(mechanisms, scram_plus_mechanism) && !server_leg_.in_tls)
        return refuse_server(
            "server offered SCRAM-SHA-256-PLUS authentication over a non-SSL connection");
    std::optional<ScramBinding> binding = binding_for(server_leg_, mechanisms);
    if (!binding) return refuse_server("none of the server's SASL mechanisms can be bridged");
    to_server_.emplace(digests_, random_.server_nonce, std::move(*binding));
    Bytes frame;
    append_sasl_request(frame, to_client_.mechanisms());
    return ask_client(State::client_first, std::move(frame));
}

ScramBridge::Action
ScramBridge::client_said(std::uint8_t type, std::uint32_t length, ByteView body) {
    assert(state_ == State::client_first || state_ == State::client_final);
    if (type != 'p')
        return refuse_client(
            {"08P01", "expected SASL response, got message type " + std::to_string(type), {}});
    if (length > scram_frame_length_max || length < frame_length_min) {
        // PostgreSQL logs "invalid message length" and fails the login as if the password were
        // wrong.
        return refuse(ScramOutcome::bad_message, wrong_password(), "SCRAM message is too long");
    }
    return state_ == State::client_first ? take_client_first(body) : take_client_final(body);
}

ScramBridge::Action ScramBridge::take_client_first(ByteView body) {
    if (mechanism_selected_) return take_client_data(body);
    const SaslInitialResponse response = parse_sasl_initial_response(body);
    mechanism_selected_ = true;
    if (auto fault = to_client_.begin(response.mechanism)) return refuse_client(*fault);
    if (!response.complete) return refuse_client({"08P01", "invalid message format", {}});
    if (response.has_data) return take_client_data(response.data);
    Bytes frame;
    append_sasl_continue(frame, "");
    return ask_client(State::client_first, std::move(frame));
}

ScramBridge::Action ScramBridge::take_client_data(ByteView data) {
    if (auto fault = to_client_.take_first(data)) return refuse_client(*fault);
    const WipedText first(digests_, to_server_->first());
    return ask_server(State::server_first, sasl_response(to_server_->mechanism(), *first));
}

ScramBridge::Action ScramBridge::server_said(ByteView body) {
    WireReader reader(body);
    const std::uint32_t code = reader.uint32();
    if (code == authentication_ok)
        return refuse(ScramOutcome::server_not_verified,
                      upstream_unproven,
                      "server accepted the login before the SCRAM exchange was complete");
    if (code == authentication_sasl_continue && state_ == State::server_first)
        return take_server_first(body.subspan(4));
    if (code == authentication_sasl_final && state_ == State::server_final)
        return take_server_final(body.subspan(4));
    return refuse_server("unexpected authentication request " + std::to_string(code) +
                         " during the SCRAM exchange");
}

ScramBridge::Action ScramBridge::take_server_first(ByteView message) {
    const std::string complaint = to_server_->take_challenge(message);
    if (!complaint.empty()) return refuse_server(complaint);
    state_ = State::secret;
    return FindSecret{false};
}

// For an unknown user there is no secret to compare with; the server decides.
ScramBridge::Action ScramBridge::secret_found(std::optional<ScramSecret> secret) {
    assert(state_ == State::secret);
    if (secret_) wipe_secret(digests_, *secret_);
    secret_ = secret;
    if (secret) wipe_secret(digests_, *secret);
    const bool stale = secret_ && (secret_->iterations != to_server_->iterations() ||
                                   secret_->salt != to_server_->salt());
    if (stale && !std::exchange(asked_again_, true)) return FindSecret{true};
    // If salt and iterations are not those of the secret, the server may be an impostor, which must
    // not choose what the client hashes.
    if (stale)
        return refuse(ScramOutcome::stale_secret,
                      wrong_password(),
                      "the server's salt or iteration count is another than the known secret's");
    const WipedText challenge(digests_,
                              to_client_.challenge(to_server_->salt(), to_server_->iterations()));
    Bytes frame;
    append_sasl_continue(frame, *challenge);
    return ask_client(State::client_final, std::move(frame));
}

ScramBridge::Action ScramBridge::take_client_final(ByteView body) {
    if (auto fault = to_client_.take_final(body)) return refuse_client(*fault);
    const ScramDigest& stored_key = secret_ ? secret_->stored_key : random_.stored_key;
    const bool right = to_client_.proves(stored_key, *client_key_) && secret_;
    proof_ = right ? Proof::right : secret_ ? Proof::wrong : Proof::unknown_user;
    // Both answers are computed for each client, so that the time does not show which one is sent.
    const WipedText real(digests_, to_server_->prove(*client_key_, stored_key));
    const WipedText random(digests_, to_server_->prove_nothing(random_.proof));
    return ask_server(State::server_final, sasl_response({}, right ? *real : *random));
}

ScramBridge::Action ScramBridge::take_server_final(ByteView message) {
    if (proof_ != Proof::right || !to_server_->is_signed(message, secret_->server_key))
        return refuse(ScramOutcome::server_not_verified,
                      upstream_unproven,
                      proof_ == Proof::right ? "server's SCRAM signature is wrong"
                                             : "server accepted an invalid proof");
    Bytes frame;
    const WipedText signature(digests_, to_client_.signature(secret_->server_key));
    append_sasl_final(frame, *signature);
    state_ = State::over;
    return Accept{std::move(frame)};
}

void ScramBridge::give_proven(ScramProven& proven) const {
    assert(state_ == State::over && proof_ == Proof::right);
    proven.secret = *secret_;
    proven.client_key = *client_key_;
}

ScramOutcome ScramBridge::refused_by_server() const noexcept {
    switch (proof_) {
    case Proof::unknown_user: return ScramOutcome::no_secret;
    case Proof::wrong: return ScramOutcome::wrong_proof;
    case Proof::none:
    case Proof::right: return ScramOutcome::refused_by_server;
    }
    return ScramOutcome::refused_by_server;
}

ScramBridge::Action ScramBridge::ask_client(State next, Bytes frame) {
    state_ = next;
    return AskClient{std::move(frame)};
}

ScramBridge::Action ScramBridge::ask_server(State next, Bytes frame) {
    state_ = next;
    return AskServer{std::move(frame)};
}

ScramBridge::Action ScramBridge::refuse(ScramOutcome outcome, ScramFault fault, std::string why) {
    state_ = State::over;
    return Refuse{std::move(fault), std::move(why), outcome};
}

ScramBridge::Action ScramBridge::refuse_client(const ScramFault& fault) {
    const auto outcome =
        to_client_.saw_downgrade() ? ScramOutcome::downgrade : ScramOutcome::bad_message;
    const std::string detail = fault.detail.empty() ? "" : ": " + fault.detail;
    return refuse(outcome, fault, fault.message + detail);
}

ScramBridge::Action ScramBridge::refuse_server(std::string why) {
    return refuse(ScramOutcome::bad_server_message, upstream_nonsense, std::move(why));
}

ScramFault ScramBridge::wrong_password() const {
    return {"28P01", "password authentication failed for user \"" + user_ + '"', {}};
}

} // namespace pgmoat::protocol
