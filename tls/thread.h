// What OpenSSL keeps for a thread, given back before the thread ends: for threads that nobody
// joins, whose own end may come after the process has been looked over for leaks.
#pragma once

namespace pgmoat::tls {

void forget_this_thread() noexcept;

} // namespace pgmoat::tls
