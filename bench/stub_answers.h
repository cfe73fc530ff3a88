// What the stub backend says: fixed bytes, built once.
#pragma once

#include <cstddef>
#include <string>

namespace pgmoat::bench {

// PostgreSQL's libpq send buffer: the server writes results in pieces of this size.
inline constexpr std::size_t bulk_row_bytes = 8192;

struct StubAnswers {
    std::string login;        // AuthenticationOk and parameters; the key and ReadyForQuery follow
    std::string small_result; // about 100 bytes, ReadyForQuery included
    std::string row_header;   // RowDescription
    std::string small_row;    // DataRow
    std::string command_complete;
    std::string ready;
    std::string bulk_row;      // one DataRow of bulk_row_bytes
    std::string copy_in;       // CopyInResponse
    std::string copy_complete; // and ReadyForQuery
};

[[nodiscard]] const StubAnswers& stub_answers();
// The start of a DataRow with one value of so many bytes, which follow.
[[nodiscard]] std::string row_start(std::size_t value_bytes);

} // namespace pgmoat::bench
