#include "tls/key_file.h"

#include "tls/context_parts.h"
#include "tls/error.h"
#include "tls/handles.h"
#include "tls/limits.h"
#include "tls/pem_contents.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <fcntl.h>
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

bool more_than_0600(mode_t mode) {
    return (mode & 077U) != 0;
}
bool more_than_0640(mode_t mode) {
    return (mode & 037U) != 0;
}

// Replaces OpenSSL's prompt on the terminal.
struct Passphrase {
    std::function<std::string()> ask; // none: no way to ask
    bool asked = false;
    std::optional<Error> failure; // why asking failed
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

// Called by OpenSSL's C code: must not throw.
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

std::string words(int error) {
    return std::generic_category().message(error);
}

[[noreturn]] void could_not_load(const std::string& path, const std::string& reason) {
    throw Error("could not load private key file " + quoted(path) + ": " + reason,
                "",
                hint_about(path, Pem::key));
}

// An open key file: the file that is checked is the one that is read, even if the path is replaced
// in between. If it cannot be opened, it is examined by path, only to report the reason.
class KeyFile {
  public:
    explicit KeyFile(const std::string& path)
        // O_NONBLOCK: opening a FIFO (which is refused anyway) would wait for its writer.
        : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), error_(errno) {
        struct stat status {};
        const bool known =
            is_open() ? ::fstat(descriptor_, &status) == 0 : ::stat(path.c_str(), &status) == 0;
        if (known)
            facts_ = KeyFileFacts{S_ISREG(status.st_mode), status.st_uid, status.st_mode};
        else
            error_ = errno;
    }
    ~KeyFile() {
        if (is_open()) ::close(descriptor_);
        OPENSSL_cleanse(bytes_.data(), bytes_.size());
    }
    KeyFile(const KeyFile&) = delete;
    KeyFile& operator=(const KeyFile&) = delete;

    // Nothing: error() has the reason.
    [[nodiscard]] const std::optional<KeyFileFacts>& facts() const noexcept { return facts_; }
    [[nodiscard]] int error() const noexcept { return error_; }

    // The contents as a BIO, valid as long as this object. Throws Error.
    [[nodiscard]] BioPtr read(const std::string& path) {
        if (!is_open()) could_not_load(path, words(error_));
        bytes_.resize(key_file_bytes_max + 1); // never grows: that would leave a copy unwiped
        std::size_t size = 0;
        while (size < bytes_.size()) {
            const ssize_t got = ::read(descriptor_, bytes_.data() + size, bytes_.size() - size);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) could_not_load(path, words(errno));
            if (got == 0) break;
            size += static_cast<std::size_t>(got);
        }
        if (size > key_file_bytes_max)
            could_not_load(path,
                           "file is larger than " + std::to_string(key_file_bytes_max) + " bytes");
        size_ = size;
        return bio();
    }
    [[nodiscard]] BioPtr bio() const {
        return BioPtr(BIO_new_mem_buf(bytes_.data(), static_cast<int>(size_)));
    }

  private:
    [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }

    int descriptor_;
    int error_;
    std::optional<KeyFileFacts> facts_;
    std::string bytes_;
    std::size_t size_ = 0;
};

bool use_key(SSL_CTX* context, EVP_PKEY* loaded) {
    const KeyPtr key(loaded);
    return key && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
}

// SSL_CTX_use_PrivateKey_file() from memory.
bool use_pem(SSL_CTX* context, bio_st* bio, Passphrase& passphrase) {
    return use_key(context, PEM_read_bio_PrivateKey(bio, nullptr, give_passphrase, &passphrase));
}
bool use_der(SSL_CTX* context, bio_st* bio) {
    return use_key(context, d2i_PrivateKey_bio(bio, nullptr));
}

void check_server_key(const std::string& path, const KeyFile& file, uid_t runs_as) {
    if (!file.facts())
        throw Error("could not access private key file " + quoted(path) + ": " +
                    words(file.error()));
    if (const auto problem = server_key_file_problem(path, *file.facts(), runs_as))
        throw Error(*problem);
}

void check_client_key(const std::string& path, const KeyFile& file) {
    if (!file.facts()) {
        if (file.error() == ENOENT)
            throw Error("certificate present, but not private key file " + quoted(path));
        throw Error("could not stat private key file " + quoted(path) + ": " + words(file.error()));
    }
    if (const auto problem = client_key_file_problem(path, *file.facts())) throw Error(*problem);
}

} // namespace

std::optional<Error>
server_key_file_problem(const std::string& path, const KeyFileFacts& facts, uid_t we) {
    const std::string subject = "private key file " + quoted(path);
    if (!facts.is_regular) return Error(subject + " is not a regular file");
    if (facts.owner != we && facts.owner != 0)
        return Error(subject + " must be owned by the user pgmoat runs as, or root");
    if ((facts.owner == we && more_than_0600(facts.mode)) ||
        (facts.owner == 0 && more_than_0640(facts.mode))) {
        return Error(
            subject + " has group or world access",
            "File must have permissions u=rw (0600) or less if owned by the user pgmoat runs as, "
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
    KeyFile file(path);
    check_server_key(path, file, passphrases.loading.run_as.value_or(geteuid()));
    Passphrase passphrase;
    if (passphrases.may_ask()) passphrase.ask = [&passphrases] { return passphrases.ask(); };
    if (use_pem(context, file.read(path).get(), passphrase)) return;
    const std::string reason = take_reason();
    if (passphrase.failure) throw Error(*passphrase.failure);
    if (passphrase.asked && !passphrase.ask) throw passphrases.why_not(path);
    could_not_load(path, reason);
}

// libpq also tries DER, and then reports why the file is not PEM.
void load_client_key(ssl_ctx_st* context, const std::string& path, const std::string& password) {
    KeyFile file(path);
    check_client_key(path, file);
    Passphrase passphrase = known_passphrase(password);
    if (use_pem(context, file.read(path).get(), passphrase)) return;
    const std::string reason = take_reason();
    const bool is_der = use_der(context, file.bio().get());
    ERR_clear_error();
    if (!is_der) could_not_load(path, reason);
}

} // namespace pgmoat::tls
