#include "protocol/scram_server.h"

#include "protocol/base64.h"
#include "protocol/limits.h"
#include "protocol/wire_reader.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace pgmoat::protocol {
namespace {

constexpr std::string_view binding_type = "tls-server-end-point";

} // namespace

// Reserves room for both messages of the client: growing would leave copies behind.
ScramServer::ScramServer(const ScramDigests& digests, std::string_view nonce, Bytes end_point)
    : digests_(digests), nonce_(digests), end_point_(std::move(end_point)), auth_message_(digests),
      proof_(digests) {
    nonce_->reserve(scram_message_bytes_max + nonce.size());
    auth_message_->reserve(4 * scram_message_bytes_max);
    *nonce_ = nonce;
}

std::vector<std::string_view> ScramServer::mechanisms() const {
    if (end_point_.empty()) return {scram_mechanism};
    return {scram_plus_mechanism, scram_mechanism};
}

ScramServer::Fault ScramServer::begin(std::string_view mechanism) {
    assert(state_ == State::offered);
    state_ = State::begun;
    bound_ = mechanism == scram_plus_mechanism && !end_point_.empty();
    if (bound_ || mechanism == scram_mechanism) return std::nullopt;
    state_ = State::ended;
    return ScramFault{"08P01", "client selected an invalid SASL authentication mechanism"};
}

// Expects n,,n=user,r=nonce[,extensions]
ScramServer::Fault ScramServer::take_first(ByteView message) {
    assert(state_ == State::begun);
    ScramReader reader(message);
    read_flag(reader);
    if (reader.next() == 'a')
        reader.fail({"0A000", "client uses authorization identity, but it is not supported", {}});
    else if (reader.next() != ',')
        reader.fail(malformed_scram("Unexpected attribute \"" + sanitized(reader.next()) +
                                    "\" in client-first-message."));
    reader.skip();

    const std::size_t bare_at = reader.position();
    if (reader.next() == 'm')
        reader.fail({"0A000", "client requires an unsupported SCRAM extension", {}});
    (void)reader.value('n');
    const std::string_view client_nonce = reader.value('r');
    if (!is_scram_printable(client_nonce))
        reader.fail({"08P01", "non-printable characters in SCRAM nonce", {}});
    while (!reader.failed() && !reader.at_end())
        (void)reader.any();

    if (!reader.failed()) {
        nonce_->insert(0, client_nonce);
        auth_message_->append(reader.text().substr(bare_at)).append(",");
    }
    return end_if(reader, State::asked);
}

// n, y or p=<type>, and the comma after it.
void ScramServer::read_flag(ScramReader& reader) {
    flag_ = reader.next();
    if (flag_ == 'p') {
        if (!bound_)
            return reader.fail(malformed_scram(
                "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message "
                "includes channel binding data."));
        const std::string_view type = reader.value('p');
        if (type != binding_type)
            reader.fail(
                {"08P01", "unsupported SCRAM channel-binding type \"" + sanitized(type) + '"', {}});
        return;
    }
    if (flag_ != 'n' && flag_ != 'y')
        return reader.fail(
            malformed_scram("Unexpected channel-binding flag \"" + sanitized(flag_) + "\"."));
    if (bound_)
        return reader.fail(malformed_scram("The client selected SCRAM-SHA-256-PLUS, but the SCRAM "
                                           "message does not include channel binding data."));
    saw_downgrade_ = flag_ == 'y' && !end_point_.empty();
    if (saw_downgrade_)
        return reader.fail(
            {"28000",
             "SCRAM channel binding negotiation error",
             "The client supports SCRAM channel binding but thinks the server does not.  However, "
             "this server does support channel binding."});
    reader.skip();
    if (reader.next() != ',')
        return reader.fail(malformed_scram("Comma expected, but found character \"" +
                                           sanitized(reader.next()) + "\"."));
    reader.skip();
}

std::string ScramServer::challenge(ByteView salt, std::uint32_t iterations) {
    assert(state_ == State::asked);
    state_ = State::challenged;
    std::string message;
    message.reserve(2 *
                    scram_message_bytes_max); // reserved once, like everything that holds a nonce
    message.append("r=").append(*nonce_).append(",s=").append(encode_base64(salt));
    message.append(",i=").append(std::to_string(iterations));
    auth_message_->append(message).append(",");
    return message;
}

// Expects c=binding,r=nonce[,extensions],p=proof
ScramServer::Fault ScramServer::take_final(ByteView message) {
    assert(state_ == State::challenged);
    ScramReader reader(message);
    const std::string_view binding = reader.value('c');
    if (!is_expected_binding(binding)) {
        if (bound_)
            reader.fail({"28000", "SCRAM channel binding check failed", {}});
        else
            reader.fail({"08P01",
                         "unexpected SCRAM channel-binding attribute in client-final-message",
                         {}});
    }
    const std::string_view nonce = reader.value('r');
    ScramReader::Attribute attribute;
    std::size_t proof_at = 0;
    while (!reader.failed() && attribute.name != 'p') {
        proof_at = reader.position();
        attribute = reader.any();
    }
    std::optional<Bytes> proof = decode_base64(attribute.value);
    if (!proof || proof->size() != proof_->size())
        reader.fail(malformed_scram("Malformed proof in client-final-message."));
    if (!reader.failed() && !reader.at_end())
        reader.fail(malformed_scram("Garbage found at the end of client-final-message."));
    if (!reader.failed() && !digests_.equal(as_bytes(nonce), as_bytes(*nonce_)))
        reader.fail({"08P01", "invalid SCRAM response", "Nonce does not match."});

    if (!reader.failed()) {
        std::ranges::copy(*proof, proof_->begin());
        auth_message_->append(reader.text().substr(0, proof_at - 1));
    }
    if (proof) digests_.wipe(*proof);
    return end_if(reader, State::answered);
}

bool ScramServer::is_expected_binding(std::string_view binding) const {
    if (!bound_) return binding == (flag_ == 'y' ? "eSws" : "biws");
    const std::string header = "p=" + std::string(binding_type) + ",,";
    Bytes data(header.begin(), header.end());
    data.insert(data.end(), end_point_.begin(), end_point_.end());
    return digests_.equal(as_bytes(binding), as_bytes(encode_base64(data)));
}

bool ScramServer::proves(const ScramDigest& stored_key, ScramDigest& client_key) const {
    assert(state_ == State::answered);
    ScramDigest signature = digests_.hmac_sha256(stored_key, as_bytes(*auth_message_));
    exclusive_or(signature, *proof_, client_key);
    digests_.wipe(signature);
    return digests_.equal(digests_.sha256(client_key), stored_key);
}

std::string ScramServer::signature(const ScramDigest& server_key) const {
    assert(state_ == State::answered);
    ScramDigest signature = digests_.hmac_sha256(server_key, as_bytes(*auth_message_));
    const WipedText text(digests_, encode_base64(signature));
    digests_.wipe(signature);
    return "v=" + *text;
}

ScramServer::Fault ScramServer::end_if(const ScramReader& reader, State else_state) {
    state_ = reader.failed() ? State::ended : else_state;
    return reader.fault();
}

ScramSecret mock_scram_secret(const ScramDigests& digests,
                              ByteView key,
                              std::string_view user,
                              std::uint32_t iterations) {
    const ScramDigest salt = digests.hmac_sha256(key, as_bytes(user));
    ScramSecret secret;
    secret.iterations = iterations;
    secret.salt.assign(salt.begin(), salt.begin() + scram_default_salt_bytes);
    secret.stored_key = digests.hmac_sha256(key, salt); // no key hashes to this value
    secret.server_key = digests.hmac_sha256(key, secret.stored_key);
    return secret;
}

} // namespace pgmoat::protocol
