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

    void add_latencies(std::vector<float>& values_us);

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

void Figures::add_latencies(std::vector<float>& values_us) {
    add("latency_p50_us", percentile(values_us, 0.5));
    add("latency_p99_us", percentile(values_us, 0.99));
    add("latency_p999_us", percentile(values_us, 0.999));
}

double per(double amount, double count) {
    return count > 0 ? amount / count : 0;
}

void ask(Swarm& swarm, Client& client, const std::string& message, std::uint64_t copy_in = 0) {
    if (client.send_query(message, copy_in) == Client::Progress::failed) {
        swarm.note_failure(client);
    }
}

std::uint64_t bytes_moved(Swarm& swarm) {
    std::uint64_t sum = 0;
    swarm.for_each([&](const Client& client) { sum += client.bytes_moved(); });
    return sum;
}

// A window of a closed loop: each client asks again as soon as it has its answer.
struct Answers {
    std::vector<float> latencies_us;
    double seconds = 0;
    double cpu_seconds = 0;
    double gigabytes = 0;

    [[nodiscard]] double count() const { return static_cast<double>(latencies_us.size()); }
    [[nodiscard]] double cpu_us_each() const { return per(cpu_seconds * 1e6, count()); }
};

Answers ask_again_and_again(const Load& load,
                            Swarm& swarm,
                            const std::string& message,
                            std::uint64_t copy_in = 0) {
    Answers answers;
    answers.latencies_us.reserve(1U << 20U);
    std::uint64_t bytes_before = 0;
    Window window(load.warm_up_seconds, load.seconds, load.watched);
    swarm.for_each([&](Client& client) { ask(swarm, client, message, copy_in); });
    while (window.update(Clock::now()) != Phase::over && swarm.errors() == 0) {
        if (window.has_just_begun()) {
            answers.latencies_us.clear();
            bytes_before = bytes_moved(swarm);
        }
        swarm.poll([&](Client& client) {
            const Microseconds latency = Clock::now() - client.query_sent_at();
            answers.latencies_us.push_back(static_cast<float>(latency.count()));
            ask(swarm, client, message, copy_in);
        });
    }
    answers.seconds = window.seconds();
    answers.cpu_seconds = window.cpu_seconds();
    answers.gigabytes = static_cast<double>(bytes_moved(swarm) - bytes_before) / 1e9;
    return answers;
}

void wait_for_answers(Swarm& swarm) {
    const auto give_up = Clock::now() + std::chrono::seconds(30);
    for (std::size_t unanswered = 1; unanswered > 0 && swarm.errors() == 0;) {
        swarm.poll([](Client&) {});
        unanswered = 0;
        swarm.for_each([&](const Client& client) { unanswered += client.is_idle() ? 0U : 1U; });
        if (Clock::now() > give_up) {
            throw std::runtime_error(std::to_string(unanswered) + " queries without an answer");
        }
    }
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
    Swarm swarm(load.target, load.tls, load.account);
    swarm.grow_to(load.clients);
    Answers answers = ask_again_and_again(load, swarm, query_message(load.query));
    Figures figures;
    figures.add("queries", answers.count());
    figures.add("queries_per_second", per(answers.count(), answers.seconds));
    figures.add_latencies(answers.latencies_us);
    figures.add("cpu_us_per_query", answers.cpu_us_each());
    return figures.finish(swarm);
}

namespace {

struct Visits {
    double count = 0;
    double seconds = 0;
    double cpu_seconds = 0;

    [[nodiscard]] double cpu_us_each() const { return per(cpu_seconds * 1e6, count); }
};

Visits come_and_go(const Load& load, Swarm& swarm, std::size_t at_a_time) {
    const std::string question = query_message(load.query);
    Visits visits;
    Window window(load.warm_up_seconds, load.seconds, load.watched);
    while (window.update(Clock::now()) != Phase::over && swarm.errors() == 0) {
        if (window.has_just_begun()) {
            visits.count = 0;
        }
        while (swarm.size() < at_a_time) {
            swarm.open();
        }
        swarm.poll([&](Client& client) {
            if (load.ask_once && client.query_sent_at() == Clock::time_point{}) {
                return ask(swarm, client, question);
            }
            ++visits.count;
            swarm.close(client);
        });
    }
    visits.seconds = window.seconds();
    visits.cpu_seconds = window.cpu_seconds();
    return visits;
}

// `noun`: what the figures are called by, one of many.
Report report_visits(const Load& load, Client::Goal goal, const std::string& noun) {
    Swarm swarm(load.target, load.tls, load.account, goal);
    const Visits visits = come_and_go(load, swarm, load.clients);
    Figures figures;
    figures.add(noun + "s", visits.count);
    figures.add(noun + "s_per_second", per(visits.count, visits.seconds));
    figures.add("cpu_us_per_" + noun, visits.cpu_us_each());
    return figures.finish(swarm);
}

} // namespace

Report run_connect(const Load& load) {
    return report_visits(load, Client::Goal::login, "connection");
}

Report run_handshake(const Load& load) {
    if (!load.tls) {
        throw std::runtime_error("handshake needs --tls");
    }
    return report_visits(load, Client::Goal::handshake, "handshake");
}

namespace {

Report report_bulk(const Load& load, const std::string& text, std::uint64_t copy_in) {
    Swarm swarm(load.target, load.tls, load.account);
    swarm.grow_to(load.clients);
    Answers answers = ask_again_and_again(load, swarm, query_message(text), copy_in);
    Figures figures;
    figures.add("gigabytes", answers.gigabytes);
    figures.add("gigabytes_per_second", per(answers.gigabytes, answers.seconds));
    figures.add("results_per_second", per(answers.count(), answers.seconds));
    figures.add_latencies(answers.latencies_us);
    figures.add("cpu_seconds_per_gigabyte", per(answers.cpu_seconds, answers.gigabytes));
    return figures.finish(swarm);
}

} // namespace

Report run_bulk(const Load& load) {
    return report_bulk(load, load.bulk_query, 0);
}

Report run_copy_in(const Load& load) {
    return report_bulk(load, "copy-in", load.copy_in_bytes);
}

Report run_idle(const Load& load) {
    Swarm swarm(load.target, load.tls, load.account);
    for (const std::size_t step : load.steps) {
        swarm.grow_to(step);
        hold(load, swarm, "");
    }
    const std::string message = query_message(load.query);
    swarm.for_each([&](Client& client) { ask(swarm, client, message); });
    wait_for_answers(swarm);
    hold(load, swarm, " after a query");
    Figures figures;
    figures.add("connections", static_cast<double>(swarm.size()));
    return figures.finish(swarm);
}

Report run_growth(const Load& load) {
    constexpr std::size_t at_a_time = 8;
    const std::string message = query_message(load.query);
    Swarm swarm(load.target, load.tls, load.account);
    Figures figures;
    for (const std::size_t step : load.steps) {
        const std::string at = "_at_" + std::to_string(step);
        swarm.grow_to(step);
        hold(load, swarm, "");
        const Answers answers = ask_again_and_again(load, swarm, message);
        wait_for_answers(swarm);
        Swarm visitors(load.target, load.tls, load.account);
        const Visits visits = come_and_go(load, visitors, at_a_time);
        if (visitors.errors() > 0) {
            throw std::runtime_error("beside " + std::to_string(step) + ": " +
                                     visitors.first_error());
        }
        figures.add("cpu_us_per_query" + at, answers.cpu_us_each());
        figures.add("cpu_us_per_connection" + at, visits.cpu_us_each());
    }
    return figures.finish(swarm);
}

} // namespace pgmoat::bench
