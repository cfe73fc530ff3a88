// Connection strings and URIs. Every error text without "upstream" or "here" in it is libpq's, seen
// in libpq 18.4 (and 15.20, which quotes fewer names).
#include "proxy/config/conninfo.h"
#include "proxy/config/limits.h"
#include "tests/support/catch.h"

using namespace pgmoat::config;
using namespace std::chrono_literals;

namespace {

std::string error_of(const std::string& text) {
    try {
        (void)parse_conninfo(text);
    } catch (const ConninfoError& error) {
        return error.what();
    }
    return "(parsed)";
}

// host|hostaddr|port, separated by blanks.
std::string hosts_of(const std::string& text) {
    std::string hosts;
    for (const UpstreamHost& host : parse_conninfo(text).hosts) {
        if (!hosts.empty()) hosts += ' ';
        hosts += host.host + "|" + host.hostaddr + "|" + std::to_string(host.port);
    }
    return hosts;
}

} // namespace

TEST_CASE("what a connection string does not say has libpq's defaults") {
    const Conninfo conninfo = parse_conninfo("host=db");
    CHECK(conninfo.hosts.size() == 1);
    CHECK(conninfo.hosts[0].port == 5432);
    CHECK(conninfo.sslmode == SslMode::prefer);
    CHECK(conninfo.sslnegotiation == SslNegotiation::postgres);
    CHECK(conninfo.sslsni);
    CHECK(conninfo.ssl_min_protocol_version == "TLSv1.2");
    CHECK(conninfo.ssl_max_protocol_version.empty());
    CHECK(conninfo.connect_timeout == 0s);
    CHECK(conninfo.keepalives);
    REQUIRE(conninfo.given.size() == 1);
    CHECK(conninfo.given[0].keyword == "host");
}

TEST_CASE("who answers SCRAM is pgmoat's own keyword") {
    CHECK_FALSE(parse_conninfo("host=db").login);
    CHECK(parse_conninfo("host=db login=auto").login == LoginMode::automatic);
    CHECK(parse_conninfo("host=db login=relay").login == LoginMode::relay);
    CHECK(parse_conninfo("host=db login=bridge").login == LoginMode::bridge);
    CHECK(error_of("host=db login=never") == "invalid login value: \"never\"");
}

TEST_CASE("every honoured keyword reaches its field") {
    const Conninfo conninfo = parse_conninfo(
        "hostaddr=10.0.0.1 port=7 sslmode=verify-full sslnegotiation=direct sslrootcert=r.crt "
        "sslcrl=c.crl sslcrldir=crls sslcert=a.crt sslkey=a.key sslpassword=pw sslsni=0 "
        "ssl_min_protocol_version=tlsv1.3 ssl_max_protocol_version=TLSv1.3 connect_timeout=5 "
        "keepalives=0 keepalives_idle=1 keepalives_interval=2 keepalives_count=3 "
        "tcp_user_timeout=4 proxy_protocol=v2 client_facts=settings");
    CHECK(conninfo.proxy_protocol == ProxyProtocol::v2);
    CHECK(conninfo.client_facts == ClientFacts::settings);
    CHECK(conninfo.hosts[0].hostaddr == "10.0.0.1");
    CHECK(conninfo.hosts[0].port == 7);
    CHECK(conninfo.sslmode == SslMode::verify_full);
    CHECK(conninfo.sslnegotiation == SslNegotiation::direct);
    CHECK(conninfo.sslrootcert == "r.crt");
    CHECK(conninfo.sslcrl == "c.crl");
    CHECK(conninfo.sslcrldir == "crls");
    CHECK(conninfo.sslcert == "a.crt");
    CHECK(conninfo.sslkey == "a.key");
    CHECK(conninfo.sslpassword == "pw");
    CHECK_FALSE(conninfo.sslsni);
    CHECK(conninfo.ssl_min_protocol_version == "TLSv1.3");
    CHECK(conninfo.ssl_max_protocol_version == "TLSv1.3");
    CHECK(conninfo.connect_timeout == 5s);
    CHECK_FALSE(conninfo.keepalives);
    CHECK(conninfo.keepalives_idle == 1);
    CHECK(conninfo.keepalives_interval == 2);
    CHECK(conninfo.keepalives_count == 3);
    CHECK(conninfo.tcp_user_timeout_ms == 4);
}

TEST_CASE("each sslmode has its name") {
    const auto mode = GENERATE(SslMode::disable,
                               SslMode::allow,
                               SslMode::prefer,
                               SslMode::require,
                               SslMode::verify_ca,
                               SslMode::verify_full);
    const std::string name(name_of(mode));
    CHECK(parse_conninfo("host=x sslrootcert=r sslmode=" + name).sslmode == mode);
}

TEST_CASE("quotes, escapes and blanks are libpq's") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"host=a", "a"},
        {" host = a ", "a"},
        {"host\n=\ta\r\n", "a"},
        {"host='a b'", "a b"},
        {"host='it\\'s'", "it's"},
        {"host=it\\'s", "it's"},
        {"host=a\\ b", "a b"},
        {"host=a\\\\b", "a\\b"},
        {"host=a\\", "a"},
        {"host=a'b", "a'b"},
        {"host='a'port=1", "a"},
        {"host=a host=b", "b"},
    }));
    INFO(std::get<0>(row));
    CHECK(parse_conninfo(std::get<0>(row)).hosts[0].host == std::get<1>(row));
}

TEST_CASE("lists of hosts, addresses and ports are matched as libpq matches them") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"host=a,b", "a||5432 b||5432"},
        {"host=a,b port=1", "a||1 b||1"},
        {"host=a,b port=1,2", "a||1 b||2"},
        {"host=a,b port=,2", "a||5432 b||2"},
        {"host=a,b port=''", "a||5432 b||5432"},
        {"hostaddr=10.0.0.1,::1", "|10.0.0.1|5432 |::1|5432"},
        {"hostaddr=fe80::1%eth0", "|fe80::1%eth0|5432"},
        {"host=a,b hostaddr=10.0.0.1,10.0.0.2", "a|10.0.0.1|5432 b|10.0.0.2|5432"},
        {"host=a,b hostaddr=,10.0.0.2", "a||5432 b|10.0.0.2|5432"},
        {"host=/run/postgresql", "/run/postgresql||5432"},
        {"host=@abstract", "@abstract||5432"},
        {"host=a port=' 7 '", "a||7"},
    }));
    INFO(std::get<0>(row));
    CHECK(hosts_of(std::get<0>(row)) == std::get<1>(row));
}

TEST_CASE("a URI says the same as a string") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"postgresql://a", "a||5432"},
        {"postgres://a:7", "a||7"},
        {"postgresql://a:", "a||5432"},
        {"postgresql://a:7/", "a||7"},
        {"postgresql://a:1,b:2/", "a||1 b||2"},
        {"postgresql://a:1,b", "a||1 b||5432"},
        {"postgresql://[::1]:7,[fe80::1]", "::1||7 fe80::1||5432"},
        {"postgresql://%2Frun%2Fpg:7", "/run/pg||7"},
        {"postgresql://a?port=7", "a||7"},
        {"postgresql://a/?host=b&port=7", "b||7"},
        {"postgresql:///?hostaddr=10.0.0.1", "|10.0.0.1|5432"},
        {"postgresql://a:7 ", "a||7"},
        {"postgresql://%61", "a||5432"},
    }));
    INFO(std::get<0>(row));
    CHECK(hosts_of(std::get<0>(row)) == std::get<1>(row));
}

TEST_CASE("ssl=true in a URI is JDBC's word for sslmode=require") {
    CHECK(parse_conninfo("postgresql://a?ssl=true").sslmode == SslMode::require);
}

TEST_CASE("sslrootcert=system means verify-full") {
    CHECK(parse_conninfo("host=a sslrootcert=system").sslmode == SslMode::verify_full);
}

TEST_CASE("a connect_timeout of one second is two, of zero or less is none") {
    CHECK(parse_conninfo("host=a connect_timeout=1").connect_timeout == 2s);
    CHECK(parse_conninfo("host=a connect_timeout=0").connect_timeout == 0s);
    CHECK(parse_conninfo("host=a connect_timeout=-5").connect_timeout == 0s);
}

TEST_CASE("what libpq refuses is refused in its words") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"host", R"(missing "=" after "host" in connection info string)"},
        {"host=a b", R"(missing "=" after "b" in connection info string)"},
        {"host a=b", R"(missing "=" after "host" in connection info string)"},
        {"host='a", "unterminated quoted string in connection info string"},
        {"host='a\\", "unterminated quoted string in connection info string"},
        {"host='a\\'", "unterminated quoted string in connection info string"},
        {"foo=1", R"(invalid connection option "foo")"},
        {"HOST=a", R"(invalid connection option "HOST")"},
        {" = x", R"(invalid connection option "")"},
        {"foo=1 host='a", R"(invalid connection option "foo")"},
        {"host=a proxy_protocol=v3", R"(invalid proxy_protocol value: "v3")"},
        {"host=a client_facts=on", R"(invalid client_facts value: "on")"},
        {"host=a sslmode=bogus", R"(invalid sslmode value: "bogus")"},
        {"host=a sslmode=REQUIRE", R"(invalid sslmode value: "REQUIRE")"},
        {"host=a sslmode=", R"(invalid sslmode value: "")"},
        {"host=a sslnegotiation=x", R"(invalid sslnegotiation value: "x")"},
        {"host=a gssencmode=x", R"(invalid gssencmode value: "x")"},
        {"host=a target_session_attrs=x", R"(invalid target_session_attrs value: "x")"},
        {"host=a load_balance_hosts=x", R"(invalid load_balance_hosts value: "x")"},
        {"host=a sslcertmode=x", R"(invalid sslcertmode value: "x")"},
        {"host=a ssl_min_protocol_version=x", R"(invalid "ssl_min_protocol_version" value: "x")"},
        {"host=a ssl_max_protocol_version=SSLv3",
         R"(invalid "ssl_max_protocol_version" value: "SSLv3")"},
        {"host=a ssl_max_protocol_version=TLSv1.1", "invalid SSL protocol version range"},
        {"host=a,b port=1,2,3", "could not match 3 port numbers to 2 hosts"},
        {"host=a port=1,", "could not match 2 port numbers to 1 hosts"},
        {"host=a hostaddr=1.1.1.1,2.2.2.2", "could not match 1 host names to 2 hostaddr values"},
        {"host=a hostaddr=,", "could not match 1 host names to 2 hostaddr values"},
        {"host=a port=0", R"(invalid port number: "0")"},
        {"host=a port=99999", R"(invalid port number: "99999")"},
        {"host=a port=-1", R"(invalid port number: "-1")"},
        {"host=a port=1x", R"(invalid integer value "1x" for connection option "port")"},
        {"host=a connect_timeout=x",
         R"(invalid integer value "x" for connection option "connect_timeout")"},
        {"host=a connect_timeout=''",
         R"(invalid integer value "" for connection option "connect_timeout")"},
        {"host=a connect_timeout=99999999999",
         R"(invalid integer value "99999999999" for connection option "connect_timeout")"},
        {"host=a keepalives=yes",
         R"(invalid integer value "yes" for connection option "keepalives")"},
        {"host=a keepalives_idle=1x",
         R"(invalid integer value "1x" for connection option "keepalives_idle")"},
        {"hostaddr=foo", R"(could not parse network address "foo": Name or service not known)"},
        {"host=a sslnegotiation=direct",
         R"(weak sslmode "prefer" may not be used with sslnegotiation=direct (use "require", "verify-ca", or "verify-full"))"},
        {"host=a sslrootcert=system sslmode=require",
         R"(weak sslmode "require" may not be used with sslrootcert=system (use "verify-full"))"},
        {"postgresql://[::1",
         R"(end of string reached when looking for matching "]" in IPv6 host address in URI: "postgresql://[::1")"},
        {"postgresql://[]", R"(IPv6 host address may not be empty in URI: "postgresql://[]")"},
        {"postgresql://[::1]x",
         R"(unexpected character "x" at position 19 in URI (expected ":" or "/"): "postgresql://[::1]x")"},
        {"postgresql://h:1:2/", R"(invalid integer value "1:2" for connection option "port")"},
        {"postgresql://h:abc", R"(invalid integer value "abc" for connection option "port")"},
        {"postgresql://h?a", R"(missing key/value separator "=" in URI query parameter: "a")"},
        {"postgresql://h?&", R"(missing key/value separator "=" in URI query parameter: "")"},
        {"postgresql://h?a=b", R"(invalid URI query parameter: "a")"},
        {"postgresql://h?SSLMODE=disable", R"(invalid URI query parameter: "SSLMODE")"},
        {"postgresql://h?ssl=false", R"(invalid URI query parameter: "ssl")"},
        {"postgresql://h?sslmode=b=c",
         R"(extra key/value separator "=" in URI query parameter: "sslmode")"},
        {"postgresql://h?sslmode=disable#x", R"(invalid sslmode value: "disable#x")"},
        {"postgresql://h%zz", R"(invalid percent-encoded token: "h%zz")"},
        {"postgresql://h%2", R"(invalid percent-encoded token: "h%2")"},
        {"postgresql://h%00", R"(forbidden value %00 in percent-encoded value: "h%00")"},
        {"postgresql://h o",
         R"(unexpected spaces found in "h o", use percent-encoded spaces (%20) instead)"},
        {"postgresql:/h", R"(missing "=" after "postgresql:/h" in connection info string)"},
    }));
    INFO(std::get<0>(row));
    CHECK(error_of(std::get<0>(row)) == std::get<1>(row));
}

TEST_CASE("a keyword that a proxy cannot honour is refused with the reason") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"user=x", "it is the client's own, from its startup packet"},
        {"dbname=x", "it is the client's own, from its startup packet"},
        {"options=x", "it is the client's own, from its startup packet"},
        {"application_name=x", "it is the client's own, from its startup packet"},
        {"client_encoding=auto", "it is the client's own, from its startup packet"},
        {"password=x", "the client itself logs in to the server"},
        {"passfile=x", "the client itself logs in to the server"},
        {"channel_binding=require", "the client itself logs in to the server"},
        {"require_auth=scram-sha-256", "the client itself logs in to the server"},
        {"krbsrvname=x", "the client itself logs in to the server"},
        {"service=x", "service files are not read"},
        {"requirepeer=postgres", "the owner of the server's socket is not checked"},
        {"sslkeylogfile=/tmp/k", "TLS secrets are never written down"},
        {"sslcompression=1", "TLS compression is always off"},
        {"gssencmode=require", "GSSAPI encryption to an upstream is not supported"},
        {"sslcertmode=require", "only \"allow\" is supported"},
    }));
    INFO(std::get<0>(row));
    const std::string keyword = std::get<0>(row).substr(0, std::get<0>(row).find('='));
    CHECK(error_of("host=a " + std::get<0>(row)) ==
          "connection option \"" + keyword +
              "\" cannot be used for an upstream: " + std::get<1>(row));
}

TEST_CASE("user, password and database in a URI are refused as their keywords are") {
    CHECK(error_of("postgresql://u@h") == error_of("host=h user=u"));
    CHECK(error_of("postgresql://:p@h") == error_of("host=h password=p"));
    CHECK(error_of("postgresql://h/d") == error_of("host=h dbname=d"));
}

TEST_CASE("which hosts a client may be sent to has libpq's keywords") {
    const std::vector<std::pair<std::string, SessionAttrs>> words{
        {"any", SessionAttrs::any},
        {"read-write", SessionAttrs::read_write},
        {"read-only", SessionAttrs::read_only},
        {"primary", SessionAttrs::primary},
        {"standby", SessionAttrs::standby},
        {"prefer-standby", SessionAttrs::prefer_standby}};
    for (const auto& [word, attrs] : words) {
        CHECK(parse_conninfo("host=a target_session_attrs=" + word).target_session_attrs == attrs);
        CHECK(name_of(attrs) == word);
    }
    CHECK(parse_conninfo("host=a").target_session_attrs == SessionAttrs::any);
    CHECK_FALSE(parse_conninfo("host=a load_balance_hosts=disable").balance_hosts);
    CHECK(parse_conninfo("host=a load_balance_hosts=random").balance_hosts);
}

TEST_CASE("a refused keyword may say what happens anyway") {
    CHECK(error_of("host=a gssencmode=disable sslcompression=0 target_session_attrs=any "
                   "load_balance_hosts=disable sslcertmode=allow") == "(parsed)");
    CHECK(error_of("host=a gssencmode=prefer") == "(parsed)");
}

TEST_CASE("what libpq takes from the user's home or leaves to the system must be right here") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"", "an upstream needs \"host\" or \"hostaddr\" for each of its servers"},
        {"port=1", "an upstream needs \"host\" or \"hostaddr\" for each of its servers"},
        {"host=a,", "an upstream needs \"host\" or \"hostaddr\" for each of its servers"},
        {"postgresql://", "an upstream needs \"host\" or \"hostaddr\" for each of its servers"},
        {"host=a sslmode=verify-ca",
         "sslmode \"verify-ca\" needs sslrootcert: there is no default root certificate file here"},
        {"host=a sslcert=x", "sslcert and sslkey must be set together: neither has a default here"},
        {"host=a sslsni=yes", "invalid sslsni value: \"yes\""},
        {"host=a keepalives_idle=-5", "invalid keepalives_idle value: \"-5\""},
    }));
    INFO(std::get<0>(row));
    CHECK(error_of(std::get<0>(row)) == std::get<1>(row));
}

TEST_CASE("an upstream has no more hosts than the limit") {
    std::string hosts = "host=a";
    for (std::size_t i = 1; i < limits::hosts_per_upstream_max; ++i)
        hosts += ",a";
    CHECK(parse_conninfo(hosts).hosts.size() == limits::hosts_per_upstream_max);
    CHECK(error_of(hosts + ",a") == "an upstream may have at most 64 hosts");
}

TEST_CASE("a zero byte does not hide the rest of a connection string") {
    CHECK(error_of(std::string("host=a\0 sslmode=disable", 23)) ==
          "connection info string contains a zero byte");
}

TEST_CASE("a server's socket path must fit into an address") {
    CHECK(error_of("host=/" + std::string(100, 'd')).ends_with("is too long (maximum 107 bytes)"));
}

TEST_CASE("sslmode decides how much of the server's certificate is checked") {
    using pgmoat::tls::Verify;
    const auto verify = [](const std::string& text) {
        return client_tls_settings(parse_conninfo("host=a " + text)).verify;
    };
    CHECK(verify("sslmode=require") == Verify::nothing);
    CHECK(verify("sslmode=require sslrootcert=r") == Verify::chain);
    CHECK(verify("sslmode=prefer sslrootcert=r") == Verify::chain);
    CHECK(verify("sslmode=verify-ca sslrootcert=r") == Verify::chain);
    CHECK(verify("sslmode=verify-full sslrootcert=r") == Verify::chain_and_name);
    CHECK(verify("sslrootcert=system") == Verify::chain_and_name);
}

TEST_CASE("the TLS options of a connection string become the settings of a TLS client") {
    const pgmoat::tls::ClientSettings settings = client_tls_settings(
        parse_conninfo("host=a sslmode=verify-ca sslrootcert=r sslcrl=c sslcrldir=d sslcert=e "
                       "sslkey=k sslpassword=p sslsni=0 ssl_min_protocol_version='' "
                       "ssl_max_protocol_version=TLSv1.2"));
    CHECK(settings.root_certificate_file == "r");
    CHECK(settings.crl_file == "c");
    CHECK(settings.crl_dir == "d");
    CHECK(settings.certificate_file == "e");
    CHECK(settings.key_file == "k");
    CHECK(settings.key_password == "p");
    CHECK_FALSE(settings.send_server_name);
    CHECK(settings.min_protocol_version.empty());
    CHECK(settings.max_protocol_version == "TLSv1.2");
}
