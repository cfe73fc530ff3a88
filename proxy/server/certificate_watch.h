// ssl_watch, and ssl_crl_dir without it: requests a load when certificate, key, CA, revocation list
// or hosts files have changed, and for a while retries a failed load: in the middle of a rotation
// the new certificate's key may not be there yet. Runs on one thread, that of the io_context.
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

// The TLS files that are loaded, for clients and for upstreams.
[[nodiscard]] std::vector<std::string> tls_files_of(const config::Config& config);

// Those of them that are watched: with ssl_watch all, otherwise only the folders of revocation
// lists. PostgreSQL sees new lists there in each new backend, but an OpenSSL context reads each
// list only once.
[[nodiscard]] std::vector<std::string> files_to_watch(const config::Config& config);

class CertificateWatch {
  public:
    // Throws std::system_error.
    CertificateWatch(boost::asio::io_context& context, std::function<void()> load);
    ~CertificateWatch();
    CertificateWatch(const CertificateWatch&) = delete;
    CertificateWatch& operator=(const CertificateWatch&) = delete;

    // Watches `paths`, which were loaded and looked like `seen` before they were read: so changes
    // since then are found, too. Returns errors for folders that cannot be watched.
    [[nodiscard]] std::vector<std::string> watch(std::vector<std::string> paths, FileLooks seen);

    // Call when a load has failed, whoever requested it. False: the watch requested it and will
    // retry. True: it will not, and the failure should be reported.
    [[nodiscard]] bool gives_up();

  private:
    using Clock = std::chrono::steady_clock;

    void wait_for_events();
    void look_in(Clock::duration time);
    void look();

    std::function<void()> load_;
    FileWatch files_;
    boost::asio::posix::stream_descriptor events_; // borrows the descriptor
    boost::asio::steady_timer timer_;
    bool loading_ = false; // a load was requested and is not finished
    bool trying_ = false;  // a load has failed and will be retried
    Clock::time_point retry_at_;
    Clock::time_point give_up_at_;
};

} // namespace pgmoat::server
