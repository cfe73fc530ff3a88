// All ways in which people replace certificates are noticed, and nothing else is.
#include "proxy/server/file_watch.h"
#include "tests/support/catch.h"

#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

using namespace pgmoat;
namespace fs = std::filesystem;

namespace {

constexpr int patience_ms = 5000;

class Folder {
  public:
    Folder() {
        std::string pattern = (fs::temp_directory_path() / "pgmoat-XXXXXX").string();
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        path = pattern;
        write("server.crt", "old");
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(path / name) << text;
    }

    fs::path path;
};

bool something_happened(const server::FileWatch& watch, int time_ms = patience_ms) {
    pollfd waits{watch.descriptor(), POLLIN, 0};
    return ::poll(&waits, 1, time_ms) > 0;
}

void watch_from_now(server::FileWatch& watch, const std::vector<std::string>& paths) {
    CHECK(watch.watch(paths, server::look_at(paths)).empty());
}

} // namespace

TEST_CASE("a file that is written, replaced, removed, or created again has changed") {
    const Folder folder;
    const std::string file = (folder.path / "server.crt").string();
    server::FileWatch watch;
    watch_from_now(watch, {file});
    CHECK_FALSE(watch.look_for_changes());
    const std::function<void()> ways[] = {
        [&] { folder.write("server.crt", "new text"); },
        [&] {
            folder.write("other", "new file");
            fs::rename(folder.path / "other", file);
        },
        [&] { fs::permissions(file, fs::perms::owner_read); },
        [&] { fs::remove(file); },
        [&] { folder.write("server.crt", "again"); },
    };
    for (const auto& way : ways) {
        way();
        CHECK(something_happened(watch));
        CHECK(watch.look_for_changes());
        CHECK_FALSE(watch.look_for_changes());
    }
}

TEST_CASE("another file of the folder is no change") {
    const Folder folder;
    server::FileWatch watch;
    watch_from_now(watch, {(folder.path / "server.crt").string()});
    folder.write("log", "a line");
    CHECK(something_happened(watch));
    CHECK_FALSE(watch.look_for_changes());
    CHECK_FALSE(something_happened(watch, 0));
}

TEST_CASE("a link that Kubernetes turns to another folder is a change, again and again") {
    const Folder folder;
    const auto swap = [&](const std::string& version) {
        fs::create_directory(folder.path / version);
        folder.write(version + "/tls.crt", version);
        fs::create_directory_symlink(version, folder.path / "..data_tmp");
        fs::rename(folder.path / "..data_tmp", folder.path / "..data");
    };
    swap("..1");
    fs::create_symlink("..data/tls.crt", folder.path / "tls.crt");
    server::FileWatch watch;
    watch_from_now(watch, {(folder.path / "tls.crt").string()});
    for (const char* version : {"..2", "..3"}) {
        swap(version);
        CHECK(something_happened(watch));
        CHECK(watch.look_for_changes());
    }
}

TEST_CASE("a change through a link into another folder is noticed") {
    const Folder folder;
    const Folder elsewhere;
    const fs::path link = folder.path / "link.crt";
    fs::create_symlink(elsewhere.path / "server.crt", link);
    server::FileWatch watch;
    watch_from_now(watch, {link.string()});
    elsewhere.write("server.crt", "renewed");
    CHECK(something_happened(watch));
    CHECK(watch.look_for_changes());
}

TEST_CASE("a list that appears in a watched folder is a change") {
    const Folder folder;
    server::FileWatch watch;
    watch_from_now(watch, {folder.path.string()});
    folder.write("0a1b2c3d.r0", "a list");
    CHECK(something_happened(watch));
    CHECK(watch.look_for_changes());
}

TEST_CASE("what changed while files were loaded is found without an event") {
    const Folder folder;
    const std::vector<std::string> files{(folder.path / "server.crt").string()};
    const server::FileLooks before = server::look_at(files);
    folder.write("server.crt", "renewed meanwhile");
    server::FileWatch watch;
    CHECK(watch.watch(files, before).empty());
    CHECK(watch.look_for_changes());
    CHECK_FALSE(watch.look_for_changes());
}

TEST_CASE(
    "a file that is watched from now on and was never looked at has changed, others have not") {
    const Folder folder;
    const std::string file = (folder.path / "server.crt").string();
    const std::string other = (folder.path / "other.crt").string();
    server::FileWatch watch;
    CHECK(watch.watch({file, other}, server::look_at({file})).empty());
    CHECK(watch.look_for_changes());
    CHECK(watch.watch({file}, server::look_at({file, other})).empty());
    CHECK_FALSE(watch.look_for_changes());
}

TEST_CASE("a link in the middle of the path is a change when it is turned, again and again") {
    const Folder folder;
    const auto turn_to = [&](const std::string& version) {
        fs::create_directory_symlink(version, folder.path / "new");
        fs::rename(folder.path / "new", folder.path / "current");
    };
    for (const char* version : {"v1", "v2"}) {
        fs::create_directories(folder.path / version / "live");
        folder.write(std::string(version) + "/live/tls.crt", version);
    }
    turn_to("v1");
    server::FileWatch watch;
    watch_from_now(watch, {(folder.path / "current" / "live" / "tls.crt").string()});
    CHECK_FALSE(watch.look_for_changes());
    for (const char* version : {"v2", "v1", "v2"}) {
        turn_to(version);
        CHECK(something_happened(watch));
        CHECK(watch.look_for_changes());
    }
}

TEST_CASE("a removed folder is waited for, and found when it is created again") {
    const Folder folder;
    fs::create_directories(folder.path / "etc" / "tls");
    folder.write("etc/tls/server.crt", "old");
    server::FileWatch watch;
    watch_from_now(watch, {(folder.path / "etc" / "tls" / "server.crt").string()});
    fs::remove_all(folder.path / "etc");
    CHECK(something_happened(watch));
    CHECK(watch.look_for_changes());
    CHECK_FALSE(something_happened(watch, 0));
    for (const char* made : {"etc", "etc/tls"}) {
        fs::create_directory(folder.path / made);
        CHECK(something_happened(watch));
        CHECK_FALSE(watch.look_for_changes());
    }
    folder.write("etc/tls/server.crt", "new");
    CHECK(something_happened(watch));
    CHECK(watch.look_for_changes());
}

TEST_CASE("a link that leads to itself is watched, too, until it is replaced") {
    const Folder folder;
    fs::create_symlink("loop.crt", folder.path / "loop.crt");
    server::FileWatch watch;
    watch_from_now(watch, {(folder.path / "loop.crt").string()});
    folder.write("good", "a file");
    fs::rename(folder.path / "good", folder.path / "loop.crt");
    CHECK(something_happened(watch));
    CHECK(watch.look_for_changes());
}

TEST_CASE("a folder that cannot be watched is named") {
    if (::geteuid() == 0) return; // root may read every folder
    const Folder folder;
    const fs::path closed = folder.path / "closed";
    fs::create_directory(closed);
    folder.write("closed/server.crt", "secret");
    fs::permissions(closed, fs::perms::owner_exec);
    server::FileWatch watch;
    const std::vector<std::string> files{(closed / "server.crt").string()};
    CHECK(watch.watch(files, server::look_at(files)) ==
          std::vector<std::string>{"could not watch folder \"" + closed.string() +
                                   "\": Permission denied"});
    fs::permissions(closed, fs::perms::owner_all);
}
