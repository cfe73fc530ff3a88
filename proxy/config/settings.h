// The table of all settings: name, type, default, range, what a change needs, where the value goes.
// Everything else about a setting follows from its row: parsing, error texts, the reload log, the
// list of `pgmoat check`. To add one: a field in Config, a row in settings.cpp, a row in README.md.
#pragma once

#include "proxy/config/draft.h"
#include "proxy/config/guc_file.h"
#include "proxy/config/guc_value.h"

#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace pgmoat::config {

enum class ChangeNeeds { reload, restart };

struct BooleanSetting {
    void (*store)(Draft&, bool);
};
struct IntegerSetting {
    IntegerRange range;
    void (*store)(Draft&, int);
};
struct EnumSetting {
    std::span<const std::string_view> values; // any letter case is accepted; stored as written here
    void (*store)(Draft&, std::string_view value);
};
// `store` returns what is wrong with the value, without file and line; empty: nothing.
struct TextSetting {
    std::string_view format;
    std::string (*store)(Draft&, const std::string& value);
};
// upstream.NAME and listener.NAME: one setting for each name.
struct FamilySetting {
    std::string_view format;
    std::string (*store)(Draft&, const std::string& name, const std::string& value);
};

struct SettingRow {
    std::string_view name;          // ends with a dot for a family
    std::string_view default_value; // as one would write it
    ChangeNeeds change_needs;
    std::variant<BooleanSetting, IntegerSetting, EnumSetting, TextSetting, FamilySetting> kind;
    std::string (*show)(const Config&); // the value in use; nullptr: cannot be shown as one value
};

[[nodiscard]] std::span<const SettingRow> all_settings() noexcept;

// `boolean`, `1 s .. 600 s`, `text, json`, ...
[[nodiscard]] std::string allowed_values(const SettingRow& row);

// Applies the settings of the files in their order. Unknown names, invalid values, repeated names
// and PostgreSQL's other parameters become problems.
void apply_settings(const std::vector<Setting>& settings, Draft& draft, Problems& problems);

} // namespace pgmoat::config
