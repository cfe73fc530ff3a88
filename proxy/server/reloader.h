// Loads a new configuration, or only what stands in certificate files, on a thread of its own:
// reading keys may wait for a passphrase command, and connections go on meanwhile. One load at a
// time. What comes of it is handed over on the thread of the io_context.
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
    std::shared_ptr<const runtime::RuntimeConfig> setup; // none: it failed
    admin::HttpAccess http;
    FileLooks looks;                // of its files of TLS, from before they were read
    CertificateStates certificates; // those of the setup; if it failed, those that are to blame
    std::vector<std::string> warnings;
    std::vector<std::string> errors; // the last one says that nothing was applied
    // Whoever asked for it: to be called when it is in force, or with the first thing that was
    // wrong.
    using Heard = std::function<void(const std::string& wrong)>;
    std::vector<Heard> heard;
};

// Never throws.
[[nodiscard]] Reloaded
load_anew(const runtime::RuntimeConfig& running, ReloadKind kind, const std::stop_token& stop);

class Reloader {
  public:
    using Running = std::function<std::shared_ptr<const runtime::RuntimeConfig>()>;
    using Done = std::function<void(Reloaded)>;
    using Heard = Reloaded::Heard;

    // `running` gives what is in force when a load begins.
    Reloader(boost::asio::io_context& context, Running running, Done done);

    // A request during a load is a load after it.
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
    std::vector<Heard> asked_;     // for the load under way
    std::vector<Heard> asked_for_; // for the one after it
    std::jthread thread_;          // last: it ends before the rest
};

} // namespace pgmoat::server
