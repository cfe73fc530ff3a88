// The plaintext bytes that one connection has moved. The base of whatever a channel carries along
// for its owner (the session table's row), so that the relay plane counts without knowing who
// reads. The relay thread that owns the channel is the only writer; anyone may read.
#pragma once

#include <atomic>
#include <cstdint>

namespace pgmoat {

struct Traffic {
    Traffic() = default;
    Traffic(const Traffic&) = delete;
    Traffic& operator=(const Traffic&) = delete;
    virtual ~Traffic() = default;

    std::atomic<std::uint64_t> bytes_from_client{0};
    std::atomic<std::uint64_t> bytes_from_server{0};
};

} // namespace pgmoat
