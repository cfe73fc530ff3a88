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

// pg_settings.vartype
std::string_view type_of_setting(std::string_view name) {
    for (const SettingRow& setting : config::all_settings()) {
        if (setting.name != name) continue;
        if (std::holds_alternative<config::BooleanSetting>(setting.kind)) return "bool";
        if (std::holds_alternative<config::IntegerSetting>(setting.kind)) return "integer";
        if (std::holds_alternative<config::EnumSetting>(setting.kind)) return "enum";
    }
    return "string";
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
        // In PostgreSQL only superusers see it: the command may contain the passphrase that it
        // prints.
        if (name == "ssl_passphrase_command" && rows.back()[1] != "") rows.back()[1] = "********";
    }
    return rows;
}

std::vector<Row> pg_settings_rows(const config::Config& config, const SessionParameters& session) {
    std::vector<Row> rows;
    for (const Row& setting : config_rows(config)) {
        Row row(pg_settings_columns.size());
        row[0] = setting[0];
        row[1] = setting[1] ? setting[1] : setting[2];
        row[3] = to_cell("pgmoat");
        row[6] = to_cell(setting[3] == "restart" ? "postmaster" : "sighup");
        row[7] = to_cell(type_of_setting(*setting[0]));
        row[8] = to_cell(setting[4] ? "configuration file" : "default");
        row[12] = setting[2];
        row[13] = row[1];
        row[14] = setting[4];
        row[15] = setting[5];
        row[16] = to_cell(false);
        rows.push_back(std::move(row));
    }
    for (const Parameter& parameter : all_parameters()) {
        Row row(pg_settings_columns.size());
        const bool fixed = parameter.kind != Parameter::Kind::settable;
        row[0] = to_cell(parameter.name);
        row[1] = shown_value(parameter.name, session, config);
        row[3] = to_cell("console session");
        row[6] = to_cell(fixed ? "internal" : "user");
        row[7] = to_cell("string");
        row[8] = to_cell(row[1] == parameter.value ? "default" : "session");
        row[12] = row[13] = to_cell(parameter.value);
        row[16] = to_cell(false);
        rows.push_back(std::move(row));
    }
    return rows;
}

} // namespace pgmoat::admin
