#include "proxy/server/file_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

namespace pgmoat::server {

namespace {

namespace fs = std::filesystem;

// Ends the walk over a link that leads to itself; the kernel gives up after 40, too.
constexpr int links_max = 40;

constexpr std::uint32_t of_interest = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                      IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
                                      IN_ONLYDIR;

// The folders in which a change can make a path lead to another file: those of each symbolic link
// on the way, also in the middle of the path, and that of the file itself. If the path does not
// exist, also that of the first missing name. Links are followed as the kernel does.
class Way {
  public:
    Way(const std::string& path, std::set<std::string>& folders) : folders_(folders) {
        add_names(path);
        while (!names_.empty() && links_ <= links_max)
            step();
        std::error_code ignored;
        if (fs::is_directory(at_, ignored)) folders_.insert(at_.string());
    }

  private:
    void add_names(const fs::path& path) {
        const std::vector<fs::path> names(path.begin(), path.end());
        names_.insert(names_.end(), names.rbegin(), names.rend());
    }
    void step() {
        const fs::path name = at_ / names_.back();
        names_.pop_back();
        std::error_code ignored;
        const fs::file_type type = fs::symlink_status(name, ignored).type();
        const bool is_link = type == fs::file_type::symlink;
        const bool goes_on = is_link || type == fs::file_type::directory;
        if (!goes_on || is_link) folders_.insert(at_.string());
        if (!goes_on) return names_.clear();
        if (!is_link) {
            at_ = name;
            return;
        }
        ++links_;
        add_names(fs::read_symlink(name, ignored));
    }

    std::set<std::string>& folders_;
    fs::path at_ = ".";
    std::vector<fs::path> names_; // in reverse order
    int links_ = 0;
};

std::string look_of(const std::string& path, bool& is_folder) {
    struct stat status {};
    is_folder = false;
    if (::stat(path.c_str(), &status) != 0) return path + " " + std::to_string(errno) + "\n";
    is_folder = S_ISDIR(status.st_mode);
    std::string look = path;
    for (const auto number : {static_cast<long long>(status.st_dev),
                              static_cast<long long>(status.st_ino),
                              static_cast<long long>(status.st_size),
                              static_cast<long long>(status.st_mtim.tv_sec),
                              static_cast<long long>(status.st_mtim.tv_nsec),
                              static_cast<long long>(status.st_ctim.tv_sec),
                              static_cast<long long>(status.st_ctim.tv_nsec)})
        look += " " + std::to_string(number);
    return look + "\n";
}

std::string look_inside(const std::string& folder) {
    std::error_code error;
    std::vector<std::string> names;
    for (auto entry = fs::directory_iterator(folder, error);
         !error && entry != fs::directory_iterator();
         entry.increment(error))
        names.push_back(entry->path().string());
    std::sort(names.begin(), names.end());
    std::string look;
    bool ignored = false;
    for (const std::string& name : names)
        look += look_of(name, ignored);
    return look;
}

} // namespace

FileLooks look_at(const std::vector<std::string>& paths) {
    FileLooks looks;
    for (const std::string& path : paths) {
        const auto [entry, is_new] = looks.try_emplace(path);
        if (!is_new) continue;
        bool is_folder = false;
        entry->second = look_of(path, is_folder);
        if (is_folder) entry->second += look_inside(path);
    }
    return looks;
}

FileWatch::FileWatch() : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    if (!inotify_) throw std::system_error(errno, std::generic_category(), "could not watch files");
}

std::vector<std::string> FileWatch::watch(std::vector<std::string> paths, FileLooks seen) {
    paths_ = std::move(paths);
    seen_ = std::move(seen);
    // `seen` may contain other paths: drop them.
    const std::set<std::string> watched(paths_.begin(), paths_.end());
    std::erase_if(seen_, [&](const auto& look) { return !watched.contains(look.first); });
    return watch_folders();
}

std::vector<std::string> FileWatch::watch_folders() {
    for (const int old : watches_)
        (void)::inotify_rm_watch(inotify_.get(), old);
    watches_.clear();
    std::set<std::string> folders;
    for (const std::string& path : paths_)
        Way(path, folders);
    std::vector<std::string> failures;
    for (const std::string& folder : folders) {
        const int added = ::inotify_add_watch(inotify_.get(), folder.c_str(), of_interest);
        if (added >= 0)
            watches_.push_back(added);
        else
            failures.push_back("could not watch folder \"" + folder +
                               "\": " + std::generic_category().message(errno));
    }
    return failures;
}

bool FileWatch::look_for_changes() {
    (void)watch_folders(); // first, so that no change between look and watch is missed
    std::array<char, 4096> events{};
    while (::read(inotify_.get(), events.data(), events.size()) > 0) {
    }
    FileLooks look = look_at(paths_);
    const bool changed = look != seen_;
    seen_ = std::move(look);
    return changed;
}

} // namespace pgmoat::server
