// How the handshake machines take their input: the driver answers exactly what it was asked.
// Anything else is a bug of ours, never the peer's doing, and asserts.
#pragma once

#include <cassert>
#include <variant>

namespace pgmoat::protocol {

template <typename Answer, typename Input>
[[nodiscard]] const Answer& answer_as(const Input& input) {
    const auto* answer = std::get_if<Answer>(&input);
    assert(answer != nullptr);
    return *answer;
}

} // namespace pgmoat::protocol
