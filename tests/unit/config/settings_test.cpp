// Compares the table of settings with the defaults of Config, PostgreSQL's names and the README.
#include "proxy/config/postgres_parameters.h"
#include "proxy/config/settings.h"
#include "tests/support/catch.h"
#include "tests/unit/config/memory_files.h"

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace pgmoat::config;

namespace {

// `| `name` | default | range | reload |`, as in README.md.
std::string readme_row(const SettingRow& row) {
    const std::string name(row.name);
    const std::string shown = name.ends_with('.') ? name + "NAME" : name;
    const std::string default_value =
        row.default_value.empty() ? "" : "`" + std::string(row.default_value) + "`";
    return "| `" + shown + "` | " + default_value + (default_value.empty() ? "| " : " | ") +
           allowed_values(row) + " | " +
           (row.change_needs == ChangeNeeds::restart ? "restart" : "reload") + " |";
}

std::string readme() {
    const auto root = std::filesystem::path(__FILE__).parent_path() / "../../..";
    std::ifstream file(root / "proxy/config/README.md");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

} // namespace

TEST_CASE("the default that the table states is what an empty file gives") {
    const Config config = load_config("x.conf", MemoryFiles("x.conf", "upstream = 'host=x'"));
    for (const SettingRow& row : all_settings()) {
        if (row.show == nullptr) continue;
        INFO(row.name);
        CHECK(row.show(config) == row.default_value);
    }
}

TEST_CASE("the default that the table states can be written into a file") {
    std::string text = "upstream = 'host=x'\n";
    for (const SettingRow& row : all_settings())
        if (row.show != nullptr)
            text += std::string(row.name) + " = '" + std::string(row.default_value) + "'\n";
    const Config config = load_config("x.conf", MemoryFiles("x.conf", text));
    for (const SettingRow& row : all_settings()) {
        if (row.show == nullptr) continue;
        INFO(row.name);
        CHECK(row.show(config) == row.default_value);
    }
}

TEST_CASE("every setting is in the README with its default, range and reload class") {
    const std::string text = readme();
    for (const SettingRow& row : all_settings()) {
        INFO(readme_row(row));
        CHECK(text.find(readme_row(row)) != std::string::npos);
    }
}

TEST_CASE("PostgreSQL's parameters are known by their names, of any version from 15 to 18") {
    for (const char* name : {"shared_buffers",
                             "work_mem",
                             "io_method",
                             "old_snapshot_threshold",
                             "allow_alter_system",
                             "sort_mem",
                             "zero_damaged_pages"})
        CHECK(is_postgres_parameter(name));
    for (const char* name : {"", "upstream", "tls_mode", "http_listen", "shared_buffer"})
        CHECK_FALSE(is_postgres_parameter(name));
}
