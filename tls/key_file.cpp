#include "tls/key_file.h"

#include "tls/context_parts.h"
#include "tls/error.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <functional>
#include <system_error>
#include <utility>

namespace pgmoat::tls {

namespace {

KeyFileFacts facts_of(const struct stat& status) {
    return {S_ISREG(status.st_mode), status.st_uid, status.st_mode};
}

bool more_than_0600(mode_t mode) {
    return (mode & 077U) != 0;
}
bool more_than_0640(mode_t mode) {
    return (mode & 037U) != 0;
}

// Given to OpenSSL in place of its prompt on the terminal.
struct Passphrase {
    std::function<std::string()> ask; // none: there is nobody to ask
    bool asked = false;
    std::optional<Error> failure; // of asking
};

Passphrase known_passphrase(const std::string& text) {
    return {[&text] { return text; }, false, std::nullopt};
}

void wipe(std::string& secret) {
    OPENSSL_cleanse(secret.data(), secret.size());
}

int fill_in(std::string text, char* buffer, int size) {
    const bool fits = !text.empty() && text.size() <= static_cast<std::size_t>(size);
    if (fits) std::copy(text.begin(), text.end(), buffer);
    const int length = fits ? static_cast<int>(text.size()) : -1;
    wipe(text);
    return length;
}

// No exception may leave it: OpenSSL is C.
int give_passphrase(char* buffer, int size, int, void* data) {
    auto* passphrase = static_cast<Passphrase*>(data);
    passphrase->asked = true;
    if (!passphrase->ask) return -1;
    try {
        return fill_in(passphrase->ask(), buffer, size);
    } catch (const Error& error) {
        passphrase->failure = error;
    } catch (const std::exception& error) {
        passphrase->failure = Error(error.what());
    }
    return -1;
}

int refuse_to_ask(char*, int, int, void*) {
    return -1;
}

// The context remembers the callback; it must not outlive the passphrase.
class PassphraseInUse {
  public:
    PassphraseInUse(SSL_CTX* context, Passphrase& passphrase) : context_(context) {
        SSL_CTX_set_default_passwd_cb(context, give_passphrase);
        SSL_CTX_set_default_passwd_cb_userdata(context, &passphrase);
    }
    ~PassphraseInUse() {
        SSL_CTX_set_default_passwd_cb_userdata(context_, nullptr);
        never_ask_for_passphrases(context_);
    }
    PassphraseInUse(const PassphraseInUse&) = delete;
    PassphraseInUse& operator=(const PassphraseInUse&) = delete;

  private:
    SSL_CTX* context_;
};

void check_server_key(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
        throw Error("could not access private key file " + quoted(path) + ": " +
                    std::generic_category().message(errno));
    }
    if (const auto problem = server_key_file_problem(path, facts_of(status), geteuid()))
        throw Error(*problem);
}

void check_client_key(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
        if (errno == ENOENT)
            throw Error("certificate present, but not private key file " + quoted(path));
        throw Error("could not stat private key file " + quoted(path) + ": " +
                    std::generic_category().message(errno));
    }
    if (const auto problem = client_key_file_problem(path, facts_of(status))) throw Error(*problem);
}

} // namespace

std::optional<Error>
server_key_file_problem(const std::string& path, const KeyFileFacts& facts, uid_t we) {
    const std::string subject = "private key file " + quoted(path);
    if (!facts.is_regular) return Error(subject + " is not a regular file");
    if (facts.owner != we && facts.owner != 0)
        return Error(subject + " must be owned by the database user or root");
    if ((facts.owner == we && more_than_0600(facts.mode)) ||
        (facts.owner == 0 && more_than_0640(facts.mode))) {
        return Error(
            subject + " has group or world access",
            "File must have permissions u=rw (0600) or less if owned by the database user, "
            "or permissions u=rw,g=r (0640) or less if owned by root.",
            "");
    }
    return std::nullopt;
}

std::optional<Error> client_key_file_problem(const std::string& path, const KeyFileFacts& facts) {
    const std::string subject = "private key file " + quoted(path);
    if (!facts.is_regular) return Error(subject + " is not a regular file");
    if (facts.owner == 0 ? more_than_0640(facts.mode) : more_than_0600(facts.mode)) {
        return Error(subject +
                     " has group or world access; file must have permissions u=rw (0600) or less "
                     "if owned by the current user, or permissions u=rw,g=r (0640) or less if "
                     "owned by root");
    }
    return std::nullopt;
}

void never_ask_for_passphrases(ssl_ctx_st* context) {
    SSL_CTX_set_default_passwd_cb(context, refuse_to_ask);
}

void load_server_key(ssl_ctx_st* context,
                     const std::string& path,
                     const PassphraseSource& passphrases) {
    check_server_key(path);
    Passphrase passphrase;
    if (passphrases.may_ask()) passphrase.ask = [&passphrases] { return passphrases.ask(); };
    const PassphraseInUse in_use(context, passphrase);
    if (SSL_CTX_use_PrivateKey_file(context, path.c_str(), SSL_FILETYPE_PEM) == 1) return;
    const std::string reason = take_reason();
    if (passphrase.failure) throw Error(*passphrase.failure);
    if (passphrase.asked && !passphrase.ask) throw passphrases.why_not(path);
    throw Error("could not load private key file " + quoted(path) + ": " + reason);
}

// libpq takes DER, too, and then shows why it is no PEM.
void load_client_key(ssl_ctx_st* context, const std::string& path, const std::string& password) {
    check_client_key(path);
    Passphrase passphrase = known_passphrase(password);
    const PassphraseInUse in_use(context, passphrase);
    if (SSL_CTX_use_PrivateKey_file(context, path.c_str(), SSL_FILETYPE_PEM) == 1) return;
    const std::string reason = take_reason();
    const bool is_der = SSL_CTX_use_PrivateKey_file(context, path.c_str(), SSL_FILETYPE_ASN1) == 1;
    ERR_clear_error();
    if (!is_der) throw Error("could not load private key file " + quoted(path) + ": " + reason);
}

} // namespace pgmoat::tls
