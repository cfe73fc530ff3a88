// Reading configuration files: what is accepted, what is refused.
#include "proxy/config/config.h"
#include "proxy/config/file_source.h"
#include "proxy/config/limits.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace pgmoat::config;

namespace {

// A directory that is removed after the test.
class Folder {
  public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "pgmoat-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }

    [[nodiscard]] std::string operator/(const std::string& name) const {
        return path_ + "/" + name;
    }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(*this / name, std::ios::binary) << text;
    }

  private:
    std::string path_;
};

} // namespace

TEST_CASE("a configuration loads from the disk") {
    const Folder folder;
    std::filesystem::create_directories(folder / "conf.d");
    folder.write("pgmoat.conf", "include_dir 'conf.d'\n");
    folder.write("conf.d/a.conf", "upstream = 'host=x sslmode=disable'\nport = 7000\n");
    const Config config = load_config(folder / "pgmoat.conf");
    CHECK(config.listeners[0].port == 7000);
    CHECK(config.tls.pairs.at(0).key_file == folder / "server.key");
}

TEST_CASE("errors of the disk are the system's texts") {
    const Folder folder;
    const Disk disk;
    CHECK(disk.read(folder / "nope").error == "No such file or directory");
    CHECK(disk.read(folder / "nope").missing);
    CHECK(disk.read(folder / ".").error == "Is a directory");
    CHECK_FALSE(disk.read(folder / ".").missing);
    CHECK(disk.list(folder / "nope").error == "No such file or directory");
}

TEST_CASE("a file is read up to the limit and no further") {
    const Folder folder;
    folder.write("fits", std::string(limits::file_bytes_max, '\n'));
    folder.write("large", std::string(limits::file_bytes_max + 1, '\n'));
    CHECK(Disk().read(folder / "fits").text->size() == limits::file_bytes_max);
    CHECK(Disk().read(folder / "large").error == "File too large");
    CHECK(Disk().read("/dev/zero").error == "File too large");
}

TEST_CASE("a folder's names are those of files") {
    const Folder folder;
    std::filesystem::create_directories(folder / "sub.conf");
    folder.write("a.conf", "");
    folder.write("b.conf", "");
    std::vector<std::string> names = *Disk().list(folder / ".").names;
    std::sort(names.begin(), names.end());
    CHECK(names == std::vector<std::string>{"a.conf", "b.conf"});
}
