#include "tls/request_checks.h"

#include "tls/certificate.h"
#include "tls/context_parts.h"
#include "tls/host_name.h"
#include "tls/limits.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace pgmoat::tls {

namespace {

namespace fs = std::filesystem;

constexpr int days_of_a_leaf = 365;
constexpr int days_of_an_authority = 3650;

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 1123 does not allow the underscore, but container names have it and clients compare it.
bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= host_label_bytes_max && label.front() != '-' &&
           label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
               return is_letter_or_digit(c) || c == '-' || c == '_';
           });
}

// "*.example.com": a wildcard must be the whole first label, and another label must follow.
bool is_host_name(std::string_view name) {
    if (name.size() > host_name_bytes_max) return false;
    if (name.starts_with("*.")) name.remove_prefix(2);
    for (;;) {
        const std::size_t dot = name.find('.');
        if (!is_label(name.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        name.remove_prefix(dot + 1);
    }
}

void check_name(const std::string& name) {
    if (name.empty()) throw InvalidRequest("host name must not be empty");
    if (!address_bytes(name).empty()) return;
    if (looks_like_address(name)) throw InvalidRequest("invalid IP address: " + quoted(name));
    if (!is_host_name(name))
        throw InvalidRequest("invalid host name: " + quoted(name),
                             "",
                             "Use letters, digits, hyphens and dots; \"*\" only as the whole first "
                             "label; internationalized names in their \"xn--\" form.");
}

void check_common_name(const CertificateRequest& request) {
    const std::string& name = request.common_name;
    const bool is_server = request.kind == CertificateKind::server;
    if (name.empty() && is_server && !request.names.empty()) return;
    if (name.empty())
        throw InvalidRequest(is_server ? "a server certificate needs a host name"
                                       : "common name must not be empty");
    const bool has_control = std::any_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (has_control) throw InvalidRequest("common name must not contain control characters");
    const auto characters = std::count_if(name.begin(), name.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; // UTF-8: not a continuation
    });
    if (static_cast<std::size_t>(characters) > common_name_characters_max)
        throw InvalidRequest("common name is longer than " +
                             std::to_string(common_name_characters_max) + " characters");
    if (is_server) check_name(name);
}

void check_names(const CertificateRequest& request) {
    check_common_name(request);
    for (const std::string& name : request.names)
        check_name(name);
}

std::string real_path(const std::string& path) {
    std::error_code error;
    const fs::path real = fs::weakly_canonical(path, error);
    return error ? path : real.string();
}

void check_paths(const CertificateRequest& request,
                 const std::string& certificate_file,
                 const std::string& key_file) {
    const std::string certificate = real_path(certificate_file);
    const std::string key = real_path(key_file);
    if (certificate == key)
        throw InvalidRequest("certificate and private key must be different files");
    for (const std::string& issuer : {request.issuer_certificate_file, request.issuer_key_file}) {
        if (issuer.empty()) continue;
        const std::string taken = real_path(issuer);
        if (taken == certificate || taken == key)
            throw InvalidRequest("file " + quoted(issuer) +
                                 " of the certificate authority must not be overwritten");
    }
}

std::string day_of(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::array<char, 32> text{};
    (void)std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts);
    return text.data();
}

} // namespace

std::string address_bytes(const std::string& name) {
    in_addr v4{};
    in6_addr v6{};
    if (inet_pton(AF_INET, name.c_str(), &v4) == 1)
        return {reinterpret_cast<const char*>(&v4), sizeof v4};
    if (inet_pton(AF_INET6, name.c_str(), &v6) == 1)
        return {reinterpret_cast<const char*>(&v6), sizeof v6};
    return {};
}

void check_request(const CertificateRequest& request,
                   const std::string& certificate_file,
                   const std::string& key_file) {
    if (!request.any_names) check_names(request);
    if (request.days < 0) throw InvalidRequest("days of validity must not be negative");
    check_paths(request, certificate_file, key_file);
}

// X509_check_ca() also checks keyUsage: without keyCertSign a certificate is not a CA.
void check_issuer(x509_st* certificate, const std::string& file) {
    const std::string subject = "certificate file " + quoted(file);
    const bool may_sign = X509_check_ca(certificate) != 0;
    ERR_clear_error();
    if (!may_sign)
        throw Error(subject + " is not the certificate of an authority: it must not sign others");
    const std::int64_t end = unix_seconds(X509_get0_notAfter(certificate));
    if (end <= std::time(nullptr)) throw Error(subject + " has expired on " + day_of(end));
}

std::int64_t end_of_life(const CertificateRequest& request, std::int64_t begin, x509_st* issuer) {
    const bool is_authority = request.kind == CertificateKind::authority;
    const int usual = is_authority ? days_of_an_authority : days_of_a_leaf;
    const int days = request.days == 0 ? usual : request.days;
    const std::int64_t end = begin + days * seconds_per_day;
    if (issuer == nullptr) return end;
    const std::int64_t last = unix_seconds(X509_get0_notAfter(issuer));
    if (end <= last) return end;
    if (request.days != 0)
        throw InvalidRequest("the certificate would outlive its authority, which is valid until " +
                                 day_of(last),
                             "",
                             "Ask for fewer days, or for none: it then ends with its authority.");
    return last;
}

} // namespace pgmoat::tls
