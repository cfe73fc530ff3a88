#include "bench/modes.h"

#include "bench/swarm.h"
#include "bench/window.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <stdexcept>

namespace pgmoat::bench {
namespace {

using Microseconds = std::chrono::duration<double, std::micro>;
using Phase = Window::Phase;

class Figures {
  public:
    void add(const std::string& name, double value) {
        char text[32];
        std::snprintf(text, sizeof text, "%.3f", value);
        report_.figures.emplace_back(name, text);
    }

    [[nodiscard]] Report finish(const Swarm& swarm) {
        report_.figures.emplace_back("tls", swarm.tls_description());
        report_.errors = swarm.errors();
        report_.first_error = swarm.first_error();
        return std::move(report_);
    }

  private:
    Report report_;
};

// Sorts as far as needed.
double percentile(std::vector<float>& values, double share) {
    if (values.empty()) {
        return 0;
    }
    const auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

double per(double amount, double count) {
    return count > 0 ? amount / count : 0;
}

void ask(Swarm& swarm, Client& client, const std::string& message) {
    if (client.send_query(message) == Client::Progress::failed) {
        swarm.note_failure(client);
    }
}

std::uint64_t bytes_received(Swarm& swarm) {
    std::uint64_t sum = 0;
    swarm.for_each([&](const Client& client) { sum += client.bytes_received(); });
    return sum;
}

void hold(const Load& load, Swarm& swarm, const std::string& what) {
    std::cout << "holding " << swarm.size() << what << std::endl;
    if (load.wait_for_input) {
        std::string line;
        std::getline(std::cin, line);
        return;
    }
    Window window(0, load.seconds, {});
    while (window.update(Clock::now()) != Phase::over) {
        swarm.poll([](Client&) {});
    }
}

} // namespace

Report run_query(const Load& load) {
    Swarm swarm(load.target, load.tls);
    swarm.grow_to(load.clients);
    const std::string message = query_message(load.query);
    std::vector<float> latencies;
    latencies.reserve(1U << 20U);

    Window window(load.warm_up_seconds, load.seconds, load.watched);
    swarm.for_each([&](Client& client) { ask(swarm, client, message); });
    while (window.update(Clock::now()) != Phase::over && swarm.errors() == 0) {
        if (window.has_just_begun()) {
            latencies.clear();
        }
        swarm.poll([&](Client& client) {
            const Microseconds latency = Clock::now() - client.query_sent_at();
            latencies.push_back(static_cast<float>(latency.count()));
            ask(swarm, client, message);
        });
    }

    const auto queries = static_cast<double>(latencies.size());
    Figures figures;
    figures.add("queries", queries);
    figures.add("queries_per_second", per(queries, window.seconds()));
    figures.add("latency_p50_us", percentile(latencies, 0.5));
    figures.add("latency_p99_us", percentile(latencies, 0.99));
    figures.add("latency_p999_us", percentile(latencies, 0.999));
    figures.add("cpu_us_per_query", per(window.cpu_seconds() * 1e6, queries));
    return figures.finish(swarm);
}

namespace {

// `noun`: what the figures are called by, one of many.
Report come_and_go(const Load& load, Client::Goal goal, const std::string& noun) {
    Swarm swarm(load.target, load.tls, goal);
    std::uint64_t visits = 0;
    Window window(load.warm_up_seconds, load.seconds, load.watched);
    while (window.update(Clock::now()) != Phase::over && swarm.errors() == 0) {
        if (window.has_just_begun()) {
            visits = 0;
        }
        while (swarm.size() < load.clients) {
            swarm.open();
        }
        swarm.poll([&](Client& client) {
            ++visits;
            swarm.close(client);
        });
    }

    const auto count = static_cast<double>(visits);
    Figures figures;
    figures.add(noun + "s", count);
    figures.add(noun + "s_per_second", per(count, window.seconds()));
    figures.add("cpu_us_per_" + noun, per(window.cpu_seconds() * 1e6, count));
    return figures.finish(swarm);
}

} // namespace

Report run_connect(const Load& load) {
    return come_and_go(load, Client::Goal::login, "connection");
}

Report run_handshake(const Load& load) {
    if (!load.tls) {
        throw std::runtime_error("handshake needs --tls");
    }
    return come_and_go(load, Client::Goal::handshake, "handshake");
}

Report run_bulk(const Load& load) {
    Swarm swarm(load.target, load.tls);
    swarm.grow_to(load.clients);
    const std::string message = query_message("bulk " + std::to_string(load.bulk_bytes));

    std::uint64_t bytes_before = 0;
    Window window(load.warm_up_seconds, load.seconds, load.watched);
    swarm.for_each([&](Client& client) { ask(swarm, client, message); });
    while (window.update(Clock::now()) != Phase::over && swarm.errors() == 0) {
        if (window.has_just_begun()) {
            bytes_before = bytes_received(swarm);
        }
        swarm.poll([&](Client& client) { ask(swarm, client, message); });
    }

    const double gigabytes = static_cast<double>(bytes_received(swarm) - bytes_before) / 1e9;
    Figures figures;
    figures.add("gigabytes", gigabytes);
    figures.add("gigabytes_per_second", per(gigabytes, window.seconds()));
    figures.add("cpu_seconds_per_gigabyte", per(window.cpu_seconds(), gigabytes));
    return figures.finish(swarm);
}

Report run_idle(const Load& load) {
    Swarm swarm(load.target, load.tls);
    for (const std::size_t step : load.idle_steps) {
        swarm.grow_to(step);
        hold(load, swarm, "");
    }
    const std::string message = query_message(load.query);
    std::size_t unanswered = swarm.size();
    swarm.for_each([&](Client& client) { ask(swarm, client, message); });
    const auto give_up = Clock::now() + std::chrono::seconds(30);
    while (unanswered > 0 && swarm.errors() == 0) {
        swarm.poll([&](Client&) { --unanswered; });
        if (Clock::now() > give_up) {
            throw std::runtime_error(std::to_string(unanswered) + " queries without an answer");
        }
    }
    hold(load, swarm, " after a query");
    Figures figures;
    figures.add("connections", static_cast<double>(swarm.size()));
    return figures.finish(swarm);
}

} // namespace pgmoat::bench
