#include "tls/revocation.h"

#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/context_parts.h"
#include "tls/error.h"
#include "tls/limits.h"
#include "tls/log_text.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

namespace pgmoat::tls {

namespace {

struct FreeName {
    void operator()(X509_NAME* name) const noexcept { X509_NAME_free(name); }
};
using NamePtr = std::unique_ptr<X509_NAME, FreeName>;

struct FreeObject {
    void operator()(X509_OBJECT* object) const noexcept { X509_OBJECT_free(object); }
};
struct FreeLookup {
    void operator()(X509_STORE_CTX* lookup) const noexcept { X509_STORE_CTX_free(lookup); }
};

std::string where_lists_are(const std::string& file, const std::string& folder) {
    if (folder.empty()) return "file " + quoted(file);
    if (file.empty()) return "directory " + quoted(folder);
    return "file " + quoted(file) + " or directory " + quoted(folder);
}

const char* path_or_null(const std::string& path) {
    return path.empty() ? nullptr : path.c_str();
}

[[noreturn]] void could_not_load_list(const std::string& place, const std::string& reason) {
    throw Error("could not load SSL certificate revocation list " + place + ": " + reason);
}

void require_folder(const std::string& folder) {
    struct stat status {};
    const std::string place = "directory " + quoted(folder);
    // OpenSSL would split the setting at ':' into several folders; everything else that uses it
    // (watching, checking, metrics) takes it as one path.
    if (folder.find(':') != std::string::npos)
        could_not_load_list(place, "A colon in its name separates folders for OpenSSL");
    if (stat(folder.c_str(), &status) != 0)
        could_not_load_list(place, std::generic_category().message(errno));
    if (!S_ISDIR(status.st_mode)) could_not_load_list(place, "Not a directory");
}

// Copied, since a look-up in a folder adds what it finds to the store.
std::vector<NamePtr> names_of_authorities(X509_STORE* store) {
    std::vector<NamePtr> names;
    for (const X509* authority : authorities_in(store))
        names.emplace_back(X509_NAME_dup(X509_get_subject_name(authority)));
    return names;
}

bool has_list(X509_STORE* store, const X509_NAME* authority) {
    const std::unique_ptr<X509_STORE_CTX, FreeLookup> lookup(X509_STORE_CTX_new());
    const std::unique_ptr<X509_OBJECT, FreeObject> found(X509_OBJECT_new());
    if (!lookup || !found || X509_STORE_CTX_init(lookup.get(), store, nullptr, nullptr) != 1)
        throw Error("out of memory");
    return X509_STORE_CTX_get_by_subject(lookup.get(), X509_LU_CRL, authority, found.get()) == 1;
}

bool has_expired(const X509_CRL* list) {
    const ASN1_TIME* const end = X509_CRL_get0_nextUpdate(list);
    return end != nullptr && X509_cmp_current_time(end) < 0;
}

} // namespace

void load_revocation_lists(ssl_ctx_st* context,
                           const std::string& file,
                           const std::string& folder) {
    if (file.empty() && folder.empty()) return;
    if (!folder.empty()) require_folder(folder);
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    if (X509_STORE_load_locations(store, path_or_null(file), path_or_null(folder)) != 1)
        could_not_load_list(where_lists_are(file, folder), take_reason());
    ERR_clear_error();
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

void require_list_of_each_authority(ssl_ctx_st* context,
                                    const std::string& file,
                                    const std::string& folder) {
    if (file.empty() && folder.empty()) return;
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    for (const NamePtr& name : names_of_authorities(store)) {
        const bool found = has_list(store, name.get());
        ERR_clear_error();
        if (found) continue;
        throw Error("no certificate revocation list of CA \"" +
                        for_the_log(slash_form(name.get()), logged_name_bytes_max) + "\" in " +
                        where_lists_are(file, folder),
                    "Every client certificate of this CA would be refused.",
                    "Put its list into the file, or into the directory and run \"openssl rehash\" "
                    "there.");
    }
}

std::vector<std::string> expired_lists(ssl_ctx_st* context) {
    std::vector<std::string> texts;
    const STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
        const X509_CRL* list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        if (list == nullptr || !has_expired(list)) continue;
        texts.push_back("the certificate revocation list of CA \"" +
                        for_the_log(slash_form(X509_CRL_get_issuer(list)), logged_name_bytes_max) +
                        "\" has expired: every client certificate of this CA is refused");
    }
    return texts;
}

} // namespace pgmoat::tls
