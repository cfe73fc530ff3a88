// Loads the recorded streams in tests/support/captures/; its README.md lists them.
#pragma once

#include "protocol/bytes.h"
#include "tests/support/catch.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace pgmoat::tests {

inline protocol::Bytes capture(const std::string& name) {
    const auto folder = std::filesystem::path{__FILE__}.parent_path() / "captures";
    std::ifstream file{folder / name, std::ios::binary};
    REQUIRE(file.is_open());
    return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

} // namespace pgmoat::tests
