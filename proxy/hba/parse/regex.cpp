#include "proxy/hba/parse/regex.h"

#include "proxy/hba/limits.h"
#include "proxy/hba/parse/are_syntax.h"

#include <re2/re2.h>

#include <utility>

namespace pgmoat::hba {

CompiledRegex compile_regex(const std::string& pattern) {
    const AreTranslation translation = translate_are(pattern);
    std::string error = translation.error;
    std::shared_ptr<const re2::RE2> regex;
    if (error.empty()) {
        re2::RE2::Options options;
        options.set_encoding(re2::RE2::Options::EncodingLatin1);
        options.set_dot_nl(true);
        options.set_longest_match(translation.plain_capture);
        options.set_max_mem(limits::regex_memory_max);
        options.set_log_errors(false);
        regex = std::make_shared<const re2::RE2>(translation.re2, options);
        if (!regex->ok()) error = regex->error();
    }
    if (!error.empty())
        return {nullptr, "invalid regular expression \"" + pattern + "\": " + error, false};
    return {std::move(regex), {}, translation.plain_capture};
}

} // namespace pgmoat::hba
