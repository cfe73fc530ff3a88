#include "proxy/config/file_source.h"

#include "proxy/config/limits.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace pgmoat::config {
namespace {

FileText failed(int error) {
    return {std::nullopt, std::strerror(error), error == ENOENT};
}

} // namespace

// PostgreSQL accepts neither, and its error message would show an invisible character.
std::string encoding_problem(std::string_view text) {
    using namespace std::string_view_literals;
    if (text.starts_with("\xef\xbb\xbf"sv))
        return "the file begins with a byte order mark: save it as UTF-8 without one";
    if (text.starts_with("\xff\xfe"sv) || text.starts_with("\xfe\xff"sv))
        return "the file is UTF-16 text (byte order mark): save it as UTF-8 without one";
    return {};
}

FileText Disk::read(const std::string& path) const {
    // A directory can be opened like a file; only reading it fails, and a stream gives no reason.
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) return failed(EISDIR);

    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) return failed(errno != 0 ? errno : EIO);
    std::string text(limits::file_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return failed(EIO);
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > limits::file_bytes_max) return failed(EFBIG);
    if (std::string problem = encoding_problem(text); !problem.empty())
        return {std::nullopt, std::move(problem), false};
    FileText result{std::move(text), {}, false};
    struct stat facts {};
    if (::stat(path.c_str(), &facts) == 0)
        result.access = FileText::Access{facts.st_uid, facts.st_mode & 07777U};
    return result;
}

FolderNames Disk::list(const std::string& folder) const {
    std::error_code error;
    std::vector<std::string> names;
    std::filesystem::directory_iterator entry(folder, error);
    while (!error && entry != std::filesystem::directory_iterator()) {
        std::error_code ignored;
        if (!entry->is_directory(ignored)) names.push_back(entry->path().filename().string());
        entry.increment(error);
    }
    if (error) return {std::nullopt, error.message()};
    return {std::move(names), {}};
}

} // namespace pgmoat::config
