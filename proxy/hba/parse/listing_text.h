// Rows of hba_listing as text: aligned columns for people, JSON for programs. Pure.
#pragma once

#include "proxy/hba/parse/hba_listing.h"

#include <string>
#include <vector>

namespace pgmoat::hba {

// Columns with headings, a line per row; columns that are empty in all rows are left out.
[[nodiscard]] std::string text_table(const std::vector<HbaRow>& rows);

// An array of objects with the view's columns as keys, and null as there. All ASCII; other bytes
// become the Latin-1 characters with their numbers.
[[nodiscard]] std::string json_table(const std::vector<HbaRow>& rows);

} // namespace pgmoat::hba
