// Which names of a list of groups this version of OpenSSL knows: X25519MLKEM768 came with 3.5.
// Internal to tls/.
#pragma once

#include <string>
#include <vector>

namespace pgmoat::tls {

// In the order of the list, each once. What stands before a name in the lists of OpenSSL 3.5 ('?',
// '*', '-') is no part of it, and '/' parts names as ':' does.
[[nodiscard]] std::vector<std::string> unknown_groups(const std::string& list);

// The list without them; it has names and colons only.
[[nodiscard]] std::string known_groups(const std::string& list);

} // namespace pgmoat::tls
