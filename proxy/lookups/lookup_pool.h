// Runs blocking lookups on a few threads of its own: one lookup at a time for a key, answers cached
// for a while, a bounded queue. For any thread; no caller waits for a lookup here. One that hangs
// cannot be interrupted: its thread shares ownership of what it needs, and uses nothing else after
// the pool is destroyed. Threads that end are joined: what the C library and OpenSSL keep for one is
// freed at its very end, which must not meet the exit of the process.
#pragma once

#include "proxy/lookups/limits.h"
#include "proxy/thread_signals.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>

namespace pgmoat::lookups {

// Belongs to a caller that waits for an answer. Destroying it cancels the wait.
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

struct PoolBounds {
    std::size_t workers;
    std::size_t waiting_max; // keys without a worker
    std::size_t cached_max;
    std::chrono::milliseconds idle_worker_kept = lookups::idle_worker_kept;
};

template <typename Key, typename Answer, typename Less = std::less<Key>>
class LookupPool {
  public:
    using Clock = std::chrono::steady_clock;
    // Called on a worker's thread. Should check the token where it can: it is set when the pool
    // closes.
    using LookUp = std::function<Answer(const Key&, const std::stop_token&)>;
    using Deliver = std::function<void(const Answer&)>;
    struct Work {
        std::function<LookUp()> new_worker; // what it owns is destroyed on the worker's thread
        std::function<Clock::duration(const Answer&)> keep_for;
        Answer too_many; // returned if the queue is full
    };
    using Asked = std::variant<Answer, Subscription>;

    LookupPool(PoolBounds bounds, Work work)
        : state_(std::make_shared<State>(bounds, std::move(work))) {}
    ~LookupPool() {
        state_->close();
        state_->abandon_workers();
    }
    LookupPool(const LookupPool&) = delete;
    LookupPool& operator=(const LookupPool&) = delete;

    // The answer, if it is cached; otherwise it is delivered once, on a worker's thread, unless the
    // subscription is destroyed first. A delivery that has begun may still arrive then.
    [[nodiscard]] Asked ask(const Key& key, Deliver deliver) {
        return State::ask(state_, key, std::move(deliver));
    }
    // The next question for this key is not answered from the cache.
    void forget(const Key& key) { state_->forget(key); }
    // No lookup is queued or in progress.
    [[nodiscard]] bool is_quiet() const { return state_->is_quiet(); }
    // Accepts no more questions, drops those who wait, and gives the workers some time to end. True:
    // they have ended.
    bool close(std::chrono::milliseconds patience) {
        state_->close();
        return state_->wait_until_ended(patience);
    }

  private:
    struct Flight {
        bool begun = false;
        std::map<std::uint64_t, Deliver> waiting;
    };
    struct Kept {
        Answer answer;
        typename std::multimap<Clock::time_point, Key>::iterator expiry;
    };

    struct State {
        State(PoolBounds with, Work how) : bounds(with), work(std::move(how)) {}

        static Asked ask(const std::shared_ptr<State>& self, const Key& key, Deliver deliver) {
            const std::lock_guard lock(self->mutex);
            self->forget_expired(Clock::now());
            if (const auto known = self->kept.find(key); known != self->kept.end())
                return known->second.answer;
            if (!self->has_flight(self, key)) return self->work.too_many;
            const std::uint64_t number = self->next_number++;
            self->flights.at(key).waiting.emplace(number, std::move(deliver));
            return Subscription([self, key, number] { self->give_up(key, number); });
        }

        void forget(const Key& key) {
            const std::lock_guard lock(mutex);
            const auto known = kept.find(key);
            if (known == kept.end()) return;
            expiries.erase(known->second.expiry);
            kept.erase(known);
        }

        bool is_quiet() {
            const std::lock_guard lock(mutex);
            return flights.empty();
        }

        void close() {
            stop.request_stop();
            std::map<Key, Flight, Less>
                dropped; // its callbacks are destroyed after the lock is released
            const std::lock_guard lock(mutex);
            dropped.swap(flights);
            queue.clear();
            something_to_do.notify_all();
        }

        bool wait_until_ended(std::chrono::milliseconds patience) {
            std::unique_lock lock(mutex);
            const bool all = one_ended.wait_for(lock, patience, [this] { return workers.empty(); });
            join_ended();
            return all;
        }

        void abandon_workers() {
            const std::lock_guard lock(mutex);
            join_ended();
            for (std::thread& worker : workers)
                worker.detach();
            workers.clear();
        }

        // --- with the lock held -------------------------------------------------------------

        // Joins the lookup in progress for the key, or starts one. False: the queue is full.
        bool has_flight(const std::shared_ptr<State>& self, const Key& key) {
            if (stop.stop_requested()) return false;
            if (flights.contains(key)) return true;
            if (queue.size() >= bounds.waiting_max || !has_hands(self)) return false;
            flights.emplace(key, Flight{});
            queue.push_back(key);
            something_to_do.notify_one();
            return true;
        }

        bool has_hands(const std::shared_ptr<State>& self) {
            if (idle > queue.size() || hands >= bounds.workers) return true;
            join_ended();
            try {
                std::list<std::thread> started(1); // first: a thread that runs needs a place
                started.front() = start_thread<std::thread>([self] { self->run(); });
                workers.splice(workers.end(), started);
            } catch (const std::system_error&) {
                return hands > 0;
            }
            ++hands;
            return true;
        }

        // They need nothing more that could block, least of all the lock.
        void join_ended() {
            for (std::thread& worker : ended)
                worker.join();
            ended.clear();
        }

        void forget_expired(Clock::time_point now) {
            while (!expiries.empty() && expiries.begin()->first <= now)
                forget_first();
        }
        void forget_first() {
            kept.erase(expiries.begin()->second);
            expiries.erase(expiries.begin());
        }

        void keep(const Key& key, const Answer& answer) {
            const auto until = Clock::now() + work.keep_for(answer);
            if (const auto old = kept.find(key); old != kept.end()) {
                expiries.erase(old->second.expiry);
                kept.erase(old);
            }
            if (kept.size() >= bounds.cached_max) forget_first();
            kept.emplace(key, Kept{answer, expiries.emplace(until, key)});
        }

        // --- the worker ---------------------------------------------------------------------

        void run() {
            {
                const LookUp look_up = work.new_worker();
                while (const std::optional<Key> key = next())
                    deliver(*key, look_up(*key, stop.get_token()));
            }
            const std::lock_guard lock(mutex);
            const auto own = std::ranges::find(workers,
                                               std::this_thread::get_id(),
                                               [](const auto& each) { return each.get_id(); });
            if (own != workers.end()) ended.splice(ended.end(), workers, own);
            one_ended.notify_all();
        }

        // Nothing: this worker should end.
        std::optional<Key> next() {
            std::unique_lock lock(mutex);
            ++idle;
            something_to_do.wait_for(lock, bounds.idle_worker_kept, [this] {
                return !queue.empty() || stop.stop_requested();
            });
            --idle;
            if (queue.empty()) {
                --hands;
                return std::nullopt;
            }
            Key key = std::move(queue.front());
            queue.pop_front();
            flights.at(key).begun = true;
            return key;
        }

        void deliver(const Key& key, const Answer& answer) {
            std::unique_lock lock(mutex);
            auto flight = flights.extract(key);
            if (!flight) return; // closed in the meantime
            keep(key, answer);
            lock.unlock();
            for (const auto& [number, tell] : flight.mapped().waiting)
                tell(answer);
        }

        void give_up(const Key& key, std::uint64_t number) {
            Deliver dropped;
            const std::lock_guard lock(mutex);
            const auto flight = flights.find(key);
            if (flight == flights.end()) return;
            auto waiting = flight->second.waiting.extract(number);
            if (!waiting) return;
            dropped = std::move(waiting.mapped());
            if (flight->second.begun || !flight->second.waiting.empty()) return;
            const Less less;
            std::erase_if(
                queue, [&](const Key& queued) { return !less(queued, key) && !less(key, queued); });
            flights.erase(flight);
        }

        const PoolBounds bounds;
        const Work work;
        std::stop_source stop;
        std::mutex mutex;
        std::condition_variable something_to_do;
        std::condition_variable one_ended;
        std::map<Key, Flight, Less> flights; // lookups that are queued or in progress
        std::deque<Key> queue;               // those of them without a worker
        std::map<Key, Kept, Less> kept;
        std::multimap<Clock::time_point, Key> expiries; // of cached answers
        std::uint64_t next_number = 0;
        std::size_t idle = 0;  // idle workers
        std::size_t hands = 0; // workers that may take a key
        std::list<std::thread> workers;
        std::list<std::thread> ended; // not joined yet
    };

    std::shared_ptr<State> state_;
};

} // namespace pgmoat::lookups
