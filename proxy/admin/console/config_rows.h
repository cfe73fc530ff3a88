// SHOW CONFIG: every setting with its value, its default, whether a change needs a restart, and the
// file and line of the value. Secrets are replaced.
#pragma once

#include "proxy/admin/console/parameters.h"
#include "proxy/admin/console/table.h"
#include "proxy/config/config.h"

#include <array>
#include <string>
#include <vector>

namespace pgmoat::admin {

inline constexpr std::array config_columns{
    Column{"name"},
    Column{"value"},
    Column{"default"},
    Column{"change"}, // reload or restart
    Column{"file"},
    Column{"line", Type::int4},
};

// PostgreSQL's, for pgAdmin and similar tools: pgmoat's settings, then the parameters of the
// session.
inline constexpr std::array pg_settings_columns{
    Column{"name"},
    Column{"setting"},
    Column{"unit"},
    Column{"category"},
    Column{"short_desc"},
    Column{"extra_desc"},
    Column{"context"},
    Column{"vartype"},
    Column{"source"},
    Column{"min_val"},
    Column{"max_val"},
    Column{"enumvals", Type::text_array},
    Column{"boot_val"},
    Column{"reset_val"},
    Column{"sourcefile"},
    Column{"sourceline", Type::int4},
    Column{"pending_restart", Type::boolean},
};

[[nodiscard]] std::vector<Row> config_rows(const config::Config& config);
[[nodiscard]] std::vector<Row> pg_settings_rows(const config::Config& config,
                                                const SessionParameters& session);

} // namespace pgmoat::admin
