// Waits until one of two streams can be read.
#pragma once

#include "proxy/io/asio.h"
#include "proxy/io/stream.h"

namespace pgmoat::io {

struct Readable {
    bool first = false;
    bool second = false;
};

// A stream with buffered bytes is readable, and so is a closed or broken socket: the read then
// reports that. After interrupt() of either stream it returns at once with both set.
[[nodiscard]] Awaitable<Readable> wait_either(Stream& first, Stream& second);

} // namespace pgmoat::io
