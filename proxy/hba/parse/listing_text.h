// Rows of hba_listing as text: aligned columns for people, JSON for programs. Pure.
#pragma once

#include "proxy/hba/parse/hba_listing.h"

#include <string>
#include <vector>

namespace pgmoat::hba {

// Columns under their names, a line per row; columns without a value in any row are left out.
[[nodiscard]] std::string text_table(const std::vector<HbaRow>& rows);

// An array of objects with the view's columns as keys, null as there. All ASCII; a byte beyond it
// stands as the Latin-1 character of its number.
[[nodiscard]] std::string json_table(const std::vector<HbaRow>& rows);

} // namespace pgmoat::hba
