// Where the configuration's files come from: the disk, or a test's memory. Resolves no paths: it
// returns exactly the file it is asked for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::config {

struct FileText {
    std::optional<std::string> text;
    std::string error;    // why there is no text, as the system says
    bool missing = false; // the file does not exist
    // The owner and mode of the file; nothing: not from a file system.
    struct Access {
        unsigned owner = 0;
        unsigned mode = 0; // permission bits
    };
    std::optional<Access> access = std::nullopt;
};

struct FolderNames {
    std::optional<std::vector<std::string>> names; // all entries except directories
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

// Why the bytes are not valid text for us; empty: they are.
[[nodiscard]] std::string encoding_problem(std::string_view text);

class Disk : public FileSource {
  public:
    [[nodiscard]] FileText read(const std::string& path) const override;
    [[nodiscard]] FolderNames list(const std::string& folder) const override;
};

} // namespace pgmoat::config
