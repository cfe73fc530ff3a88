// ssl_watch, and ssl_crl_dir without it: asks for a load when files of certificates, keys, CAs,
// revocation lists or hosts have changed, and again for a while when it fails: in the middle of a
// rotation the key of the new certificate is not there yet. Runs on one thread, that of the
// io_context.
#pragma once

#include "proxy/config/config.h"
#include "proxy/server/file_watch.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace pgmoat::server {

// The files that are loaded for TLS, of clients and of upstreams.
[[nodiscard]] std::vector<std::string> tls_files_of(const config::Config& config);

// Those of them that are watched: all with ssl_watch, and else the folders of revocation lists.
// PostgreSQL reads these for each connection, while OpenSSL reads a list once for each context.
[[nodiscard]] std::vector<std::string> files_to_watch(const config::Config& config);

class CertificateWatch {
  public:
    // Throws std::system_error.
    CertificateWatch(boost::asio::io_context& context, std::function<void()> load);
    ~CertificateWatch();
    CertificateWatch(const CertificateWatch&) = delete;
    CertificateWatch& operator=(const CertificateWatch&) = delete;

    // These were loaded, and looked like `seen` before they were read: what changed since then is
    // found, too. What is given back says which folders cannot be watched.
    [[nodiscard]] std::vector<std::string> watch(std::vector<std::string> paths, FileLooks seen);

    // A load failed, here asked for or not. It is asked for again if it was; true: it is not, and
    // somebody should hear of it.
    [[nodiscard]] bool gives_up();

  private:
    using Clock = std::chrono::steady_clock;

    void wait_for_events();
    void look_in(Clock::duration time);
    void look();

    std::function<void()> load_;
    FileWatch files_;
    boost::asio::posix::stream_descriptor events_; // does not own it
    boost::asio::steady_timer timer_;
    bool loading_ = false; // asked for, and nothing has come of it yet
    bool trying_ = false;  // a load has failed and is asked for again
    Clock::time_point retry_at_;
    Clock::time_point give_up_at_;
};

} // namespace pgmoat::server
