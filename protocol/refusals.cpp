#include "protocol/refusals.h"

namespace pgmoat::protocol {

Bytes encode_refusal(const RefusedStartup& refused) {
    if (refused.sqlstate.empty()) return {};
    if (wants_old_error_format(refused.version)) return encode_fatal_v2(refused.message);
    return encode_fatal({refused.sqlstate, refused.message, refused.detail, refused.hint});
}

} // namespace pgmoat::protocol
