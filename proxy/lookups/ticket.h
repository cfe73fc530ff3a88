// Stands for a question that is being answered: who loses it, by destruction, no longer waits.
#pragma once

#include <functional>
#include <utility>

namespace pgmoat::lookups {

class Ticket {
  public:
    explicit Ticket(std::function<void()> give_up) : give_up_(std::move(give_up)) {}
    ~Ticket() {
        if (give_up_) give_up_();
    }
    Ticket(Ticket&& other) noexcept : give_up_(std::exchange(other.give_up_, nullptr)) {}
    Ticket& operator=(Ticket&&) = delete;

  private:
    std::function<void()> give_up_;
};

} // namespace pgmoat::lookups
