// How the handshake machines take their input: the driver must answer the action it was given. Any
// other answer is a bug in the driver, which no peer can cause, and asserts.
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
