// Why a TLS handshake failed, as a value of the metrics.
#pragma once

#include "metrics/labels.h"
#include "tls/session.h"

namespace pgmoat::telemetry {

[[nodiscard]] metrics::HandshakeFailure to_metric(tls::Failure failure);

} // namespace pgmoat::telemetry
