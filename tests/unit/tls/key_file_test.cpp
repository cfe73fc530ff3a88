// Who may own and read a private key: PostgreSQL's table for servers, libpq's for clients. The
// table calls the pure function, since a test cannot always become another user; that the rules are
// applied to real files is tested with modes, which any user can set.
#include "tests/support/catch.h"
#include "tests/support/tls_pair.h"
#include "tls/key_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

using namespace pgmoat;
using tls::KeyFileFacts;

namespace {

constexpr uid_t root = 0;
constexpr uid_t we = 1000;
constexpr uid_t stranger = 1001;

const std::string access_text = "private key file \"k\" has group or world access";
const std::string owner_text =
    "private key file \"k\" must be owned by the user pgmoat runs as, or root";
const std::string regular_text = "private key file \"k\" is not a regular file";

std::string text(const std::optional<tls::Error>& problem) {
    return problem ? problem->what() : "";
}

template <class Load>
std::string error_of(Load load) {
    try {
        (void)load();
    } catch (const tls::Error& error) {
        return error.what();
    }
    return "";
}

} // namespace

TEST_CASE("a server's key file: not regular, not ours, too open, in this order") {
    struct Case {
        KeyFileFacts facts;
        uid_t euid;
        std::string problem;
    };
    const Case cases[] = {
        {{true, we, 0600}, we, ""},
        {{true, we, 0400}, we, ""},
        {{true, we, 0640}, we, access_text},
        {{true, we, 0604}, we, access_text},
        {{true, we, 0610}, we, access_text},
        {{true, root, 0600}, we, ""},
        {{true, root, 0640}, we, ""},
        {{true, root, 0440}, we, ""},
        {{true, root, 0644}, we, access_text},
        {{true, root, 0660}, we, access_text},
        {{true, root, 0650}, we, access_text},
        {{true, stranger, 0600}, we, owner_text},
        {{true, stranger, 0644}, we, owner_text},
        {{false, stranger, 0644}, we, regular_text},
        {{false, we, 0600}, we, regular_text},
        // For root both clauses apply, so its group gets nothing.
        {{true, root, 0600}, root, ""},
        {{true, root, 0640}, root, access_text},
        {{true, we, 0600}, root, owner_text},
    };
    for (const Case& each : cases) {
        INFO(each.facts.owner << " " << std::oct << each.facts.mode << " as " << each.euid);
        CHECK(text(tls::server_key_file_problem("k", each.facts, each.euid)) == each.problem);
    }
}

TEST_CASE("a server's key file that is too open is explained in the detail") {
    const auto problem = tls::server_key_file_problem("k", {true, we, 0644}, we);
    REQUIRE(problem);
    CHECK(problem->detail ==
          "File must have permissions u=rw (0600) or less if owned by the user pgmoat runs as, or "
          "permissions u=rw,g=r (0640) or less if owned by root.");
}

TEST_CASE("a client's key file: the owner does not matter, the mode does") {
    const std::string too_open =
        "private key file \"k\" has group or world access; file must have permissions u=rw (0600) "
        "or less if owned by the current user, or permissions u=rw,g=r (0640) or less if owned by "
        "root";
    struct Case {
        KeyFileFacts facts;
        std::string problem;
    };
    const Case cases[] = {
        {{true, we, 0600}, ""},
        {{true, we, 0640}, too_open},
        {{true, stranger, 0600}, ""},
        {{true, root, 0640}, ""},
        {{true, root, 0644}, too_open},
        {{false, we, 0600}, regular_text},
    };
    for (const Case& each : cases) {
        INFO(each.facts.owner << " " << std::oct << each.facts.mode);
        CHECK(text(tls::client_key_file_problem("k", each.facts)) == each.problem);
    }
}

TEST_CASE("the rules are applied to the files that contexts load") {
    const test::CertificateFolder certificates;
    const auto load_server = [&] {
        return tls::ServerContext::load(certificates.server_settings());
    };
    const auto load_client = [&] {
        return tls::ClientContext::load(certificates.client_settings_with_certificate());
    };
    CHECK(error_of(load_server).empty());
    CHECK(error_of(load_client).empty());

    REQUIRE(chmod(certificates.key("server").c_str(), 0644) == 0);
    REQUIRE(chmod(certificates.key("client").c_str(), 0644) == 0);
    CHECK(error_of(load_server).ends_with("has group or world access"));
    CHECK(error_of(load_client).find("has group or world access; file must") != std::string::npos);

    if (geteuid() == root) { // only root can change a file's owner
        REQUIRE(chmod(certificates.key("server").c_str(), 0600) == 0);
        REQUIRE(chown(certificates.key("server").c_str(), stranger, stranger) == 0);
        CHECK(error_of(load_server).ends_with("must be owned by the user pgmoat runs as, or root"));
    }

    std::filesystem::remove(certificates.key("server"));
    std::filesystem::remove(certificates.key("client"));
    CHECK(error_of(load_server) == "could not access private key file \"" +
                                       certificates.key("server") +
                                       "\": No such file or directory");
    CHECK(error_of(load_client) ==
          "certificate present, but not private key file \"" + certificates.key("client") + "\"");

    std::filesystem::create_directory(certificates.key("server"));
    std::filesystem::create_directory(certificates.key("client"));
    CHECK(error_of(load_server).ends_with("is not a regular file"));
    CHECK(error_of(load_client).ends_with("is not a regular file"));
}

TEST_CASE("a link to a key file is followed") {
    const test::CertificateFolder certificates;
    tls::ServerSettings settings = certificates.server_settings();
    settings.pairs[0].key_file = certificates.file("link.key");
    std::filesystem::create_symlink(certificates.key("server"), settings.pairs[0].key_file);

    CHECK(tls::ServerContext::load(settings) != nullptr);
}

TEST_CASE("a key is loaded from the file that was checked, whatever its name leads to") {
    const test::CertificateFolder certificates;
    // It does not wait for a FIFO, and does not read a file that is larger than any key.
    REQUIRE(mkfifo(certificates.file("fifo").c_str(), 0600) == 0);
    tls::ServerSettings settings = certificates.server_settings();
    settings.pairs = {{certificates.certificate("server"), certificates.file("fifo")}};
    CHECK(error_of([&] { return tls::ServerContext::load(settings); }) ==
          "private key file \"" + certificates.file("fifo") + "\" is not a regular file");

    std::ofstream(certificates.file("large")) << std::string(1 << 20, '\n');
    REQUIRE(chmod(certificates.file("large").c_str(), 0600) == 0);
    settings.pairs = {{certificates.certificate("server"), certificates.file("large")}};
    CHECK(error_of([&] { return tls::ServerContext::load(settings); }) ==
          "could not load private key file \"" + certificates.file("large") +
              "\": file is larger than 262144 bytes");
}
