// The contents of each page.
#include "proxy/admin/http/recent_answers.h"
#include "proxy/admin/limits.h"
#include "tests/component/admin/http_client.h"
#include "tests/component/admin/running_endpoint.h"

TEST_CASE("The metrics page has the type that Prometheus 3 insists on") {
    RunningEndpoint server;
    HttpClient client(server.port);
    const auto response = client.get("/metrics");
    CHECK(response.status == 200);
    CHECK(response.headers.at("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(response.body == "pgmoat_up 1\n");
}

TEST_CASE("A query string does not change the page") {
    RunningEndpoint server;
    CHECK(HttpClient(server.port).get("/metrics?name[]=pgmoat_up").status == 200);
}

TEST_CASE("Health is fine while the loop runs, ready or not") {
    RunningEndpoint server;
    server.ready = false;
    CHECK(HttpClient(server.port).get("/healthz").status == 200);
}

TEST_CASE("Readiness is what the server says at that moment") {
    RunningEndpoint server;
    HttpClient client(server.port);
    CHECK(client.get("/readyz").status == 200);
    server.ready = false;
    const auto response = client.get("/readyz");
    CHECK(response.status == 503);
    CHECK(response.body == "not ready\n");
}

TEST_CASE("The status page links to every page, and to what browsers need for it") {
    RunningEndpoint server;
    HttpClient client(server.port);
    const auto response = client.get("/");
    CHECK(response.status == 200);
    CHECK(response.headers.at("Content-Type") == "text/html; charset=utf-8");
    for (const std::string page : {"metrics",
                                   "healthz",
                                   "readyz",
                                   "connections.json",
                                   "status.json",
                                   "page.css",
                                   "page.js"}) {
        INFO(page);
        CHECK(response.body.find('"' + page + '"') != std::string::npos);
        CHECK(client.get("/" + page).status == 200);
    }
    CHECK(response.body.find("{{") == std::string::npos);
    CHECK(client.get("/index.html").status == 404);
}

TEST_CASE("Browsers are told to load nothing from elsewhere and to show the page in no frame") {
    RunningEndpoint server;
    HttpClient client(server.port);
    for (const std::string page : {"/", "/status.json", "/nonsense"}) {
        const auto response = client.get(page);
        const std::string policy = response.headers.at("Content-Security-Policy");
        CHECK(policy.find("default-src 'none'; script-src 'self';") == 0);
        CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
        CHECK(policy.find("unsafe") == std::string::npos);
        CHECK(response.headers.at("X-Content-Type-Options") == "nosniff");
        CHECK(response.headers.count("Access-Control-Allow-Origin") == 0);
    }
}

TEST_CASE("Series of single connections are a page only where they are wanted") {
    RunningEndpoint server;
    HttpClient client(server.port);
    CHECK(client.get("/metrics/connections").status == 404);
    server.connection_metrics_max = 10;
    const auto response = client.get("/metrics/connections");
    CHECK(response.status == 200);
    CHECK(response.headers.at("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
}

TEST_CASE("A client that takes gzip gets gzip, and no other does") {
    const std::string much(100'000, '#');
    RunningEndpoint server([&] { return much; });
    HttpClient client(server.port);
    REQUIRE(client.send(
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: br, gzip;q=0.5\r\n\r\n"));
    const auto compressed = client.read_response();
    CHECK(compressed.headers.at("Content-Encoding") == "gzip");
    CHECK(compressed.body.substr(0, 2) == "\x1f\x8b");
    CHECK(compressed.body.size() < much.size() / 10);
    REQUIRE(client.send(
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip;q=0, br\r\n\r\n"));
    CHECK(client.read_response().body == much);
    CHECK(client.get("/metrics").body == much);
}

TEST_CASE("Other paths do not exist") {
    RunningEndpoint server;
    HttpClient client(server.port);
    for (const std::string target :
         {"/metrics/", "/Metrics", "//metrics", "/../etc/passwd", "*", "/%2e"}) {
        INFO(target);
        CHECK(client.get(target).status == 404);
    }
}

TEST_CASE("Other methods are not allowed") {
    RunningEndpoint server;
    HttpClient client(server.port);
    for (const std::string method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW", "get"}) {
        INFO(method);
        REQUIRE(client.send(method + " /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        const auto response = client.read_response();
        CHECK(response.status == 405);
        CHECK(response.headers.at("Allow") == "GET, HEAD");
    }
}

TEST_CASE("HEAD tells the length and leaves the body out") {
    RunningEndpoint server;
    HttpClient client(server.port);
    REQUIRE(client.send("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    const auto response = client.read_response(false);
    CHECK(response.status == 200);
    CHECK(response.headers.at("Content-Length") == "12");
    CHECK(client.get("/healthz").body == "ok\n");
}

TEST_CASE("A page that throws is answered with 500 and harms no other") {
    RunningEndpoint server([]() -> std::string { throw std::runtime_error("broken"); });
    HttpClient client(server.port);
    const auto response = client.get("/metrics");
    CHECK(response.status == 500);
    CHECK(response.body.find("broken") == std::string::npos);
    CHECK(client.get("/healthz").status == 200);
}

TEST_CASE("No answer is kept by a cache or guessed at by a browser") {
    RunningEndpoint server;
    HttpClient client(server.port);
    for (const std::string target : {"/", "/metrics", "/nothing"}) {
        const auto response = client.get(target);
        CHECK(response.headers.at("Cache-Control") == "no-store");
        CHECK(response.headers.at("X-Content-Type-Options") == "nosniff");
    }
}

TEST_CASE("A page that tells of connections is made twice a second at most") {
    int made = 0;
    pgmoat::admin::HttpPages pages;
    pages.connections = [&made](std::size_t) {
        ++made;
        return pgmoat::admin::LiveConnections{};
    };
    pages.metrics = [&made] {
        ++made;
        return std::string("pgmoat_up 1\n");
    };
    pgmoat::admin::RecentAnswers answers;
    const pgmoat::admin::RecentAnswers::Clock::time_point start{std::chrono::seconds(1)};
    const auto first = answers.answer("GET", "/connections.json", pages, start);
    const auto at_once = answers.answer("GET", "/connections.json?again", pages, start);
    CHECK(made == 1);
    CHECK(at_once.body == first.body);
    (void)answers.answer(
        "GET", "/connections.json", pages, start + pgmoat::admin::http_answer_kept);
    CHECK(made == 2);
    (void)answers.answer("GET", "/metrics", pages, start);
    (void)answers.answer("GET", "/metrics", pages, start);
    CHECK(made == 4);
}

TEST_CASE("A file of the page is compressed once") {
    pgmoat::admin::RecentAnswers answers;
    const auto first =
        answers.answer("GET", "/page.css", {}, pgmoat::admin::RecentAnswers::Clock::now());
    const auto second = answers.answer(
        "GET", "/page.css", {}, pgmoat::admin::RecentAnswers::Clock::now() + std::chrono::hours(1));
    REQUIRE(first.status == 200);
    CHECK(second.body == first.body);
    CHECK(&second.body->compressed() == &first.body->compressed());
    CHECK(
        answers.answer("GET", "/nothing", {}, pgmoat::admin::RecentAnswers::Clock::now()).status ==
        404);
}
