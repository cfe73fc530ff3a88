#include "tls/new_file.h"

#include "tls/context.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace pgmoat::tls {

namespace {

[[noreturn]] void fail(const char* what, const std::string& path) {
    const bool exists = errno == EEXIST;
    const std::string reason = std::generic_category().message(errno);
    throw Error(std::string("could not ") + what + " file \"" + path + "\": " + reason,
                "",
                exists ? "Use --overwrite to replace it." : "");
}

} // namespace

NewFile::NewFile(std::string path, mode_t mode)
    : path_(std::move(path)), temporary_(path_ + ".XXXXXX"), mode_(mode) {
    descriptor_ = mkostemp(temporary_.data(), O_CLOEXEC); // guarantees O_EXCL and mode 0600
    if (descriptor_ < 0) fail("create", path_);
}

NewFile::~NewFile() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!temporary_.empty()) unlink(temporary_.c_str());
}

void NewFile::write(std::string_view contents) {
    while (!contents.empty()) {
        const ssize_t written = ::write(descriptor_, contents.data(), contents.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) fail("write", path_);
        contents.remove_prefix(static_cast<std::size_t>(written));
    }
    if (fchmod(descriptor_, mode_) != 0) fail("set permissions of", path_);
    if (fsync(descriptor_) != 0) fail("fsync", path_);
}

// link() never replaces a file, rename() always does.
void NewFile::put_in_place(bool overwrite) {
    if (overwrite) {
        if (rename(temporary_.c_str(), path_.c_str()) != 0) fail("create", path_);
    } else {
        if (link(temporary_.c_str(), path_.c_str()) != 0) fail("create", path_);
        unlink(temporary_.c_str());
    }
    temporary_.clear();
}

void NewFile::take_back() noexcept {
    unlink(path_.c_str());
}

} // namespace pgmoat::tls
