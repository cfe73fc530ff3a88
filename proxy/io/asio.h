// Short names for Asio in coroutines: errors are returned as values, sockets are TCP or Unix.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

namespace pgmoat {

namespace asio = boost::asio;
using boost::system::error_code;

template <typename T>
using Awaitable = asio::awaitable<T>;
using Socket = asio::generic::stream_protocol::socket;

inline constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

} // namespace pgmoat
