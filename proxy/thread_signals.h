// Signals are handled by the main thread. Every other thread calls this first, so that a signal that
// arrives while the process exits, when no handler is left, is blocked and kills nothing.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace pgmoat {

inline void block_signals_in_this_thread() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

} // namespace pgmoat
