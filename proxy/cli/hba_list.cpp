#include "proxy/cli/hba_list.h"

#include "proxy/access/load_rules.h"
#include "proxy/cli/exit_code.h"
#include "proxy/cli/failures.h"
#include "proxy/config/config.h"
#include "proxy/config/file_source.h"
#include "proxy/config/table_file.h"
#include "proxy/hba/parse/hba_file.h"
#include "proxy/hba/parse/hba_listing.h"
#include "proxy/hba/parse/listing_text.h"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <vector>

namespace pgmoat::cli {

namespace {

using config::Config;
using config::ConfigError;
using config::TableFile;

// Without a configuration every upstream is assumed to exist.
hba::HbaContext context_without_config(const TableFile& file) {
    constexpr std::string_view option = "upstream=";
    hba::HbaContext context;
    context.roles = true;
    for (const auto& line : file.lines)
        for (const auto& field : line.fields)
            for (const auto& token : field)
                if (token.text.starts_with(option))
                    context.upstreams.insert(token.text.substr(option.size()));
    return context;
}

TableFile read(const std::string& path) {
    TableFile file = config::read_table_file(path, config::Disk());
    if (!file.error.empty()) throw ConfigError({file.error});
    for (const auto& note : file.notes)
        say("LOG", note);
    return file;
}

int print(const std::string& path,
          const TableFile& file,
          const hba::HbaContext& context,
          bool json) {
    const auto rows = hba::list_hba(hba::parse_hba(file, context));
    const std::string text = json ? hba::json_table(rows) : hba::text_table(rows);
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (rows.empty()) say("FATAL", hba::without_entries(path));
    const bool sound =
        !rows.empty() && std::all_of(rows.begin(), rows.end(), [](const hba::HbaRow& row) {
            return row.error.empty();
        });
    return sound ? exit_ok : exit_configuration;
}

} // namespace

int list_hba(const HbaListOptions& options) {
    const std::string& named = options.config_file.empty() ? options.hba_file : options.config_file;
    return with_exit_codes(named, [&]() -> int {
        if (options.config_file.empty()) {
            const std::string& path = options.hba_file;
            const TableFile file = read(path);
            return print(path, file, context_without_config(file), options.json);
        }
        const Config config = config::load_config(options.config_file);
        if (!options.listener.empty() && !config::find_listener(config, options.listener))
            throw UsageError("there is no listener \"" + options.listener + "\"");
        const auto& listener = config::listener_named(config, options.listener);
        const std::string& path = options.hba_file.empty() ? listener.hba_file : options.hba_file;
        if (path.empty())
            throw UsageError("listener \"" + listener.name + "\" has no \"hba_file\"");
        return print(
            path, read(path), access::hba_context(config, listener.tls_mode), options.json);
    });
}

} // namespace pgmoat::cli
