// From a name and a text to a stored value or an error: what all rows of settings.cpp share.
#include "proxy/config/did_you_mean.h"
#include "proxy/config/old_names.h"
#include "proxy/config/postgres_parameters.h"
#include "proxy/config/settings.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <utility>

namespace pgmoat::config {
namespace {

struct Wrong {
    std::string text; // empty: no error
    std::string hint;
};

class Store {
  public:
    Store(const SettingRow& row, const Setting& setting, Draft& draft)
        : row_(row), setting_(setting), draft_(draft) {}

    Wrong operator()(const BooleanSetting& kind) const {
        const std::optional<bool> value = parse_boolean(setting_.value);
        if (!value) return {"parameter " + in_quotes(row_.name) + " requires a Boolean value", {}};
        kind.store(draft_, *value);
        return {};
    }

    Wrong operator()(const IntegerSetting& kind) const {
        const IntegerResult result =
            parse_integer(std::string(row_.name), setting_.value, kind.range);
        if (!result.value) return {result.error, result.hint};
        kind.store(draft_, *result.value);
        return {};
    }

    Wrong operator()(const EnumSetting& kind) const {
        for (const std::string_view value : kind.values) {
            if (lower_case(value) != lower_case(setting_.value)) continue;
            kind.store(draft_, value);
            return {};
        }
        return {"invalid value for parameter " + in_quotes(row_.name) + ": " +
                    in_quotes(setting_.value),
                "Available values: " + joined(kind.values) + "."};
    }

    Wrong operator()(const TextSetting& kind) const {
        return {kind.store(draft_, setting_.value), {}};
    }

    Wrong operator()(const FamilySetting& kind) const {
        return {kind.store(draft_, setting_.name.substr(row_.name.size()), setting_.value), {}};
    }

  private:
    const SettingRow& row_;
    const Setting& setting_;
    Draft& draft_;
};

const SettingRow* find_row(const std::string& name) {
    for (const SettingRow& row : all_settings())
        if (row.name == name || (row.name.ends_with('.') && name.starts_with(row.name)))
            return &row;
    return nullptr;
}

std::vector<std::string_view> names_of_settings() {
    std::vector<std::string_view> names;
    for (const SettingRow& row : all_settings())
        names.push_back(row.name);
    return names;
}

// Values that may contain a secret are shown without it.
std::string shown_value(const Setting& setting) {
    const bool conninfo = setting.name == "upstream" || setting.name.starts_with("upstream.") ||
                          setting.name == "role_query_conninfo" ||
                          setting.name == "auth_query_conninfo";
    if (setting.name == "health" || setting.name.starts_with("health."))
        return health_check_without_secrets(setting.value);
    return conninfo ? without_secrets(setting.value) : setting.value;
}

void apply(const Setting& setting, Draft& draft, Problems& problems) {
    if (const SettingRow* const row = find_row(setting.name)) {
        draft.locations[setting.name] = setting.location;
        const Wrong wrong = std::visit(Store(*row, setting, draft), row->kind);
        if (!wrong.text.empty())
            problems.error(wrong.text, setting.location, wrong.hint);
        else
            draft.config.given[setting.name] = {shown_value(setting), setting.location};
        return;
    }
    if (const Refusal refusal = refuse_unsupported(setting.name, setting.value); refusal.listed) {
        if (!refusal.text.empty()) problems.error(refusal.text, setting.location);
        return;
    }
    if (is_postgres_parameter(setting.name)) {
        problems.warnings.push_back("parameter " + in_quotes(setting.name_as_written) +
                                    text_of(setting.location) + " has no effect in pgmoat");
        return;
    }
    problems.error("unrecognized configuration parameter " + in_quotes(setting.name_as_written),
                   setting.location,
                   did_you_mean(setting.name, names_of_settings()));
}

// Old names are replaced by the new ones.
void rename_old(std::vector<Setting>& settings, Problems& problems) {
    const auto is_given = [&settings](std::string_view name) {
        return std::ranges::any_of(settings, [name](const Setting& each) {
            return name_instead_of(each.name).empty() && each.name == name;
        });
    };
    for (Setting& setting : settings) {
        const std::string now(name_instead_of(setting.name));
        if (now.empty()) continue;
        if (is_given(now))
            problems.error("parameters " + in_quotes(setting.name) + " and " + in_quotes(now) +
                               " are the same: set only " + in_quotes(now),
                           setting.location);
        else
            problems.warnings.push_back("parameter " + in_quotes(setting.name_as_written) +
                                        text_of(setting.location) + " is deprecated: its name is " +
                                        in_quotes(now));
    }
    for (Setting& setting : settings)
        if (const std::string_view now = name_instead_of(setting.name); !now.empty())
            setting.name = now;
}

// As in PostgreSQL, only the last of several values counts, and the others are not checked.
std::vector<Setting> last_of_each(std::vector<Setting> settings, Problems& problems) {
    std::map<std::string, std::size_t> last;
    for (std::size_t i = 0; i < settings.size(); ++i) {
        if (settings[i].name == "ssl_ecdh_curve")
            settings[i].name = "ssl_groups"; // the name before PostgreSQL 18
        const auto [found, is_new] = last.try_emplace(settings[i].name, i);
        if (is_new) continue;
        problems.warnings.push_back("parameter " + in_quotes(settings[i].name_as_written) +
                                    text_of(settings[i].location) + " replaces its value" +
                                    text_of(settings[found->second].location));
        found->second = i;
    }
    std::vector<Setting> kept;
    for (std::size_t i = 0; i < settings.size(); ++i)
        if (last[settings[i].name] == i) kept.push_back(std::move(settings[i]));
    return kept;
}

} // namespace

std::string allowed_values(const SettingRow& row) {
    if (const auto* const integer = std::get_if<IntegerSetting>(&row.kind))
        return text_of(integer->range);
    if (const auto* const choice = std::get_if<EnumSetting>(&row.kind))
        return joined(choice->values);
    if (const auto* const text = std::get_if<TextSetting>(&row.kind))
        return std::string(text->format);
    if (const auto* const family = std::get_if<FamilySetting>(&row.kind))
        return std::string(family->format);
    return "boolean";
}

void apply_settings(const std::vector<Setting>& settings, Draft& draft, Problems& problems) {
    std::vector<Setting> renamed = settings;
    rename_old(renamed, problems);
    for (const Setting& setting : last_of_each(std::move(renamed), problems))
        apply(setting, draft, problems);
}

} // namespace pgmoat::config
