// io_uring as a way to make many socket calls with one system call. Each operation is what the
// non-blocking call would be: it ends at once, with bytes or EAGAIN, so a ring never has anything
// under way between two calls of perform(). Made and used by one relay thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>

namespace pgmoat::relay {

class Uring {
  public:
    // Unusable where the kernel has no io_uring or does not let us have it, as in many containers.
    explicit Uring(unsigned operations_max);
    ~Uring();
    Uring(const Uring&) = delete;
    Uring& operator=(const Uring&) = delete;

    [[nodiscard]] bool usable() const noexcept { return native_ != nullptr; }

    // `tag` is the index in perform()'s results. At most operations_max between two calls of
    // perform().
    void receive(int socket, std::span<std::uint8_t> into, std::size_t tag) noexcept;
    void send(int socket, std::span<const std::uint8_t> bytes, std::size_t tag) noexcept;

    // Does all that was added; results: bytes, a negative errno, or `refused` for what was not even
    // tried: that says nothing about the socket, so the caller makes the call itself. The ring is
    // unusable once the kernel has refused to take a submission.
    static constexpr int refused = std::numeric_limits<int>::min();
    void perform(std::span<int> results) noexcept;

  private:
    struct Native; // liburing's
    std::unique_ptr<Native> native_;
    unsigned added_ = 0;
};

} // namespace pgmoat::relay
