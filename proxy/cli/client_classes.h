// Which clients a file of access rules tells apart: one of each class is enough to know what can
// become of all. Names in the file are tried and one that is not in it, addresses inside each
// network and one outside. What cannot be known without asking (roles, host names, expressions) is
// guessed both ways.
#pragma once

#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/hba/rule.h"

#include <string>
#include <vector>

namespace pgmoat::cli {

// A client of whom something is known; empty: anything.
struct Who {
    std::string user;
    std::string database;
    std::string address; // numeric
};

struct ClientClass {
    std::string user;
    std::string database;
    std::string address;
};

[[nodiscard]] std::vector<ClientClass> client_classes(const hba::Rules& rules, const Who& who);

// The rules without anything to be asked for, once for each rule that may be the first of those in
// doubt to match, and once for none.
[[nodiscard]] std::vector<hba::Rules> guesses_about(const hba::Rules& rules, const Who& who);

// By rules that ask nothing.
[[nodiscard]] bool lets_in(const hba::Rules& rules, const hba::Candidate& candidate);

} // namespace pgmoat::cli
