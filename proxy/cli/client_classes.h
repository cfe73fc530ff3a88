// Which clients a file of access rules distinguishes: one client of each class is enough to know
// all possible outcomes. Tries the names in the file and one that is not in it, an address in each
// network and one outside. What is unknown without a lookup (roles, host names, expressions) is
// tried both ways.
#pragma once

#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/hba/rule.h"

#include <string>
#include <vector>

namespace pgmoat::cli {

// What is known of a client; an empty field: anything.
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

// Copies of the rules that need no lookup: one for each uncertain rule, in which that one matches
// and the others do not, and one in which none of them does.
[[nodiscard]] std::vector<hba::Rules> guesses_about(const hba::Rules& rules, const Who& who);

// `rules` must be one of guesses_about().
[[nodiscard]] bool lets_in(const hba::Rules& rules, const hba::Candidate& candidate);

} // namespace pgmoat::cli
