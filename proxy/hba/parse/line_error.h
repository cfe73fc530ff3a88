// Why a line of a table file cannot be used: what the parsers of this folder return.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace pgmoat::hba {

struct LineError {
    std::string text; // PostgreSQL's text, if it has one
    std::string hint;
};

// Nothing: no error.
using Complaint = std::optional<LineError>;

[[nodiscard]] inline Complaint complaint(std::string text, std::string hint = {}) {
    return LineError{std::move(text), std::move(hint)};
}

} // namespace pgmoat::hba
