// What one decision over the access rules costs at worst: no rule matches but the last. Pure CPU,
// in process: no socket, no server. Prints a table in Markdown, a row per shape of rules:
// microseconds per decision by plain scan and by index; cold: the caches were emptied before.
#include "proxy/hba/evaluate/evaluation.h"

#include <CLI/CLI.hpp>
#include <re2/re2.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace pgmoat::hba;
using Clock = std::chrono::steady_clock;
using Kind = NameMatch::Kind;

struct Shape {
    const char* name;
    Rule (*rule)(unsigned n);
};

NameMatch exact(const std::string& name) {
    return {Kind::exact, name, nullptr};
}

Rule rule_for(std::string database, std::string user) {
    Rule rule;
    rule.type = RecordType::hostssl;
    rule.databases = {database == "all" ? NameMatch{Kind::all, {}, nullptr} : exact(database)};
    rule.users = {user == "all" ? NameMatch{Kind::all, {}, nullptr} : exact(user)};
    rule.method = Method::scram_sha_256;
    return rule;
}

// 10.x.y.0/24
AddressRange network(unsigned n) {
    AddressRange range;
    range.base.family = range.mask.family = Family::ipv4;
    const auto high = static_cast<std::uint8_t>(n >> 8 & 0xff);
    const auto low = static_cast<std::uint8_t>(n & 0xff);
    range.base.bytes = {10, high, low, 0};
    range.mask.bytes = {255, 255, 255, 0};
    return range;
}

Rule with_network(Rule rule, unsigned n) {
    rule.address = network(n);
    return rule;
}

Rule database_user_network(unsigned n) {
    const std::string number = std::to_string(n);
    return with_network(rule_for("database_" + number, "user_" + number), n);
}

Rule network_only(unsigned n) {
    return with_network(rule_for("all", "all"), n);
}

Rule user_in_one_network(unsigned n) {
    return with_network(rule_for("all", "user_" + std::to_string(n)), 0xffff);
}

Rule ten_users_in_one_network(unsigned n) {
    Rule rule = with_network(rule_for("all", "all"), 0xffff);
    rule.users.clear();
    for (unsigned i = 0; i < 10; ++i)
        rule.users.push_back(exact("user_" + std::to_string(10 * n + i)));
    return rule;
}

// The index cannot help: every regular expression is tried.
Rule regex_in_one_network(unsigned n) {
    Rule rule = with_network(rule_for("all", "all"), 0xffff);
    const std::string text = "^tenant_" + std::to_string(n) + "_";
    rule.users = {{Kind::regex, text, std::make_shared<const re2::RE2>(text)}};
    return rule;
}

constexpr Shape shapes[] = {
    {"database, user, network", database_user_network},
    {"network", network_only},
    {"user, one network", user_in_one_network},
    {"ten users, one network", ten_users_in_one_network},
    {"regex, one network", regex_in_one_network},
};

Rules rules_of(const Shape& shape, unsigned count) {
    Rules rules;
    for (unsigned n = 0; n + 1 < count; ++n)
        rules.rules.push_back(shape.rule(n));
    rules.rules.push_back(rule_for("all", "all")); // matches at last
    rules.rules.back().address = AnyAddress{};
    return rules;
}

Candidate somebody() {
    Candidate candidate;
    candidate.address = network(0xffff).base;
    candidate.address_text = "10.255.255.0";
    candidate.tls = true;
    candidate.user = "somebody";
    candidate.database = "somewhere";
    return candidate;
}

double decide(const Rules& rules, const Candidate& candidate) {
    const auto start = Clock::now();
    Evaluation evaluation(rules, candidate);
    const auto step = evaluation.next();
    const std::chrono::duration<double, std::micro> took = Clock::now() - start;
    const auto* decision = std::get_if<Decision>(&step);
    if (decision == nullptr || decision->rule != &rules.rules.back()) std::abort();
    return took.count();
}

void empty_the_caches() {
    static std::vector<unsigned char> other(64U << 20U);
    for (std::size_t i = 0; i < other.size(); i += 64)
        ++other[i];
}

double median(const Rules& rules, unsigned decisions, bool cold) {
    const Candidate candidate = somebody();
    std::vector<double> times;
    for (unsigned i = 0; i < decisions; ++i) {
        if (cold) empty_the_caches();
        times.push_back(decide(rules, candidate));
    }
    std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(decisions / 2));
    return times[decisions / 2];
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Microseconds per decision over the access rules, at worst"};
    unsigned count = 10'000;
    unsigned decisions = 1'001;
    app.add_option("--rules", count, "rules")->capture_default_str()->check(CLI::PositiveNumber);
    app.add_option("--decisions", decisions, "decisions per figure; cold: a twentieth")
        ->capture_default_str()
        ->check(CLI::Range(20U, 1'000'000U));
    CLI11_PARSE(app, argc, argv);

    std::puts("| rules | plain scan | cold | index | cold |\n|---|---|---|---|---|");
    for (const Shape& shape : shapes) {
        Rules rules = rules_of(shape, count);
        const double plain = median(rules, decisions, false);
        const double plain_cold = median(rules, decisions / 20, true);
        rules.index = std::make_shared<const RuleIndex>(rules.rules);
        const double sieved = median(rules, decisions, false);
        const double sieved_cold = median(rules, decisions / 20, true);
        std::printf("| %s | %.1f | %.1f | %.1f | %.1f |\n",
                    shape.name,
                    plain,
                    plain_cold,
                    sieved,
                    sieved_cold);
    }
    return 0;
}
