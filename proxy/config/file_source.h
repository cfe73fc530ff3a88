// Where the configuration's text comes from: the disk, or a test's memory. Follows no names and
// resolves no paths: it is asked for exactly what it gives.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::config {

struct FileText {
    std::optional<std::string> text;
    std::string error;    // why there is no text, in the system's words
    bool missing = false; // there is no such file
    // Of the file that was read; nothing: it is of no file system.
    struct Access {
        unsigned owner = 0;
        unsigned mode = 0; // permission bits
    };
    std::optional<Access> access = std::nullopt;
};

struct FolderNames {
    std::optional<std::vector<std::string>> names; // of everything in it that is no folder
    std::string error;
};

class FileSource {
  public:
    FileSource() = default;
    FileSource(const FileSource&) = delete;
    FileSource& operator=(const FileSource&) = delete;
    virtual ~FileSource() = default;

    [[nodiscard]] virtual FileText read(const std::string& path) const = 0;
    [[nodiscard]] virtual FolderNames list(const std::string& folder) const = 0;
};

// Why the bytes of a file are no text for us; empty: they may be.
[[nodiscard]] std::string encoding_problem(std::string_view text);

class Disk : public FileSource {
  public:
    [[nodiscard]] FileText read(const std::string& path) const override;
    [[nodiscard]] FolderNames list(const std::string& folder) const override;
};

} // namespace pgmoat::config
