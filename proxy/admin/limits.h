// Every bound of the HTTP endpoint, each with its reason. It serves a scraper or two and a person
// with a browser; a client that sends more than they would is not one of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pgmoat::admin {

// A browser opens six at a time, a scraper one. One more closes the least recently used connection,
// so idle clients cannot block active ones.
inline constexpr std::size_t http_connections_max = 64;

// A request line and headers; what browsers send with cookies of other services on the same host
// fits.
inline constexpr std::uint32_t http_header_bytes_max = 8 * 1024;
inline constexpr std::ptrdiff_t http_header_fields_max = 64;

// From the first byte of a request (of the first one: from accept) to the last byte of its answer.
// Prometheus itself gives up after scrape_timeout, 10 s by default.
inline constexpr std::chrono::seconds http_request_time_max{5};

// Between two requests. Above the usual scrape intervals of 15 to 60 s, so that a scraper keeps its
// connection.
inline constexpr std::chrono::seconds http_idle_time_max{75};

// Read and thrown away after a refusal, so that closing does not reset the connection before the
// client has read why.
inline constexpr std::size_t http_discarded_bytes_max = 64 * 1024;

// accept() fails in a loop while no descriptor is free; the pause keeps the loop from burning a
// CPU.
inline constexpr std::chrono::milliseconds http_accept_pause{100};

// Passwords that are checked for one client, a second. Each keeps the checking thread busy for a
// millisecond or two (with 4096 iterations); one that was right before costs nothing and is not
// counted.
inline constexpr int http_password_checks_per_second = 16;
// Clients whose guesses are counted: 64 connections can come from no more at a time.
inline constexpr std::size_t http_guessing_clients_max = 1024;

// The users file: some people and scrapers.
inline constexpr std::size_t http_users_file_bytes_max = 64 * 1024;
inline constexpr std::size_t http_users_max = 100;

// Bodies below this are sent as they are: a packet is a packet.
inline constexpr std::size_t gzip_bytes_min = 1400;

// Plaintext that is encrypted and sent at once.
inline constexpr std::size_t http_write_bytes = 64 * 1024;

// How long a page about connections is cached for the next request. Less than people notice,
// and a client that asks in a loop costs the thread no more than two pages a second.
inline constexpr std::chrono::milliseconds http_answer_kept{500};

// The newest connections that /connections.json tells of, at about 1 KB each: a tenth of a second
// of the thread's time.
inline constexpr std::size_t connections_json_max = 10'000;

// The newest connections on the status page, which is for eyes.
inline constexpr std::size_t connections_on_page_max = 100;

// Access rules on the status page; of a larger file the metrics tell more.
inline constexpr std::size_t rules_on_page_max = 300;

// The past on the status page: half an hour, in steps of the server's housekeeping.
inline constexpr std::size_t history_samples_max = 900;

// Of a stored password. Each iteration is half a microsecond on the thread that checks it;
// PostgreSQL's default is 4096.
inline constexpr std::uint32_t http_password_iterations_max = 100'000;

} // namespace pgmoat::admin
