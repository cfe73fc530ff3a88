// Which groups of a list this version of OpenSSL knows: X25519MLKEM768 came with 3.5. Internal to
// tls/.
#pragma once

#include <string>
#include <vector>

namespace pgmoat::tls {

// In the order of the list, each once. OpenSSL 3.5's prefixes ('?', '*', '-') are not part of a
// name, and '/' separates names as ':' does.
[[nodiscard]] std::vector<std::string> unknown_groups(const std::string& list);

// The list without unknown groups and without prefixes, separated by colons.
[[nodiscard]] std::string known_groups(const std::string& list);

} // namespace pgmoat::tls
