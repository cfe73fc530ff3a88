// pg_hba.conf line by line: all of PostgreSQL's errors, and the rules that valid lines give.
#include "tests/support/catch.h"
#include "tests/unit/hba/hba_lines.h"

#include <map>
#include <string>
#include <variant>
#include <vector>

using namespace pgmoat::hba;
using pgmoat::config::MemoryFiles;
using Kind = NameMatch::Kind;

namespace {

struct Row {
    const char* line;
    const char* error;
};

} // namespace

TEST_CASE("a line that PostgreSQL refuses is refused in its words") {
    const auto row = GENERATE(values<Row>({
        {"HOST all all all trust", "invalid connection type \"HOST\""},
        {"local,host all all trust",
         "multiple values specified for connection type (Specify exactly one connection type per "
         "line.)"},
        {"host", "end-of-line before database specification"},
        {"host all", "end-of-line before role specification"},
        {"host all all", "end-of-line before IP address specification"},
        {"local all all", "end-of-line before authentication method"},
        {"host all all all", "end-of-line before authentication method"},
        {"host a , b all 10.0.0.0/8 trust", // two fields
         "invalid authentication method \"10.0.0.0/8\""},
        {"host all all 10.0.0.0/8,::/0 trust",
         "multiple values specified for host address (Specify one address range per line.)"},
        {"host all all 300.1.1.1/8 trust",
         "specifying both host name and CIDR mask is invalid: \"300.1.1.1/8\""},
        {"host all all localhost/32 trust",
         "specifying both host name and CIDR mask is invalid: \"localhost/32\""},
        {"host all all 10.0.0.0/33 trust", "invalid CIDR mask in address \"10.0.0.0/33\""},
        {"host all all 10.0.0.0/ trust", "invalid CIDR mask in address \"10.0.0.0/\""},
        {"host all all 10.0.0.0/x trust", "invalid CIDR mask in address \"10.0.0.0/x\""},
        {"host all all ::/129 trust", "invalid CIDR mask in address \"::/129\""},
        {"host all all 10.0.0.0",
         "end-of-line before netmask specification (Specify an address range in CIDR notation, or "
         "provide a separate netmask.)"},
        {"host all all 10.0.0.0 trust", "invalid IP mask \"trust\": Name or service not known"},
        {"host all all 10.0.0.0 255.0.0.0,1 trust", "multiple values specified for netmask"},
        {"host all all 10.0.0.0 ffff:: trust", "IP address and mask do not match"},
        {"host all all all trust,md5",
         "multiple values specified for authentication type (Specify exactly one authentication "
         "type per line.)"},
        {"host all all all Trust", "invalid authentication method \"Trust\""},
        {"host all all all md6", "invalid authentication method \"md6\""},
        {"local all all gss", "gssapi authentication is not supported on local sockets"},
        {"host all all all peer", "peer authentication is only supported on local sockets"},
        {"host all all all cert", "cert authentication is only supported on hostssl connections"},
        {"host \"/(\" all all trust",
         "invalid regular expression \"(\": parentheses () not balanced"},
        {"host all /[ all trust", "invalid regular expression \"[\": brackets [] not balanced"},
        {"host all all all trust x", "authentication option not in name=value format: x"},
        {"host all all all trust x=1", "unrecognized authentication option name: \"x\""},
        {"host all all all trust =1", "unrecognized authentication option name: \"\""},
        {"host all all all trust map=x",
         "authentication option \"map\" is only valid for authentication methods ident, peer, "
         "gssapi, sspi, cert, and oauth"},
        {"host all all all trust clientcert=verify-ca",
         "clientcert can only be configured for \"hostssl\" rows"},
        {"hostssl all all all trust clientcert=1", "invalid value for clientcert: \"1\""},
        {"hostssl all all all cert clientcert=verify-ca",
         "clientcert only accepts \"verify-full\" when using \"cert\" authentication"},
        {"host all all all trust clientname=CN",
         "clientname can only be configured for \"hostssl\" rows"},
        {"hostssl all all all cert clientname=cn", "invalid value for clientname: \"cn\""},
        {"host all all all md5 pamservice=x",
         "authentication option \"pamservice\" is only valid for authentication methods pam"},
        {"host all all all md5 ldaptls=1",
         "authentication option \"ldaptls\" is only valid for authentication methods ldap"},
        {"host all all all ident krb_realm=x",
         "authentication option \"krb_realm\" is only valid for authentication methods gssapi and "
         "sspi"},
        {"host all all all gss compat_realm=1",
         "authentication option \"compat_realm\" is only valid for authentication methods sspi"},
        {"host all all all ldap ldapserver=x",
         "authentication method \"ldap\" requires argument \"ldapbasedn\", \"ldapprefix\", or "
         "\"ldapsuffix\" to be set"},
        {"host all all all ldap ldapprefix=x ldapbasedn=y",
         "cannot mix options for simple bind and search+bind modes"},
        {"host all all all ldap ldapbasedn=x ldapsearchattribute=a ldapsearchfilter=b",
         "cannot use ldapsearchattribute together with ldapsearchfilter"},
        {"host all all all ldap ldapbasedn=x ldapport=0", "invalid LDAP port number: \"0\""},
        {"host all all all radius",
         "authentication method \"radius\" requires argument \"radiusservers\" to be set"},
        {"host all all all radius radiusservers=127.0.0.1",
         "authentication method \"radius\" requires argument \"radiussecrets\" to be set"},
        {"host all all all radius radiusservers= radiussecrets=a",
         "list of RADIUS servers cannot be empty"},
        {"host all all all radius radiusservers=127.0.0.1 radiussecrets=",
         "list of RADIUS secrets cannot be empty"},
        {"host all all all radius \"radiusservers=1.1.1.1,1.1.1.2,1.1.1.3\" \"radiussecrets=a,b\"",
         "the number of RADIUS secrets (2) must be 1 or the same as the number of RADIUS servers "
         "(3)"},
        {"host all all all radius radiusservers=1.1.1.1 radiussecrets=a \"radiusports=1,2\"",
         "the number of RADIUS ports (2) must be 1 or the same as the number of RADIUS servers "
         "(1)"},
        {"host all all all oauth issuer=x",
         "authentication method \"oauth\" requires argument \"scope\" to be set"},
        {"host all all all oauth scope=x",
         "authentication method \"oauth\" requires argument \"issuer\" to be set"},
        {"host all all all oauth issuer=x scope=y map=m delegate_ident_mapping=1",
         "map cannot be used in combination with delegate_ident_mapping"},
    }));
    CAPTURE(row.line);
    CHECK(ParsedHba(row.line).error() == row.error);
}

TEST_CASE("options of our own are checked") {
    const auto row = GENERATE(values<Row>({
        {"host all all all md5 tls_min=TLSv1.4",
         "invalid value for tls_min: \"TLSv1.4\" (Available values: TLSv1, TLSv1.1, TLSv1.2, "
         "TLSv1.3.)"},
        {"local all all md5 tls_min=TLSv1.3",
         "tls_min can only be configured for \"host\", \"hostssl\" and \"hostnogssenc\" rows"},
        {"hostnossl all all all md5 tls_groups=X25519",
         "tls_groups can only be configured for \"host\", \"hostssl\" and \"hostnogssenc\" rows"},
        {"hostgssenc all all all md5 sni=x",
         "sni can only be configured for \"host\", \"hostssl\" and \"hostnogssenc\" rows"},
        {"hostssl all all all md5 tls_ciphers=HIGH",
         "invalid value for tls_ciphers: \"HIGH\" (\"HIGH\" is no cipher that pgmoat knows by "
         "name.)"},
        {"hostssl all all all md5 tls_ciphers=TLS_AES_256_GCM_SHA384:",
         "invalid value for tls_ciphers: \"TLS_AES_256_GCM_SHA384:\" (\"\" is no cipher that "
         "pgmoat knows by name.)"},
        {"hostssl all all all md5 tls_groups=other",
         "invalid value for tls_groups: \"other\" (\"other\" is no group that pgmoat knows by "
         "name.)"},
        {"hostssl all all all md5 tls_groups=X25519,X448",
         "authentication option not in name=value format: X448"},
        {"hostssl all all all md5 sni=*.",
         "invalid value for sni: \"*.\" (Specify one host name in ASCII, *.DOMAIN, or a regular "
         "expression after a slash.)"},
        {"hostssl all all all md5 sni=a.*.b",
         "invalid value for sni: \"a.*.b\" (Specify one host name in ASCII, *.DOMAIN, or a regular "
         "expression after a slash.)"},
        {"hostssl all all all md5 sni=/(",
         "invalid value for sni: \"/(\" (invalid regular expression \"(\": parentheses () not "
         "balanced)"},
        {"hostssl all all all md5 sni=",
         "invalid value for sni: \"\" (Specify one host name in ASCII, *.DOMAIN, or a regular "
         "expression after a slash.)"},
        {"hostssl all all all md5 sni=x.",
         "invalid value for sni: \"x.\" (Specify one host name in ASCII, *.DOMAIN, or a regular "
         "expression after a slash.)"},
        {"local all all md5 upstream=nowhere",
         "invalid value for upstream: \"nowhere\" (There is no upstream of this name.)"},
        {"local all all md5 max_connections=0",
         "invalid value for max_connections: \"0\" (Specify a number from 1 to 262143.)"},
        {"local all all md5 max_connections=262144",
         "invalid value for max_connections: \"262144\" (Specify a number from 1 to 262143.)"},
        {"local all all md5 max_connections=1x",
         "invalid value for max_connections: \"1x\" (Specify a number from 1 to 262143.)"},
        {"hostssl all all all reject tls_min=TLSv1.3", "tls_min cannot be used with \"reject\""},
        {"local all all reject upstream=reports", "upstream cannot be used with \"reject\""},
        {"hostssl all all all md5 sni=a sni=b", "sni is given twice"},
    }));
    CAPTURE(row.line);
    HbaContext context;
    context.upstreams = {"reports"};
    CHECK(ParsedHba(row.line, context).error() == row.error);
}

TEST_CASE("options of our own become demands, a match and a route") {
    HbaContext context;
    context.upstreams = {"reports"};
    const ParsedHba parsed(
        "hostssl all all all md5 tls_min=tlsv1.3 sni=Old.Example.com upstream=reports "
        "tls_ciphers=TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256 "
        "tls_groups=x25519:P-256:secp384r1:X25519MLKEM768 max_connections=7",
        context);
    const Rule& rule = parsed.rule();
    CHECK(rule.demands.tls_min == "TLSv1.3");
    CHECK(rule.demands.tls_ciphers ==
          std::vector<std::string>{"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"});
    CHECK(rule.demands.tls_groups ==
          std::vector<std::string>{"X25519", "prime256v1", "secp384r1", "X25519MLKEM768"});
    CHECK(rule.sni == "old.example.com");
    CHECK(rule.upstream == "reports");
    CHECK(rule.max_connections == 7);
    CHECK(rule.options.size() == 6);
}

TEST_CASE("words mean something in their own column and without quotes only") {
    struct Column {
        const char* token;
        Kind database;
        Kind user;
    };
    const auto row = GENERATE(values<Column>({
        {"all", Kind::all, Kind::all},
        {"\"all\"", Kind::exact, Kind::exact},
        {"ALL", Kind::exact, Kind::exact},
        {"replication", Kind::replication, Kind::exact},
        {"\"replication\"", Kind::exact, Kind::exact},
        {"sameuser", Kind::same_user, Kind::exact},
        {"samerole", Kind::same_role, Kind::exact},
        {"samegroup", Kind::same_role, Kind::exact},
        {"+x", Kind::exact, Kind::role},
        {"\"+x\"", Kind::exact, Kind::exact},
        {"+\"x y\"", Kind::exact, Kind::role},
        {"/x", Kind::regex, Kind::regex},
        {"\"/x\"", Kind::regex, Kind::regex},
        {"+/x", Kind::exact, Kind::role},
        {"/", Kind::regex, Kind::regex},
    }));
    CAPTURE(row.token);
    HbaContext context;
    context.roles = true;
    const std::string token = row.token;
    const ParsedHba parsed("local " + token + " " + token + " trust", context);
    CHECK(parsed.rule().databases.at(0).kind == row.database);
    CHECK(parsed.rule().users.at(0).kind == row.user);
}

TEST_CASE("an address is a range, a name or a word") {
    const auto address = [](const std::string& text) {
        return ParsedHba("host all all " + text + " trust").rule().address;
    };
    CHECK(std::holds_alternative<AnyAddress>(address("all")));
    CHECK(std::holds_alternative<SameHost>(address("samehost")));
    CHECK(std::holds_alternative<SameNet>(address("samenet")));
    CHECK(std::get<HostName>(address("ALL")).name == "ALL");
    CHECK(std::get<HostName>(address("\"all\"")).name == "all");
    CHECK(std::get<HostName>(address(".example.com")).name == ".example.com");
    CHECK(std::get<HostName>(address("300.1.1.1")).name == "300.1.1.1");
    const auto range = std::get<AddressRange>(address("127.1/8"));
    CHECK(text_of(range.base) == "127.0.0.1");
    CHECK(text_of(range.mask) == "255.0.0.0");
    CHECK(std::get<AddressRange>(address("10.0.0.0 255.0.0.0")) ==
          std::get<AddressRange>(address("10.0.0.0/8")));
    CHECK(text_of(std::get<AddressRange>(address("fe80::%eth0/10")).base) == "fe80::");
}

TEST_CASE("what the method implies is filled in") {
    CHECK(ParsedHba("local all all ident").rule().method == Method::peer);
    CHECK(ParsedHba("hostssl all all all cert").rule().client_cert == ClientCert::verify_full);
    const ParsedHba parsed("\"hostssl\" all all all \"scram-sha-256\" clientcert=verify-ca,"
                           "clientname=DN");
    CHECK(parsed.rule().method == Method::scram_sha_256);
    CHECK(parsed.rule().client_cert == ClientCert::verify_ca);
    CHECK(parsed.rule().client_name == ClientName::distinguished_name);
}

TEST_CASE("every method and record type has its word and is read back from it") {
    for (const char* word : {"trust",
                             "reject",
                             "scram-sha-256",
                             "md5",
                             "password",
                             "sspi",
                             "ident",
                             "ldap ldapprefix=x",
                             "pam",
                             "bsd",
                             "gss",
                             "radius radiusservers=x radiussecrets=y",
                             "oauth issuer=x scope=y"}) {
        CAPTURE(word);
        const ParsedHba parsed("hostnogssenc all all all " + std::string(word));
        const std::string text = word;
        CHECK(word_of(parsed.rule().method) == text.substr(0, text.find(' ')));
    }
    for (const char* word : {"host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"}) {
        const ParsedHba parsed(std::string(word) + " all all all reject");
        CHECK(word_of(parsed.rule().type) == word);
    }
}

TEST_CASE("in passthrough only what the hellos show can be asked for") {
    const std::string hint = " (In passthrough the startup packet is encrypted: only addresses, "
                             "TLS and SNI can be seen. Give the listener rules of its own: "
                             "hba_file=FILE in \"listener.NAME\".)";
    const auto row = GENERATE(values<Row>({
        {"host sales all all md5", "database \"sales\" cannot be evaluated in passthrough"},
        {"host replication all all md5",
         "database \"replication\" cannot be evaluated in passthrough"},
        {"host all bob all md5", "role \"bob\" cannot be evaluated in passthrough"},
        {"host all +bob all md5", "role \"+bob\" cannot be evaluated in passthrough"},
        {"host all all,/x all md5", "role \"/x\" cannot be evaluated in passthrough"},
        {"hostssl all all all cert",
         "authentication method \"cert\" cannot be evaluated in passthrough"},
        {"local all all ident",
         "authentication method \"peer\" cannot be evaluated in passthrough"},
        {"hostssl all all all md5 clientcert=verify-ca",
         "authentication option \"clientcert\" cannot be evaluated in passthrough"},
        {"host all all all gss map=x",
         "authentication option \"map\" cannot be evaluated in passthrough"},
    }));
    CAPTURE(row.line);
    HbaContext context;
    context.passthrough = true;
    context.roles = true;
    CHECK(ParsedHba(row.line, context).error() == row.error + hint);
    CHECK(ParsedHba("hostssl all all .example.com md5 tls_min=TLSv1.3 sni=x", context)
              .error()
              .empty());
}

TEST_CASE("roles need a role_query") {
    const auto row = GENERATE(values<Row>({
        {"local all +dba trust", "\"+dba\" cannot be evaluated without role_query"},
        {"local samerole all trust", "\"samerole\" cannot be evaluated without role_query"},
        {"local samegroup all trust", "\"samegroup\" cannot be evaluated without role_query"},
    }));
    CAPTURE(row.line);
    CHECK(ParsedHba(row.line).error() == row.error);
    HbaContext context;
    context.roles = true;
    CHECK(ParsedHba(row.line, context).error().empty());
}

TEST_CASE("a record that cannot match, or lets strangers in, is warned about") {
    HbaContext no_tls;
    no_tls.ssl = false;
    CHECK(ParsedHba("hostssl all all all md5", no_tls).lines[0].warning ==
          "hostssl record cannot match because SSL is disabled");
    CHECK(ParsedHba("hostssl all all all md5").lines[0].warning.empty());
    CHECK(ParsedHba("hostgssenc all all all gss").lines[0].warning ==
          "hostgssenc record cannot match because GSSAPI is not supported by this build");
    CHECK(ParsedHba("host all all 10.0.0.0/8 trust").lines[0].warning ==
          "trust lets connections in from \"10.0.0.0/8\" without TLS");
    for (const char* line : {"host all all 127.0.0.1/32 trust",
                             "host all all ::1/128 trust",
                             "host all all samehost trust",
                             "hostssl all all all trust",
                             "host all all all trust tls_min=TLSv1.2",
                             "local all all trust",
                             "host all all all md5"}) {
        CAPTURE(line);
        CHECK(ParsedHba(line).lines[0].warning.empty());
    }
}

TEST_CASE("a file is loaded whole or not at all, and every error has its place") {
    const MemoryFiles files({{"/c/hba", "local all all trust\nhost\ninclude more\n@x"},
                             {"/c/more", "\nhost all all 10.0.0.0"},
                             {"/c/ident", "m a"}});
    const auto loaded = load_rules("/c/hba", "/c/ident", {}, files);
    REQUIRE(std::holds_alternative<RuleErrors>(loaded));
    CHECK(std::get<RuleErrors>(loaded).messages ==
          std::vector<std::string>{
              "end-of-line before database specification in file \"/c/hba\" line 2",
              "end-of-line before netmask specification in file \"/c/more\" line 2 (Specify an "
              "address range in CIDR notation, or provide a separate netmask.)",
              "could not open file \"/c/x\": No such file or directory in file \"/c/hba\" line 4",
              "missing entry at end of line in file \"/c/ident\" line 1"});
}

TEST_CASE("a file without entries, or without the file, is an error") {
    const MemoryFiles files("/c/hba", "# nothing\n");
    const auto empty = load_rules("/c/hba", "", {}, files);
    CHECK(std::get<RuleErrors>(empty).messages ==
          std::vector<std::string>{"configuration file \"/c/hba\" contains no entries"});
    const auto missing = load_rules("/c/none", "", {}, files);
    CHECK(std::get<RuleErrors>(missing).messages ==
          std::vector<std::string>{"could not open file \"/c/none\": No such file or directory"});
}

TEST_CASE("rules are numbered in order of evaluation and know their line") {
    const MemoryFiles files(
        std::map<std::string, std::string>{{"/c/hba",
                                            "# a\nlocal all all trust\ninclude_if_exists no\n"
                                            "include more\nhost all all x.org reject"},
                                           {"/c/more", "host \\\n all all all md5"}});
    const auto loaded = load_rules("/c/hba", "", {}, files);
    REQUIRE(std::holds_alternative<Rules>(loaded));
    const Rules& rules = std::get<Rules>(loaded);
    REQUIRE(rules.rules.size() == 3);
    CHECK(rules.rules[1].number == 2);
    CHECK(rules.rules[1].file == "/c/more");
    CHECK(rules.rules[1].line == 1);
    CHECK(rules.rules[1].text == "host  all all all md5");
    CHECK(!rules.routes());
    CHECK(rules.warnings ==
          std::vector<std::string>{"skipping missing authentication file \"/c/no\"",
                                   "record cannot match because the one in file \"/c/more\" line 1 "
                                   "matches all that it would in file \"/c/hba\" line 5"});
}

TEST_CASE("a rule for host names that no certificate is for is warned of") {
    HbaContext context;
    context.only_named_hosts = true;
    context.hosts = {"a.example.com", "b.example.org"};
    const auto warning = [&context](const std::string& sni) {
        return ParsedHba("hostssl all all all md5 sni=" + sni, context).lines.at(0).warning;
    };
    for (const char* fits : {"a.example.com", "*.example.com", "/^b\\.", "/example"})
        CHECK(warning(fits).empty());
    for (const std::string fits_none : {"c.example.com", "*.example.net", "/^example"})
        CHECK(warning(fits_none) ==
              "record cannot match because there is no certificate for host name \"" + fits_none +
                  "\"");
}

TEST_CASE("a rule for a template must give its groups") {
    HbaContext context;
    context.upstreams = {"tenant"};
    context.templates = {{"tenant", 2}};
    const auto error = [&context](const std::string& sni) {
        return ParsedHba("hostssl all all all md5 upstream=tenant " + sni, context)
            .lines.at(0)
            .error;
    };
    CHECK(error("sni=/^([a-z]+)-([a-z]+)\\.example\\.com$").empty());
    CHECK(error("sni=/^([a-z]+)\\.example\\.com$") == "upstream \"tenant\" needs 2 groups in sni=");
    CHECK(error("") == "upstream \"tenant\" needs sni=/EXPRESSION");
    CHECK(error("sni=*.example.com") == "upstream \"tenant\" needs sni=/EXPRESSION");
    for (const char* loose : {"sni=/(a)(b)", "sni=/^(a)(b)", "sni=/(a)(b)$"})
        CHECK(error(loose) == "sni of upstream \"tenant\" must match the whole name, from ^ to $");
}
