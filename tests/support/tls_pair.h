// A TLS client and a TLS server back to back in memory, with certificates made on the spot.
//
//   CertificateFolder certificates; // a temporary folder; files made on demand
//   TlsPair pair(certificates.server_settings(), certificates.client_settings());
//   REQUIRE(pair.shake_hands());
//   pair.client.send("hello"); ... pair.server.receive() == "hello"
//
// Ciphertext is moved in one piece or byte by byte; tests can change it in Endpoint::arrived.
#pragma once

#include "tls/context.h"
#include "tls/issue.h"
#include "tls/session.h"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgmoat::test {

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "pgmoat-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
        path_ = pattern;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    [[nodiscard]] std::string file(const std::string& name) const {
        return (path_ / name).string();
    }

  private:
    std::filesystem::path path_;
};

// Two CAs, a server certificate for db.example.com and 127.0.0.1, and a client certificate for
// alice, in the files that the settings name.
class CertificateFolder {
  public:
    CertificateFolder() {
        issue_authority("root");
        issue_authority("other-root");
        issue("server", server_request("db.example.com", {"127.0.0.1"}));
        issue("client", client_request("alice"));
    }

    [[nodiscard]] std::string file(const std::string& name) const { return folder_.file(name); }
    [[nodiscard]] std::string certificate(const std::string& name) const {
        return file(name + ".crt");
    }
    [[nodiscard]] std::string key(const std::string& name) const { return file(name + ".key"); }

    [[nodiscard]] tls::CertificateRequest
    server_request(const std::string& common_name, std::vector<std::string> names = {}) const {
        return request(tls::CertificateKind::server, common_name, std::move(names));
    }
    [[nodiscard]] tls::CertificateRequest client_request(const std::string& common_name) const {
        return request(tls::CertificateKind::client, common_name, {});
    }

    // Makes name.crt and name.key.
    void issue(const std::string& name, const tls::CertificateRequest& what) const {
        tls::issue_certificate(what, certificate(name), key(name), true);
    }

    [[nodiscard]] tls::KeyPair pair(const std::string& name) const {
        return {certificate(name), key(name)};
    }
    [[nodiscard]] tls::ServerSettings server_settings(const std::string& name = "server") const {
        tls::ServerSettings settings;
        settings.pairs = {pair(name)};
        return settings;
    }
    // As sslmode=require without any files.
    [[nodiscard]] tls::ClientSettings client_settings() const { return {}; }
    [[nodiscard]] tls::ClientSettings verifying_client_settings(tls::Verify verify) const {
        tls::ClientSettings settings;
        settings.verify = verify;
        settings.root_certificate_file = certificate("root");
        return settings;
    }
    [[nodiscard]] tls::ClientSettings
    client_settings_with_certificate(const std::string& name = "client") const {
        tls::ClientSettings settings;
        settings.certificate_file = certificate(name);
        settings.key_file = key(name);
        return settings;
    }

  private:
    void issue_authority(const std::string& name) const {
        tls::CertificateRequest authority;
        authority.kind = tls::CertificateKind::authority;
        authority.common_name = "Test authority " + name;
        issue(name, authority);
    }
    [[nodiscard]] tls::CertificateRequest request(tls::CertificateKind kind,
                                                  const std::string& common_name,
                                                  std::vector<std::string> names) const {
        tls::CertificateRequest result;
        result.kind = kind;
        result.common_name = common_name;
        result.names = std::move(names);
        result.issuer_certificate_file = certificate("root");
        result.issuer_key_file = key("root");
        result.any_names = true; // tests of peers need NULs in them
        return result;
    }

    TemporaryFolder folder_;
};

// One side: a session, the bytes that arrived for it, and those it wants to send.
struct Endpoint {
    template <class... Arguments>
    explicit Endpoint(const Arguments&... arguments) : session(arguments...) {}

    tls::Session session;
    std::vector<std::uint8_t> arrived;
    std::vector<std::uint8_t> unsent;
    bool end_of_stream = false;
    tls::Status handshake_status = tls::Status::want_read;

    // Calls `call` with a Wire over the bytes that arrived, then removes those it consumed.
    template <class Call>
    auto with_wire(Call call) {
        tls::Wire wire{arrived, end_of_stream, unsent};
        auto result = call(wire);
        arrived.erase(arrived.begin(), arrived.end() - static_cast<std::ptrdiff_t>(wire.in.size()));
        return result;
    }

    tls::Status shake_hands() {
        handshake_status = with_wire([&](tls::Wire& wire) { return session.handshake(wire); });
        return handshake_status;
    }
    tls::Status send(std::string_view text) {
        const std::span<const std::uint8_t> bytes(
            reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
        return with_wire([&](tls::Wire& wire) { return session.write(bytes, wire); });
    }
    void shut_down() {
        with_wire([&](tls::Wire& wire) {
            session.shut_down(wire);
            return 0;
        });
    }
    // Reads everything available; the final status is in last_read.
    std::string receive() {
        std::string text;
        do {
            std::array<std::uint8_t, 16384> buffer{};
            const tls::ReadResult result =
                with_wire([&](tls::Wire& wire) { return session.read(buffer, wire); });
            text.append(reinterpret_cast<const char*>(buffer.data()), result.bytes);
            last_read = result.status;
        } while (last_read == tls::Status::ok);
        return text;
    }
    tls::Status last_read = tls::Status::want_read;
};

// Moves all of `from`'s ciphertext to `to`.
inline void deliver(Endpoint& from, Endpoint& to) {
    to.arrived.insert(to.arrived.end(), from.unsent.begin(), from.unsent.end());
    from.unsent.clear();
}

struct TlsPair {
    TlsPair(const tls::ServerSettings& server_settings,
            const tls::ClientSettings& client_settings,
            const std::string& host_name = "db.example.com")
        : server(*tls::ServerContext::load(server_settings)),
          client(*tls::ClientContext::load(client_settings), host_name) {}

    Endpoint server;
    Endpoint client;

    // Runs until both sides are done or one fails. True: both returned ok.
    bool shake_hands() {
        while (is_going_on()) {
            client.shake_hands();
            deliver(client, server);
            if (server.handshake_status == tls::Status::want_read) server.shake_hands();
            deliver(server, client);
        }
        return both_are(tls::Status::ok);
    }
    bool shake_hands_byte_by_byte() {
        while (is_going_on()) {
            if (client.handshake_status == tls::Status::want_read) client.shake_hands();
            for (const std::uint8_t byte : std::exchange(client.unsent, {})) {
                server.arrived.push_back(byte);
                if (server.handshake_status == tls::Status::want_read) server.shake_hands();
            }
            for (const std::uint8_t byte : std::exchange(server.unsent, {})) {
                client.arrived.push_back(byte);
                if (client.handshake_status == tls::Status::want_read) client.shake_hands();
            }
        }
        return both_are(tls::Status::ok);
    }
    // A TLS 1.3 client learns only at its first read that the server has refused its certificate.
    void let_client_hear() {
        deliver(server, client);
        if (client.handshake_status == tls::Status::ok) (void)client.receive();
    }

  private:
    [[nodiscard]] bool both_are(tls::Status status) const {
        return server.handshake_status == status && client.handshake_status == status;
    }
    [[nodiscard]] bool is_going_on() const {
        const auto waits = [](const Endpoint& side) {
            return side.handshake_status == tls::Status::want_read;
        };
        const auto failed = [](const Endpoint& side) {
            return side.handshake_status == tls::Status::failed;
        };
        if (failed(server) || failed(client)) {
            // The other side still receives the alert.
            return (waits(server) && !client.unsent.empty()) ||
                   (waits(client) && (!server.unsent.empty() || !client.arrived.empty()));
        }
        return waits(server) || waits(client);
    }
};

} // namespace pgmoat::test
