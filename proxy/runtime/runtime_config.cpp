#include "proxy/runtime/runtime_config.h"

namespace pgmoat::runtime {

metrics::Mode mode_of(const config::Listener& listener) noexcept {
    return listener.tls_mode == config::TlsMode::passthrough ? metrics::Mode::passthrough
                                                             : metrics::Mode::terminate;
}

} // namespace pgmoat::runtime
