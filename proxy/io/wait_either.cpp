#include "proxy/io/wait_either.h"

#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>

namespace pgmoat::io {

Awaitable<Readable> wait_either(Stream& first, Stream& second) {
    if (first.interrupted() || second.interrupted()) co_return Readable{true, true};
    if (first.holds_bytes() || second.holds_bytes())
        co_return Readable{first.holds_bytes(), second.holds_bytes()};

    auto group = asio::experimental::make_parallel_group(
        first.socket().async_wait(Socket::wait_read, asio::deferred),
        second.socket().async_wait(Socket::wait_read, asio::deferred));
    const auto [order, first_error, second_error] =
        co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    if (first.interrupted() || second.interrupted()) co_return Readable{true, true};
    co_return Readable{first_error != asio::error::operation_aborted,
                       second_error != asio::error::operation_aborted};
}

} // namespace pgmoat::io
