// Random orders for load_balance_hosts=random: of hosts, and of the addresses of one. Not for
// anything secret.
#pragma once

#include <algorithm>
#include <random>
#include <vector>

namespace pgmoat::upstream {

template <typename Element>
void shuffle(std::vector<Element>& elements) {
    thread_local std::minstd_rand random{std::random_device{}()};
    std::shuffle(elements.begin(), elements.end(), random);
}

} // namespace pgmoat::upstream
