// Signals are handled by the main thread. Every other thread is started here, with all signals
// blocked from its first moment: one that blocked them itself could be killed by a signal that
// arrives while the process exits, when no handler is left, if it had not run yet.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace pgmoat {

// In this thread, while it is in scope. Threads and processes that are started meanwhile inherit it.
class SignalsBlocked {
  public:
    SignalsBlocked() noexcept {
        sigset_t all;
        sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { (void)pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t before_{};
};

// Thread: std::thread or std::jthread. Throws std::system_error when no more can be started.
template <typename Thread, typename Work>
[[nodiscard]] Thread start_thread(Work work) {
    const SignalsBlocked inherited;
    return Thread(std::move(work));
}

// For the main thread on its last steps.
inline void block_signals_in_this_thread() noexcept {
    sigset_t all;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

} // namespace pgmoat
