// What is wrong with a configuration, collected: everything is said at once, each with its place.
#pragma once

#include <string>
#include <vector>

namespace pgmoat::config {

struct Place {
    std::string file;
    unsigned line = 0; // 0: the file as a whole
};

// ` in file "x" line 3`
[[nodiscard]] inline std::string text_of(const Place& place) {
    std::string text = " in file \"" + place.file + "\"";
    if (place.line != 0) text += " line " + std::to_string(place.line);
    return text;
}

struct Problems {
    std::vector<std::string> errors;
    std::vector<std::string> warnings;

    void error(const std::string& text, const Place& place) {
        errors.push_back(text + text_of(place));
    }
    // The hint comes behind the place, so that `in file "x" line 3` follows the text as in
    // PostgreSQL.
    void error(const std::string& text, const Place& place, const std::string& hint) {
        errors.push_back(text + text_of(place) + (hint.empty() ? "" : " (" + hint + ")"));
    }
    void warning(const std::string& text, const Place& place) {
        warnings.push_back(text + text_of(place));
    }
};

} // namespace pgmoat::config
