// A rule keeps its series when a reload moves it to another line: `rate()` shows no step, and no
// series continues the count of another rule.
#include "proxy/hba/rule_changes.h"
#include "proxy/server/rule_gauges.h"
#include "tests/support/catch.h"

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

using namespace pgmoat;

namespace {

using Series = std::tuple<std::string, std::string, std::string, std::string>;
using Scrape = std::map<Series, std::uint64_t>;

runtime::RuntimeConfig with_rules(const std::vector<std::string>& lines,
                                  const runtime::RuntimeConfig* before = nullptr) {
    auto rules = std::make_shared<hba::Rules>();
    rules->name = "pg_hba.conf";
    for (unsigned i = 0; i < lines.size(); ++i) {
        hba::Rule rule;
        rule.text = lines[i];
        rule.number = rule.line = i + 1;
        rule.location = "pg_hba.conf:" + std::to_string(i + 1);
        rules->rules.push_back(rule);
    }
    if (before != nullptr) hba::inherit_stats(*before->access[0].rules, *rules);
    runtime::RuntimeConfig config;
    config.access.resize(1);
    config.access[0].rules = rules;
    return config;
}

Scrape scrape(const runtime::RuntimeConfig& config) {
    Scrape scraped;
    for (const auto& hits : server::rule_hits(config, &runtime::Access::rules)) {
        const Series series{hits.file, hits.rule, hits.id, std::string(hits.result)};
        REQUIRE(scraped.emplace(series, hits.count).second); // each series once
    }
    return scraped;
}

std::uint64_t sum(const Scrape& scraped) {
    std::uint64_t sum = 0;
    for (const auto& [series, count] : scraped)
        sum += count;
    return sum;
}

void count(const runtime::RuntimeConfig& config, std::size_t rule, unsigned times) {
    config.access[0].rules->rules[rule].stats->allowed += times;
}

} // namespace

TEST_CASE("a series never goes on with another rule's count") {
    const std::vector<std::string> before{
        "host a all all trust", "host b all all trust", "host c all all trust"};
    const auto after = GENERATE(values<std::vector<std::string>>({
        {"host new all all trust",
         "host a all all trust",
         "host b all all trust",
         "host c all all trust"},
        {"host b all all trust", "host a all all trust", "host c all all trust"},
        {"host c all all trust", "host b all all trust", "host a all all trust"},
    }));
    const auto old = with_rules(before);
    count(old, 0, 7), count(old, 1, 100), count(old, 2, 3);
    const Scrape first = scrape(old);
    const Scrape second = scrape(with_rules(after, &old));
    REQUIRE(sum(second) == sum(first));
    for (const auto& [series, value] : second)
        if (const auto known = first.find(series); known != first.end())
            REQUIRE(known->second == value);
}

TEST_CASE("equal rules are distinguished by their order, and keep their counts") {
    const auto old = with_rules({"host a all all trust", "host a all all trust"});
    count(old, 0, 1), count(old, 1, 20);
    const Scrape first = scrape(old);
    REQUIRE(sum(first) == 21);
    REQUIRE(scrape(with_rules({"host a all all trust", "host a all all trust"}, &old)) == first);
}
