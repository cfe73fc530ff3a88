// Configuration files that exist only in a test.
#pragma once

#include "proxy/config/file_source.h"

#include <map>
#include <string>
#include <utility>

namespace pgmoat::config {

class MemoryFiles : public FileSource {
  public:
    explicit MemoryFiles(std::map<std::string, std::string> files) : files_(std::move(files)) {}
    MemoryFiles(const std::string& path, const std::string& text) : files_{{path, text}} {}

    [[nodiscard]] FileText read(const std::string& path) const override {
        const auto found = files_.find(path);
        if (found == files_.end()) return {std::nullopt, "No such file or directory", true};
        return {found->second, {}, false};
    }

    [[nodiscard]] FolderNames list(const std::string& folder) const override {
        std::vector<std::string> names;
        for (const auto& [path, text] : files_) {
            const bool inside = path.starts_with(folder + "/");
            if (inside && path.find('/', folder.size() + 1) == std::string::npos)
                names.push_back(path.substr(folder.size() + 1));
        }
        if (names.empty()) return {std::nullopt, "No such file or directory"};
        return {std::move(names), {}};
    }

  private:
    std::map<std::string, std::string> files_;
};

} // namespace pgmoat::config
