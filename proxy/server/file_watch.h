// Notices that files are not what they were: by inotify on their folders, so that files that are
// replaced, and links that are turned to another folder as Kubernetes does it, are noticed too.
// What happened is never trusted: the files are looked at. Knows no clock and no loop; the caller
// waits for its descriptor.
#pragma once

#include "proxy/descriptor.h"

#include <map>
#include <string>
#include <vector>

namespace pgmoat::server {

// What files were at some moment, by path; a folder with what stands in it. No contents: inodes,
// sizes, times.
using FileLooks = std::map<std::string, std::string>;
[[nodiscard]] FileLooks look_at(const std::vector<std::string>& paths);

class FileWatch {
  public:
    // Throws std::system_error: there are no more watches to be had.
    FileWatch();

    // Files, and folders with what stands in them. Takes the place of what was watched before.
    // Those that do not exist are watched for. `seen` is what they were when they were loaded: a
    // path that is not in it has changed. What is given back says which folders cannot be watched.
    [[nodiscard]] std::vector<std::string> watch(std::vector<std::string> paths, FileLooks seen);

    // Readable when something happened in one of the folders.
    [[nodiscard]] int descriptor() const noexcept { return inotify_.get(); }

    // Empties the descriptor and finds the folders again: links may lead elsewhere now. True: the
    // files differ from those at the last call or from those that watch() was given.
    [[nodiscard]] bool look_for_changes();

  private:
    std::vector<std::string> watch_folders();

    Descriptor inotify_;
    std::vector<std::string> paths_;
    std::vector<int> watches_;
    FileLooks seen_;
};

} // namespace pgmoat::server
