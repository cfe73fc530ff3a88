// Loads a new configuration, or only its TLS files, on a thread of its own, because loading keys
// may wait for a passphrase command. One load at a time. The result is delivered on the thread of
// the io_context.
#pragma once

#include "proxy/admin/http/http_access.h"
#include "proxy/config/config.h"
#include "proxy/runtime/runtime_config.h"
#include "proxy/server/certificate_gauges.h"
#include "proxy/server/file_watch.h"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace pgmoat::server {

enum class ReloadKind {
    tls_files, // the running configuration with its TLS files read again
    all,
};

struct Reloaded {
    ReloadKind kind = ReloadKind::all;
    std::shared_ptr<const runtime::RuntimeConfig> setup; // none: the load failed
    admin::HttpAccess http;
    FileLooks looks;                // of its TLS files, from before they were read
    CertificateStates certificates; // those in `setup`; after a failure, those that caused it
    std::vector<std::string> warnings;
    std::vector<std::string> errors; // the last one says that nothing was applied
    // Called when the load that was requested is in use (empty text), or with the first error.
    using Heard = std::function<void(const std::string& wrong)>;
    std::vector<Heard> heard;
};

// Never throws.
[[nodiscard]] Reloaded
load_again(const runtime::RuntimeConfig& running, ReloadKind kind, const std::stop_token& stop);

class Reloader {
  public:
    using Running = std::function<std::shared_ptr<const runtime::RuntimeConfig>()>;
    using Done = std::function<void(Reloaded)>;
    using Heard = Reloaded::Heard;

    // `running` returns the configuration in use when a load begins.
    Reloader(boost::asio::io_context& context, Running running, Done done);

    // A request during a load causes another load after it.
    void request(ReloadKind kind, Heard heard = nullptr);

  private:
    void start(ReloadKind kind);
    void finish(Reloaded reloaded);

    boost::asio::io_context& context_;
    Running running_;
    Done done_;
    bool busy_ = false;
    bool again_ = false;
    ReloadKind next_ = ReloadKind::tls_files;
    std::vector<Heard> asked_;     // for the current load
    std::vector<Heard> asked_for_; // for the load after it
    std::jthread thread_;          // last member: it ends before the others are destroyed
};

} // namespace pgmoat::server
