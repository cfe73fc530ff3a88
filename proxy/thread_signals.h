// Signals are the main thread's. Every other thread begins with this, so that a signal that comes
// while the process ends, when nobody handles it any more, finds it blocked and kills nothing.
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
