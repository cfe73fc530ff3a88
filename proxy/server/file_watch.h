// Notices changed files by inotify on their folders, so that replaced files and changed symbolic
// links (as in Kubernetes volumes) are noticed too. Events only cause a look: the files themselves
// are compared. It has no clock and no event loop; the caller waits for its descriptor.
#pragma once

#include "proxy/descriptor.h"

#include <map>
#include <string>
#include <vector>

namespace pgmoat::server {

// What files looked like at some moment, by path: inodes, sizes, times, no contents. A folder
// includes its entries.
using FileLooks = std::map<std::string, std::string>;
[[nodiscard]] FileLooks look_at(const std::vector<std::string>& paths);

class FileWatch {
  public:
    // Throws std::system_error if there are no inotify instances left.
    FileWatch();

    // Watches files, and folders with their entries, instead of those watched before. Paths that do
    // not exist are watched for. `seen` is what they looked like when they were loaded; a path that
    // is not in it counts as changed. Returns errors for folders that cannot be watched.
    [[nodiscard]] std::vector<std::string> watch(std::vector<std::string> paths, FileLooks seen);

    // Readable when something has happened in one of the folders.
    [[nodiscard]] int descriptor() const noexcept { return inotify_.get(); }

    // Reads the events and determines the folders again, since links may have changed. True: the
    // files differ from the last call, or from what watch() was given.
    [[nodiscard]] bool look_for_changes();

  private:
    std::vector<std::string> watch_folders();

    Descriptor inotify_;
    std::vector<std::string> paths_;
    std::vector<int> watches_;
    FileLooks seen_;
};

} // namespace pgmoat::server
