// Waits until one of two streams can be read.
#pragma once

#include "proxy/io/asio.h"
#include "proxy/io/stream.h"

namespace pgmoat::io {

struct Readable {
    bool first = false;
    bool second = false;
};

// Bytes that a stream already holds count. A closed or broken socket is readable: the read tells.
// After interrupt() of either stream it returns at once with both set.
[[nodiscard]] Awaitable<Readable> wait_either(Stream& first, Stream& second);

} // namespace pgmoat::io
