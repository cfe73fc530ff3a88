// Regularly asks the servers of each upstream with a health check for their roles, and stores in
// HostRoles what role_book.h accepts of the answers. On a thread of its own: neither a login storm
// nor a server that does not answer delays a check.
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

    // Replaces the checks by those of this configuration; call it on the thread. Known roles of
    // hosts that remain are kept.
    void use(std::shared_ptr<const runtime::RuntimeConfig> setup);

  private:
    class Watch;
    runtime::ControlThread& thread_;
    std::function<void()> changed_;
    std::vector<std::shared_ptr<Watch>> watches_;
};

} // namespace pgmoat::upstream
