// Why one line of a table file cannot be used. What the parsers of this folder return.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace pgmoat::hba {

struct LineError {
    std::string text; // in PostgreSQL's words where it has any
    std::string hint;
};

// Nothing: all is well.
using Complaint = std::optional<LineError>;

[[nodiscard]] inline Complaint complaint(std::string text, std::string hint = {}) {
    return LineError{std::move(text), std::move(hint)};
}

} // namespace pgmoat::hba
