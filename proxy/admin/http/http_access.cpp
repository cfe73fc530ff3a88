#include "proxy/admin/http/http_access.h"

#include "proxy/admin/limits.h"

#include <fstream>
#include <utility>

namespace pgmoat::admin {

namespace {

std::string read_file(const std::string& name) {
    std::ifstream file(name, std::ios::binary);
    std::string text(http_users_file_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!file.is_open() || file.bad())
        throw config::ConfigError({"could not read HTTP users file \"" + name + "\""});
    if (!file.eof())
        throw config::ConfigError({"HTTP users file \"" + name + "\" is larger than " +
                                   std::to_string(http_users_file_bytes_max) + " bytes"});
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

std::string missing_of(const HttpAccess& access) {
    if (access.tls && access.users) return {};
    if (access.tls) return "without passwords (http_users_file)";
    if (access.users) return "without TLS (http_tls_cert_file): passwords can be read on the way";
    return "without TLS (http_tls_cert_file) and without passwords (http_users_file)";
}

} // namespace

HttpAccess load_http_access(const config::Config& config) {
    HttpAccess access;
    if (config.http_listen.empty()) return access;
    access.listen = config.http_listen;
    if (!config.http_users_file.empty()) {
        auto parsed = parse_http_users(read_file(config.http_users_file), config.http_users_file);
        if (!parsed.errors.empty()) throw config::ConfigError(std::move(parsed.errors));
        access.warnings = std::move(parsed.warnings);
        access.users = std::make_shared<const HttpUsers>(std::move(parsed.users));
    }
    if (!config.http_tls_cert_file.empty()) {
        tls::ServerSettings settings;
        settings.pairs = {{config.http_tls_cert_file, config.http_tls_key_file}};
        settings.application = tls::Application::http;
        access.tls = tls::ServerContext::load(settings);
    }
    return access;
}

std::string exposure_of(const HttpAccess& access) {
    const std::string missing = missing_of(access);
    if (missing.empty()) return {};
    return "http_listen = \"" + access.listen + "\" can be reached from other machines, " + missing;
}

} // namespace pgmoat::admin
