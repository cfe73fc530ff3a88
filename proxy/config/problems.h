// Errors and warnings about a configuration: all are reported at once, each with its file and line.
#pragma once

#include <string>
#include <vector>

namespace pgmoat::config {

struct Location {
    std::string file;
    unsigned line = 0; // 0: the file as a whole
};

// ` in file "x" line 3`
[[nodiscard]] inline std::string text_of(const Location& location) {
    std::string text = " in file \"" + location.file + "\"";
    if (location.line != 0) text += " line " + std::to_string(location.line);
    return text;
}

struct Problems {
    std::vector<std::string> errors;
    std::vector<std::string> warnings;

    void error(const std::string& text, const Location& location) {
        errors.push_back(text + text_of(location));
    }
    // The hint comes last, so that `in file "x" line 3` follows the text as in PostgreSQL.
    void error(const std::string& text, const Location& location, const std::string& hint) {
        errors.push_back(text + text_of(location) + (hint.empty() ? "" : " (" + hint + ")"));
    }
    void warning(const std::string& text, const Location& location) {
        warnings.push_back(text + text_of(location));
    }
};

} // namespace pgmoat::config
