#include "proxy/policy/policy.h"

namespace pgmoat::policy {

Decision Policy::decide(const Candidate&, const std::string& default_upstream) const {
    return Allow{default_upstream};
}

} // namespace pgmoat::policy
