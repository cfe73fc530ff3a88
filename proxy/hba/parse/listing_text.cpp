#include "proxy/hba/parse/listing_text.h"

#include "protocol/shown_text.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <utility>

namespace pgmoat::hba {
namespace {

constexpr std::string_view columns[] = {"rule_number",
                                        "file_name",
                                        "line_number",
                                        "type",
                                        "database",
                                        "user_name",
                                        "address",
                                        "netmask",
                                        "auth_method",
                                        "options",
                                        "error",
                                        "warning"};
constexpr std::size_t column_count = std::size(columns);
using Cells = std::array<std::string, column_count>;

// As psql shows an array element (array_out()).
std::string element(const std::string& item) {
    const bool plain = !item.empty() && item.find_first_of(",{}\"\\ \t") == std::string::npos;
    if (plain) return item;
    std::string text = "\"";
    for (const char c : item) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
    }
    return text + '"';
}

std::string braced(const std::vector<std::string>& items) {
    if (items.empty()) return {};
    std::string text;
    for (const std::string& item : items)
        text += (text.empty() ? "{" : ",") + element(item);
    return text + "}";
}

// A file may contain anything, also escape sequences that a terminal would execute.
std::string printable(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return text;
}

Cells cells_of(const HbaRow& row) {
    Cells cells = {row.rule_number ? std::to_string(*row.rule_number) : "",
                   row.file_name,
                   std::to_string(row.line_number),
                   row.type,
                   braced(row.databases),
                   braced(row.users),
                   row.address,
                   row.netmask,
                   row.auth_method,
                   braced(row.options),
                   row.error,
                   row.warning};
    for (std::string& cell : cells)
        cell = printable(std::move(cell));
    return cells;
}

std::string line_of(const Cells& cells, const std::array<std::size_t, column_count>& widths) {
    std::string line;
    for (std::size_t n = 0; n < column_count; ++n) {
        if (widths[n] == 0) continue;
        if (!line.empty()) line += "  ";
        line += cells[n] + std::string(widths[n] - cells[n].size(), ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
}

std::string json_text(const std::string& text) {
    return text.empty() ? "null" : protocol::json_string(text);
}

std::string json_list(const std::vector<std::string>& items) {
    if (items.empty()) return "null";
    std::string json;
    for (const std::string& item : items)
        json += (json.empty() ? "[" : ", ") + protocol::json_string(item);
    return json + "]";
}

std::string json_object(const HbaRow& row) {
    const Cells values = {row.rule_number ? std::to_string(*row.rule_number) : "null",
                          json_text(row.file_name),
                          std::to_string(row.line_number),
                          json_text(row.type),
                          json_list(row.databases),
                          json_list(row.users),
                          json_text(row.address),
                          json_text(row.netmask),
                          json_text(row.auth_method),
                          json_list(row.options),
                          json_text(row.error),
                          json_text(row.warning)};
    std::string json;
    for (std::size_t n = 0; n < column_count; ++n)
        json += (json.empty() ? "{" : ", ") + protocol::json_string(columns[n]) + ": " + values[n];
    return json + "}";
}

} // namespace

std::string text_table(const std::vector<HbaRow>& rows) {
    std::vector<Cells> lines;
    for (const HbaRow& row : rows)
        lines.push_back(cells_of(row));

    Cells names;
    std::array<std::size_t, column_count> widths{};
    for (std::size_t n = 0; n < column_count; ++n) {
        names[n] = columns[n];
        for (const Cells& cells : lines)
            widths[n] = std::max(widths[n], cells[n].size());
        if (widths[n] > 0) widths[n] = std::max(widths[n], names[n].size());
    }
    std::string text = line_of(names, widths);
    for (const Cells& cells : lines)
        text += line_of(cells, widths);
    return text;
}

std::string json_table(const std::vector<HbaRow>& rows) {
    std::string json = "[";
    for (const HbaRow& row : rows)
        json += (json.size() == 1 ? "\n" : ",\n") + json_object(row);
    return json + "\n]\n";
}

} // namespace pgmoat::hba
