#include "proxy/telemetry/session_facts.h"

namespace pgmoat::telemetry {

std::string_view to_word(ScramWay way) noexcept {
    switch (way) {
    case ScramWay::none: return "";
    case ScramWay::relayed: return "relayed";
    case ScramWay::bridged: return "bridged";
    }
    return "";
}

std::string_view to_word(SessionStage stage) noexcept {
    switch (stage) {
    case SessionStage::login: return "login";
    case SessionStage::live: return "live";
    case SessionStage::console: return "console";
    }
    return "";
}

} // namespace pgmoat::telemetry
