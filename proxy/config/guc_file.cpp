#include "proxy/config/guc_file.h"

#include "proxy/config/guc_lexer.h"
#include "proxy/config/limits.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <filesystem>
#include <optional>

namespace pgmoat::config {
namespace {

bool is_value(TokenKind kind) {
    return kind == TokenKind::identifier || kind == TokenKind::quoted_string ||
           kind == TokenKind::integer || kind == TokenKind::real ||
           kind == TokenKind::unquoted_string;
}

bool ends_line(const Token& token) {
    return token.kind == TokenKind::end_of_line || token.kind == TokenKind::end_of_file;
}

// Relative names are relative to the file that includes them.
std::string beside(const std::string& file, const std::string& name) {
    return (std::filesystem::path(file).parent_path() / name).string();
}

class GucReader {
  public:
    GucReader(const FileSource& source, Problems& problems)
        : source_(source), problems_(problems) {}

    std::vector<Setting> settings;

    // A file named on the command line or by an include.
    void
    read(const std::string& file, const std::optional<Location>& included_at, bool may_be_missing);

  private:
    void parse(const std::string& file, const std::string& text);
    [[nodiscard]] bool parse_line(GucLexer& lexer, Token& token, const std::string& file);
    void take(Setting setting);
    void include(const Setting& setting, bool may_be_missing);
    void include_folder(const Setting& setting);
    void fail(const std::string& text, const std::optional<Location>& location);

    const FileSource& source_;
    Problems& problems_;
    int depth_ = 0;
    int files_ = 0;
};

void GucReader::fail(const std::string& text, const std::optional<Location>& location) {
    if (location)
        problems_.error(text, *location);
    else
        problems_.errors.push_back(text);
}

void GucReader::read(const std::string& file,
                     const std::optional<Location>& included_at,
                     bool may_be_missing) {
    const std::string failure = "could not open configuration file " + in_quotes(file) + ": ";
    if (depth_ > limits::include_depth_max)
        return fail(failure + "maximum nesting depth exceeded", included_at);
    if (files_ >= limits::files_max)
        return fail(failure + "more than " + std::to_string(limits::files_max) + " files",
                    included_at);

    FileText read = source_.read(file);
    if (!read.text) {
        if (!(read.missing && may_be_missing)) fail(failure + read.error, included_at);
        return;
    }
    ++files_;
    ++depth_;
    parse(file, *read.text);
    --depth_;
}

void GucReader::parse(const std::string& file, const std::string& text) {
    GucLexer lexer(text);
    int syntax_errors = 0;
    Token token{TokenKind::end_of_line, {}};
    while (token.kind != TokenKind::end_of_file) {
        token = lexer.next();
        if (ends_line(token) || parse_line(lexer, token, file)) continue;

        const std::string near =
            ends_line(token) ? "near end of line" : "near token " + in_quotes(token.text);
        problems_.errors.push_back("syntax error in file " + in_quotes(file) + " line " +
                                   std::to_string(lexer.line()) + ", " + near);
        if (++syntax_errors == limits::syntax_errors_per_file_max) {
            problems_.errors.push_back("too many syntax errors found, abandoning file " +
                                       in_quotes(file));
            return;
        }
        while (!ends_line(token))
            token = lexer.next();
    }
}

// name [=] value, up to and including the line end. On a syntax error `token` is where it was
// found.
bool GucReader::parse_line(GucLexer& lexer, Token& token, const std::string& file) {
    if (token.kind != TokenKind::identifier && token.kind != TokenKind::qualified_identifier)
        return false;
    Setting setting;
    setting.name = lower_case(token.text);
    setting.name_as_written = token.text;

    token = lexer.next();
    if (token.kind == TokenKind::equals) token = lexer.next();
    if (!is_value(token.kind)) return false;
    const bool quoted = token.kind == TokenKind::quoted_string;
    setting.value = quoted ? unquote(token.text) : std::string(token.text);
    // PostgreSQL would silently cut the value there.
    if (setting.value.find('\0') != std::string::npos) return false;

    token = lexer.next();
    if (!ends_line(token)) return false;
    setting.location = {file, lexer.line()};
    take(std::move(setting));
    return true;
}

void GucReader::take(Setting setting) {
    if (setting.name == "include")
        include(setting, false);
    else if (setting.name == "include_if_exists")
        include(setting, true);
    else if (setting.name == "include_dir")
        include_folder(setting);
    else
        settings.push_back(std::move(setting));
}

void GucReader::include(const Setting& setting, bool may_be_missing) {
    if (trim(setting.value).empty())
        return fail("empty configuration file name: " + in_quotes(setting.value), setting.location);
    const std::string file = beside(setting.location.file, setting.value);
    if (file == setting.location.file)
        return fail("configuration file recursion in " + in_quotes(file), setting.location);
    read(file, setting.location, may_be_missing);
}

void GucReader::include_folder(const Setting& setting) {
    if (trim(setting.value).empty())
        return fail("empty configuration directory name: " + in_quotes(setting.value),
                    setting.location);
    const std::string folder = beside(setting.location.file, setting.value);
    FolderNames listed = source_.list(folder);
    if (!listed.names) {
        return fail("could not open configuration directory " + in_quotes(folder) + ": " +
                        listed.error,
                    setting.location);
    }
    std::sort(listed.names->begin(), listed.names->end());
    for (const std::string& name : *listed.names) {
        if (name.size() < 6 || name[0] == '.' || !name.ends_with(".conf")) continue;
        read((std::filesystem::path(folder) / name).string(), setting.location, false);
    }
}

} // namespace

std::vector<Setting>
read_guc_file(const FileSource& source, const std::string& file, Problems& problems) {
    GucReader reader(source, problems);
    reader.read(file, std::nullopt, false);
    return std::move(reader.settings);
}

} // namespace pgmoat::config
