#include "proxy/admin/console/config_rows.h"

#include "proxy/config/settings.h"

namespace pgmoat::admin {

namespace {

using config::SettingRow;

Row row_of(const SettingRow& setting, const std::string& name, const config::GivenSetting* given) {
    const bool restart = setting.change_needs == config::ChangeNeeds::restart;
    return {to_cell(name),
            given ? Cell(given->value) : Cell(),
            setting.default_value.empty() ? to_cell("") : to_cell(setting.default_value),
            to_cell(restart ? "restart" : "reload"),
            given ? to_cell(given->location.file) : Cell(),
            given ? Cell(std::to_string(given->location.line)) : Cell()};
}

} // namespace

std::vector<Row> config_rows(const config::Config& config) {
    std::vector<Row> rows;
    for (const SettingRow& setting : config::all_settings()) {
        const std::string name(setting.name);
        if (name.ends_with('.')) { // one for each name of the family
            for (auto given = config.given.lower_bound(name);
                 given != config.given.end() && given->first.starts_with(name);
                 ++given)
                rows.push_back(row_of(setting, given->first, &given->second));
            continue;
        }
        const auto found = config.given.find(name);
        rows.push_back(
            row_of(setting, name, found == config.given.end() ? nullptr : &found->second));
        if (setting.show) rows.back()[1] = setting.show(config);
        // In PostgreSQL for superusers only: the command may hold what it prints.
        if (name == "ssl_passphrase_command" && rows.back()[1] != "") rows.back()[1] = "********";
    }
    return rows;
}

} // namespace pgmoat::admin
