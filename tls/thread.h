// Frees what OpenSSL keeps for the calling thread. For threads that are never joined: if they end
// after the leak checker has run, their OpenSSL state would be reported as a leak.
#pragma once

namespace pgmoat::tls {

void forget_this_thread() noexcept;

} // namespace pgmoat::tls
