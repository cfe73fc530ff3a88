#include "proxy/server/certificate_watch.h"

#include "proxy/server/limits.h"

#include <utility>

namespace pgmoat::server {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

void add(std::vector<std::string>& files, const std::string& file) {
    if (!file.empty() && file != "system") files.push_back(file);
}

void add_pairs(std::vector<std::string>& files, const std::vector<tls::KeyPair>& pairs) {
    for (const auto& pair : pairs) {
        add(files, pair.certificate_file);
        add(files, pair.key_file);
    }
}

void add_own(std::vector<std::string>& files, const config::Config& config) {
    const tls::ServerSettings& tls = config.tls;
    for (const auto& file : config.hosts_files)
        add(files, file);
    for (const auto& host : tls::hosts_of(tls)) {
        add_pairs(files, host.pairs);
        add(files, host.ca_file);
    }
    add(files, tls.crl_file);
    add(files, tls.crl_dir);
}

} // namespace

std::vector<std::string> tls_files_of(const config::Config& config) {
    std::vector<std::string> files;
    if (config.ssl) add_own(files, config);
    add(files, config.auth_file);
    add(files, config.http_tls_cert_file);
    add(files, config.http_tls_key_file);
    for (const auto& [name, conninfo] : config.upstreams) {
        if (conninfo.sslmode == config::SslMode::disable) continue;
        for (const std::string* file : {&conninfo.sslrootcert,
                                        &conninfo.sslcert,
                                        &conninfo.sslkey,
                                        &conninfo.sslcrl,
                                        &conninfo.sslcrldir})
            add(files, *file);
    }
    for (const auto& [name, check] : config.health)
        for (const std::string* file :
             {&check.tls.root_certificate_file, &check.tls.certificate_file, &check.tls.key_file})
            add(files, *file);
    return files;
}

std::vector<std::string> files_to_watch(const config::Config& config) {
    if (config.ssl_watch) return tls_files_of(config);
    std::vector<std::string> folders;
    if (config.ssl) add(folders, config.tls.crl_dir);
    for (const auto& [name, conninfo] : config.upstreams)
        if (conninfo.sslmode != config::SslMode::disable) add(folders, conninfo.sslcrldir);
    return folders;
}

CertificateWatch::CertificateWatch(asio::io_context& context, std::function<void()> load)
    : load_(std::move(load)), events_(context, files_.descriptor()), timer_(context) {
    wait_for_events();
}

CertificateWatch::~CertificateWatch() {
    (void)events_.release(); // the watch closes it
}

std::vector<std::string> CertificateWatch::watch(std::vector<std::string> paths, FileLooks seen) {
    loading_ = false;
    trying_ = false;
    look_in(watch_debounce); // changes between loading and now cause no event
    return files_.watch(std::move(paths), std::move(seen));
}

bool CertificateWatch::gives_up() {
    if (!std::exchange(loading_, false)) return true;
    trying_ = Clock::now() < give_up_at_;
    if (!trying_) return true;
    retry_at_ = Clock::now() + watch_retry_pause;
    look_in(watch_retry_pause);
    return false;
}

void CertificateWatch::wait_for_events() {
    events_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
        if (!error) look_in(watch_debounce);
    });
}

// look() also reads the events that come until then.
void CertificateWatch::look_in(Clock::duration time) {
    timer_.expires_after(time);
    timer_.async_wait([this](const error_code& error) {
        if (!error) look();
    });
}

void CertificateWatch::look() {
    bool changed = false;
    try {
        changed = files_.look_for_changes();
    } catch (...) { // the next look may succeed
        look_in(watch_retry_pause);
        throw;
    }
    events_.cancel();
    wait_for_events();
    if (changed)
        give_up_at_ = Clock::now() + watch_patience;
    else if (loading_ || !trying_)
        return;
    else if (Clock::now() < retry_at_) // too soon: something else in the folder changed
        return look_in(retry_at_ - Clock::now());
    loading_ = true;
    load_();
}

} // namespace pgmoat::server
