// A file that appears complete, with its permissions, or not at all: it is created in the same
// folder under another name, accessible only to us, and then moved into place. Throws Error.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace pgmoat::tls {

class NewFile {
  public:
    NewFile(std::string path, mode_t mode);
    ~NewFile();
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    void write(std::string_view contents);
    // Without `overwrite`, throws if the file exists.
    void put_in_place(bool overwrite);
    // Undoes put_in_place(): for a pair of files of which the second could not be put in place.
    void take_back() noexcept;

  private:
    std::string path_;
    std::string temporary_;
    mode_t mode_;
    int descriptor_ = -1;
};

} // namespace pgmoat::tls
