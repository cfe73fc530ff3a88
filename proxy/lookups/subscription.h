// Stands for a question that is being answered: who loses it, by destruction, no longer waits.
#pragma once

#include <functional>
#include <utility>

namespace pgmoat::lookups {

class Subscription {
  public:
    explicit Subscription(std::function<void()> give_up) : give_up_(std::move(give_up)) {}
    ~Subscription() {
        if (give_up_) give_up_();
    }
    Subscription(Subscription&& other) noexcept
        : give_up_(std::exchange(other.give_up_, nullptr)) {}
    Subscription& operator=(Subscription&&) = delete;

  private:
    std::function<void()> give_up_;
};

} // namespace pgmoat::lookups
