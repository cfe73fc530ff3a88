// Encrypted keys of a server: when ssl_passphrase_command runs, with which arguments, and the
// errors if it does not.
#include "tests/support/catch.h"
#include "tests/unit/tls/openssl_peer.h"
#include "tls/passphrase.h"

using namespace pgmoat;
using tls::Occasion;

namespace {

struct EncryptedKey {
    explicit EncryptedKey(test::KeyForm form = test::KeyForm::pkcs8) {
        settings = certificates.server_settings();
        settings.pairs[0].key_file = certificates.file("encrypted.key");
        settings.passphrase_command = "ask '%p' 100%%";
        settings.passphrase_command_supports_reload = true;
        test::write_encrypted_key(
            certificates, "server", settings.pairs[0].key_file, "secret", form);
    }

    // The error of load() with a command that prints `line`.
    std::string load(const std::string& line, Occasion occasion = Occasion::start) {
        const tls::Loading loading{occasion, [&](const std::string& command) {
                                       commands.push_back(command);
                                       return line;
                                   }};
        try {
            (void)tls::ServerContext::load(settings, loading);
        } catch (const tls::Error& error) {
            CHECK(test::error_queue_is_empty());
            return error.what();
        }
        return "loaded";
    }

    test::CertificateFolder certificates;
    tls::ServerSettings settings;
    std::vector<std::string> commands;
};

std::string refusal_of(const std::string& command) {
    try {
        (void)tls::expand_passphrase_command(command);
    } catch (const tls::Error& error) {
        return std::string(error.what()) + " | " + error.detail;
    }
    return "accepted";
}

} // namespace

TEST_CASE("the passphrase command opens encrypted keys of both forms") {
    for (const test::KeyForm form : {test::KeyForm::pkcs8, test::KeyForm::old}) {
        EncryptedKey key(form);
        CHECK(key.load("secret") == "loaded");
        CHECK(key.commands == std::vector<std::string>{"ask 'Enter PEM pass phrase:' 100%"});
    }
}

TEST_CASE("the end of the line that the command prints is not part of the passphrase") {
    for (const char* line : {"secret\n", "secret\r\n"})
        CHECK(EncryptedKey().load(line) == "loaded");
}

TEST_CASE("a wrong or empty passphrase leaves the key closed") {
    EncryptedKey key;
    const std::string refusal =
        "could not load private key file \"" + key.settings.pairs[0].key_file + "\": ";
    for (const std::string& line :
         {std::string("guess\n"), std::string(), std::string(5000, 'x')}) {
        const std::string said = key.load(line);
        CHECK(said.starts_with(refusal));
        CHECK(said.size() > refusal.size());
    }
}

TEST_CASE("the command is not run for a key that is not encrypted") {
    EncryptedKey key;
    key.settings.pairs[0].key_file = key.certificates.key("server");
    CHECK(key.load("secret") == "loaded");
    CHECK(key.commands.empty());
}

TEST_CASE("a reload asks only where the command supports it") {
    EncryptedKey key;
    CHECK(key.load("secret", Occasion::reload) == "loaded");
    key.settings.passphrase_command_supports_reload = false;
    key.commands.clear();
    CHECK(key.load("secret", Occasion::reload) ==
          "private key file \"" + key.settings.pairs[0].key_file +
              "\" cannot be reloaded because it requires a passphrase");
    CHECK(key.commands.empty());
    CHECK(key.load("secret", Occasion::start) == "loaded");
}

TEST_CASE("without a command an encrypted key is refused without asking anyone") {
    EncryptedKey key;
    key.settings.passphrase_command.clear();
    CHECK(key.load("secret") == "could not load private key file \"" +
                                    key.settings.pairs[0].key_file +
                                    "\": it requires a passphrase");
    CHECK(key.commands.empty());
}

TEST_CASE("what the command itself says is wrong comes out") {
    const EncryptedKey key;
    const tls::Loading loading{Occasion::start, [](const std::string&) -> std::string {
                                   throw tls::Error("command \"x\" failed", "why", "");
                               }};
    try {
        (void)tls::ServerContext::load(key.settings, loading);
        FAIL("loaded");
    } catch (const tls::Error& error) {
        CHECK(std::string(error.what()) == "command \"x\" failed");
        CHECK(error.detail == "why");
    }
}

TEST_CASE("other placeholders than %p and %% are refused") {
    CHECK(tls::expand_passphrase_command("") == "");
    CHECK(tls::expand_passphrase_command("%%p") == "%p");
    CHECK(refusal_of("echo %f") ==
          "invalid value for parameter \"ssl_passphrase_command\": \"echo %f\" | String contains "
          "unexpected placeholder \"%f\".");
    CHECK(refusal_of("echo %") ==
          "invalid value for parameter \"ssl_passphrase_command\": \"echo %\" | String ends "
          "unexpectedly after escape character \"%\".");
}
