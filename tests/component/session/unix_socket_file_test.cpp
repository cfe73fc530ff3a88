// A socket file has one owner, and PostgreSQL's lock file names it.
#include "proxy/session/unix_socket_file.h"
#include "tests/support/catch.h"
#include "tests/support/tls_pair.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace pgmoat;
using session::SocketFileError;
using session::UnixSocketFile;

namespace {

constexpr std::uint16_t port = 6432;

std::string folder_of(const test::TemporaryFolder& folder) {
    return std::filesystem::path(folder.file("x")).parent_path().string();
}

std::string error_of(const std::string& directory) {
    try {
        const UnixSocketFile file(directory, port);
    } catch (const SocketFileError& error) {
        return error.what();
    }
    return "";
}

// The pid of a process that has ended and was reaped.
pid_t dead_process() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    return child;
}

} // namespace

TEST_CASE("the second owner is refused with the pid of the first one") {
    const test::TemporaryFolder folder;
    const std::string path = folder.file(".s.PGSQL.6432");
    {
        const UnixSocketFile first(folder_of(folder), port);
        CHECK(first.path() == path);
        CHECK(error_of(folder_of(folder)) ==
              "lock file \"" + path + ".lock\" already exists: is another server (PID " +
                  std::to_string(::getpid()) + ") using socket file \"" + path + "\"?");
        std::ifstream lock(path + ".lock");
        std::string line;
        std::getline(lock, line);
        CHECK(line == std::to_string(::getpid()));
    }
    CHECK_FALSE(std::filesystem::exists(path + ".lock"));
    CHECK(error_of(folder_of(folder)).empty());
}

TEST_CASE("a lock file whose process lives is respected, as a postmaster's has no other lock") {
    const test::TemporaryFolder folder;
    std::ofstream(folder.file(".s.PGSQL.6432.lock")) << "1\n/data\n";
    CHECK(error_of(folder_of(folder)).find("(PID 1)") != std::string::npos);
    CHECK(std::filesystem::exists(folder.file(".s.PGSQL.6432.lock")));
}

TEST_CASE("what a crash has left is removed, whatever it contains") {
    for (const std::string& text : {std::to_string(dead_process()) + "\n",
                                    std::string("nonsense"),
                                    std::string(),
                                    std::to_string(::getpid()) + "\n"}) {
        const test::TemporaryFolder folder;
        std::ofstream(folder.file(".s.PGSQL.6432.lock")) << text;
        std::ofstream(folder.file(".s.PGSQL.6432")) << "left";
        const UnixSocketFile file(folder_of(folder), port);
        CHECK_FALSE(std::filesystem::exists(folder.file(".s.PGSQL.6432")));
    }
}

TEST_CASE("of many that start at once one owns the socket") {
    const test::TemporaryFolder folder;
    std::ofstream(folder.file(".s.PGSQL.6432.lock")) << dead_process() << "\n";
    std::atomic<int> owners{0};
    std::vector<std::optional<UnixSocketFile>> files(8);
    std::vector<std::thread> threads;
    for (auto& file : files)
        threads.emplace_back([&] {
            try {
                file.emplace(folder_of(folder), port);
                ++owners;
            } catch (const SocketFileError&) {
                // another process has it
            }
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(owners == 1);
}

TEST_CASE("a folder that cannot be written is named") {
    CHECK(error_of("/no/such/folder") == "could not create lock file "
                                         "\"/no/such/folder/.s.PGSQL.6432.lock\": No such file or "
                                         "directory");
}
