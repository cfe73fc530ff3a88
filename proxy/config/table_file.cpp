#include "proxy/config/table_file.h"

#include "proxy/config/limits.h"
#include "proxy/config/table_lexer.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

namespace pgmoat::config {
namespace {

// As PostgreSQL's AbsoluteConfigLocation(): relative to the file that names it, without `.` and
// `..`.
std::string absolute_location(const std::string& file, const std::string& name) {
    std::string path =
        (std::filesystem::path(file).parent_path() / name).lexically_normal().string();
    while (path.size() > 1 && path.back() == '/')
        path.pop_back();
    return path;
}

class TableReader {
  public:
    explicit TableReader(const FileSource& source) : source_(source) {}

    [[nodiscard]] TableFile read(const std::string& path);

  private:
    // Each returns an error text, or an empty one.
    [[nodiscard]] std::string read_file(const std::string& path,
                                        int depth,
                                        bool may_be_missing,
                                        std::vector<TableLine>& lines);
    [[nodiscard]] std::string read_fields(TableLine& line, int depth);
    [[nodiscard]] std::string read_field(TableTokenReader& tokens, TableLine& line, int depth);
    [[nodiscard]] std::string expand(const std::string& path, int depth, TableField& field);
    [[nodiscard]] std::string
    include_folder(const TableLine& line, int depth, std::vector<TableLine>& lines);

    // Nothing if the line is not an include record.
    [[nodiscard]] std::optional<std::string>
    include(const TableLine& line, int depth, std::vector<TableLine>& lines);
    [[nodiscard]] FileText open(const std::string& path, int depth);
    void take(TableLine line, int depth, std::vector<TableLine>& lines);
    void add(TableField& field, TableToken token);

    const FileSource& source_;
    std::vector<std::string> notes_;
    std::string too_much_; // why reading was stopped early, if it was
    int files_ = 0;
    std::size_t bytes_ = 0;
    std::size_t tokens_ = 0;
};

TableFile TableReader::read(const std::string& path) {
    TableFile file;
    file.error = read_file(path, 0, false, file.lines);
    if (!too_much_.empty())
        file.error = "could not read file " + in_quotes(path) + ": " + too_much_;
    if (!file.error.empty()) file.lines.clear();
    file.notes = std::move(notes_);
    return file;
}

FileText TableReader::open(const std::string& path, int depth) {
    if (depth > limits::include_depth_max)
        return {std::nullopt, "maximum nesting depth exceeded", false};
    if (files_ == limits::files_max)
        return {std::nullopt, "more than " + std::to_string(limits::files_max) + " files", false};
    FileText text = source_.read(path);
    if (!text.text) return text;
    ++files_;
    bytes_ += text.text->size();
    if (bytes_ > limits::table_bytes_max)
        too_much_ = "more than " + std::to_string(limits::table_bytes_max) + " bytes";
    return text;
}

std::string TableReader::read_file(const std::string& path,
                                   int depth,
                                   bool may_be_missing,
                                   std::vector<TableLine>& lines) {
    const FileText text = open(path, depth);
    if (!text.text && text.missing && may_be_missing) {
        notes_.push_back("skipping missing authentication file " + in_quotes(path));
        return {};
    }
    if (!text.text) return "could not open file " + in_quotes(path) + ": " + text.error;

    TableLineReader reader(*text.text);
    while (too_much_.empty()) {
        auto line = reader.next();
        if (!line) break;
        take({path, line->number, std::move(line->text), {}, {}}, depth, lines);
    }
    return {};
}

void TableReader::take(TableLine line, int depth, std::vector<TableLine>& lines) {
    // PostgreSQL silently cuts the line there.
    if (line.text.find('\0') != std::string::npos)
        line.error = "zero byte in the line";
    else
        line.error = read_fields(line, depth);

    if (line.error.empty()) {
        if (line.fields.empty()) return;
        const auto included = include(line, depth + 1, lines);
        if (included && included->empty()) return;
        if (included) line.error = *included;
    }
    if (!line.error.empty()) line.fields.clear();
    lines.push_back(std::move(line));
}

std::string TableReader::read_fields(TableLine& line, int depth) {
    TableTokenReader tokens(line.text);
    while (!tokens.at_end() && too_much_.empty()) {
        std::string error = read_field(tokens, line, depth);
        if (!error.empty()) return error;
    }
    return {};
}

// A comma-separated list. An @file without tokens yields no field, as in PostgreSQL.
std::string TableReader::read_field(TableTokenReader& tokens, TableLine& line, int depth) {
    TableField field;
    bool goes_on = true;
    while (goes_on) {
        auto token = tokens.next();
        if (!token) break;
        goes_on = token->comma;
        if (!token->quoted && token->text.size() > 1 && token->text[0] == '@') {
            std::string error =
                expand(absolute_location(line.file, token->text.substr(1)), depth + 1, field);
            if (!error.empty()) return error;
        } else {
            add(field, {std::move(token->text), token->quoted});
        }
    }
    if (!field.empty()) line.fields.push_back(std::move(field));
    return {};
}

void TableReader::add(TableField& field, TableToken token) {
    if (++tokens_ > limits::table_tokens_max)
        too_much_ = "more than " + std::to_string(limits::table_tokens_max) + " words";
    else
        field.push_back(std::move(token));
}

// All tokens of a file, regardless of lines and fields.
std::string TableReader::expand(const std::string& path, int depth, TableField& field) {
    std::vector<TableLine> lines;
    std::string error = read_file(path, depth, false, lines);
    if (!error.empty()) return error;
    for (TableLine& line : lines) {
        if (!line.error.empty()) return line.error;
        for (TableField& inner : line.fields)
            for (TableToken& token : inner)
                field.push_back(std::move(token));
    }
    return {};
}

std::optional<std::string>
TableReader::include(const TableLine& line, int depth, std::vector<TableLine>& lines) {
    if (line.fields.size() != 2) return std::nullopt;
    const std::string& word = line.fields[0][0].text;
    if (word == "include_dir") return include_folder(line, depth, lines);
    if (word != "include" && word != "include_if_exists") return std::nullopt;
    const std::string path = absolute_location(line.file, line.fields[1][0].text);
    return read_file(path, depth, word == "include_if_exists", lines);
}

std::string
TableReader::include_folder(const TableLine& line, int depth, std::vector<TableLine>& lines) {
    const std::string& name = line.fields[1][0].text;
    if (trim(name).empty()) return "empty configuration directory name";
    const std::string folder = absolute_location(line.file, name);
    FolderNames listed = source_.list(folder);
    if (!listed.names) return "could not open directory " + in_quotes(folder);

    std::sort(listed.names->begin(), listed.names->end());
    std::string errors;
    for (const std::string& file : *listed.names) {
        if (file.size() < 6 || file[0] == '.' || !file.ends_with(".conf")) continue;
        const std::string error = read_file(folder + "/" + file, depth, false, lines);
        if (!error.empty()) errors += (errors.empty() ? "" : "; ") + error;
    }
    return errors;
}

} // namespace

TableFile read_table_file(const std::string& path, const FileSource& source) {
    return TableReader(source).read(path);
}

} // namespace pgmoat::config
