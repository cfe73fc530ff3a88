// Asks the servers of each upstream that has a health check for their roles, again and again, and
// tells HostRoles what is believed of them: role_book.h says what that is. On a thread of its own:
// neither a login storm nor a server that does not answer holds up a check.
#pragma once

#include "proxy/runtime/services.h"

#include <functional>
#include <memory>
#include <vector>

namespace pgmoat::upstream {

class HealthChecks {
  public:
    // `changed` is called on the thread after a role has changed.
    HealthChecks(runtime::ControlThread& thread, std::function<void()> changed);
    ~HealthChecks();
    HealthChecks(const HealthChecks&) = delete;
    HealthChecks& operator=(const HealthChecks&) = delete;

    // The checks of this configuration, in place of those before; on the thread. What was known of hosts
    // that are still there is kept.
    void use(std::shared_ptr<const runtime::RuntimeConfig> setup);

  private:
    class Watch;
    runtime::ControlThread& thread_;
    std::function<void()> changed_;
    std::vector<std::shared_ptr<Watch>> watches_;
};

} // namespace pgmoat::upstream
