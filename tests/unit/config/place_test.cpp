// Parts of a configuration that can be taken out of service.
#include "proxy/config/place.h"
#include "proxy/runtime/out_of_service.h"
#include "tests/support/catch.h"

using namespace pgmoat;
using config::Place;
using Kind = Place::Kind;

namespace {

config::Config some_config() {
    config::Config config;
    config.listeners.resize(1);
    config.listeners[0].name = "edge";
    config::Conninfo conninfo;
    conninfo.hosts = {{"db1", "", 5432}, {"db1", "", 5433}, {"", "10.0.0.2", 5432}};
    config.upstreams["main"] = conninfo;
    return config;
}

} // namespace

TEST_CASE("A place is what the configuration has") {
    const std::pair<Place, const char*> cases[] = {
        {{Kind::listener, "edge"}, ""},
        {{Kind::listener, "main"}, "there is no listener \"main\""},
        {{Kind::upstream, "main"}, ""},
        {{Kind::upstream, "edge"}, "there is no upstream \"edge\""},
        {{Kind::upstream, "main", "db1"}, ""},
        {{Kind::upstream, "main", "db1:5433"}, ""},
        {{Kind::upstream, "main", "10.0.0.2"}, ""},
        {{Kind::upstream, "main", "db1:5434"}, "upstream \"main\" has no host \"db1:5434\""},
        {{Kind::upstream, "main", "db2"}, "upstream \"main\" has no host \"db2\""},
    };
    for (const auto& [place, wrong] : cases)
        CHECK(config::why_no_place(some_config(), place) == wrong);
}

TEST_CASE("What is out of service is so by name, host and port until it is put back") {
    runtime::OutOfService out;
    CHECK(!out.any());
    out.take_out({Kind::upstream, "main", "db1:5433"});
    CHECK(out.has_server("main", "db1", 5433));
    CHECK(!out.has_server("main", "db1", 5432));
    CHECK(!out.has_server("other", "db1", 5433));
    CHECK(!out.has_listener("main"));
    out.take_out({Kind::upstream, "main"});
    CHECK(out.has_server("main", "db1", 5432));
    CHECK(!out.put_back({Kind::upstream, "main", "db2"}));
    CHECK(out.put_back({Kind::upstream, "main"})); // includes its hosts
    CHECK(!out.any());
    out.take_out({Kind::listener, "edge"});
    CHECK(out.has_listener("edge"));
    CHECK(!out.has_server("edge", "db1", 5432));
    CHECK(out.put_back({Kind::listener, "edge"}));
    CHECK(!out.put_back({Kind::listener, "edge"}));
}
