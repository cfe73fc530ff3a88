// The names of code points: OpenSSL's, or "other" if there is none.
#include "protocol/tls_names.h"
#include "tests/support/catch.h"

namespace pgmoat::tests {
namespace {

struct Case {
    std::uint16_t code;
    std::string_view name;
};

TEST_CASE("versions have the names of SSL_get_version") {
    for (const auto& [code, name] : {Case{0x0300, "SSLv3"},
                                     Case{0x0301, "TLSv1"},
                                     Case{0x0302, "TLSv1.1"},
                                     Case{0x0303, "TLSv1.2"},
                                     Case{0x0304, "TLSv1.3"},
                                     Case{0x0305, "other"},
                                     Case{0, "other"}})
        CHECK(protocol::tls_version_name(code) == name);
}

TEST_CASE("cipher suites have OpenSSL's names") {
    for (const auto& [code, name] : {Case{0x1301, "TLS_AES_128_GCM_SHA256"},
                                     Case{0x1302, "TLS_AES_256_GCM_SHA384"},
                                     Case{0x1303, "TLS_CHACHA20_POLY1305_SHA256"},
                                     Case{0x1304, "TLS_AES_128_CCM_SHA256"},
                                     Case{0x1305, "TLS_AES_128_CCM_8_SHA256"},
                                     Case{0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256"},
                                     Case{0xc030, "ECDHE-RSA-AES256-GCM-SHA384"},
                                     Case{0xcca8, "ECDHE-RSA-CHACHA20-POLY1305"},
                                     Case{0x009d, "AES256-GCM-SHA384"},
                                     Case{0x0035, "AES256-SHA"},
                                     Case{0x0000, "other"},
                                     Case{0x00ff, "other"}, // renegotiation signal, not a suite
                                     Case{0x1a1a, "other"},
                                     Case{0xffff, "other"}})
        CHECK(protocol::cipher_suite_name(code) == name);
}

TEST_CASE("groups have OpenSSL's names") {
    for (const auto& [code, name] : {Case{23, "prime256v1"},
                                     Case{24, "secp384r1"},
                                     Case{25, "secp521r1"},
                                     Case{29, "X25519"},
                                     Case{30, "X448"},
                                     Case{256, "ffdhe2048"},
                                     Case{260, "ffdhe8192"},
                                     Case{0x11eb, "SecP256r1MLKEM768"},
                                     Case{0x11ec, "X25519MLKEM768"},
                                     Case{0x11ed, "SecP384r1MLKEM1024"},
                                     Case{0, "other"},
                                     Case{0xffff, "other"}})
        CHECK(protocol::group_name(code) == name);
}

TEST_CASE("only ECDHE without a pre-shared key names a curve in its key exchange") {
    struct KeyExchange {
        std::uint16_t suite;
        bool names_a_curve;
    };
    for (const auto& [suite, names_a_curve] : {KeyExchange{0xc02b, true},  // ECDHE-ECDSA
                                               KeyExchange{0xc030, true},  // ECDHE-RSA
                                               KeyExchange{0xc018, true},  // AECDH
                                               KeyExchange{0xc036, false}, // ECDHE-PSK
                                               KeyExchange{0x009f, false}, // DHE-RSA
                                               KeyExchange{0x009d, false}, // RSA
                                               KeyExchange{0x1301, false}, // TLS 1.3
                                               KeyExchange{0xffff, false}})
        CHECK(protocol::key_exchange_names_a_curve(suite) == names_a_curve);
}

} // namespace
} // namespace pgmoat::tests

TEST_CASE("Bits of a suite are those that OpenSSL and pg_stat_ssl count") {
    const std::pair<std::uint16_t, int> suites[] = {
        {0x1301, 128}, // TLS_AES_128_GCM_SHA256
        {0x1302, 256}, // TLS_AES_256_GCM_SHA384
        {0x1303, 256}, // TLS_CHACHA20_POLY1305_SHA256
        {0x1305, 128}, // TLS_AES_128_CCM_8_SHA256
        {0xc030, 256}, // ECDHE-RSA-AES256-GCM-SHA384
        {0xc02f, 128}, // ECDHE-RSA-AES128-GCM-SHA256
        {0xcca8, 256}, // ECDHE-RSA-CHACHA20-POLY1305
        {0xc01d, 128}, // SRP-AES-128-CBC-SHA
        {0xc05d, 256}, // ECDHE-ECDSA-ARIA256-GCM-SHA384
        {0x0041, 128}, // CAMELLIA128-SHA
        {0x0002, 0},   // NULL-SHA
        {0xffff, 0},   // unknown
    };
    for (const auto& [suite, bits] : suites) {
        INFO(pgmoat::protocol::cipher_suite_name(suite));
        REQUIRE(pgmoat::protocol::cipher_suite_bits(suite) == bits);
    }
}
