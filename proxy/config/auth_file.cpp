#include "proxy/config/auth_file.h"

#include "proxy/config/limits.h"
#include "proxy/config/text.h"
#include "tls/scram_keys.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace pgmoat::config {
namespace {

// Takes a text in double quotes off the front; a doubled quote stands for one.
std::optional<std::string> take_quoted_text(std::string_view& text) {
    if (!text.starts_with('"')) return std::nullopt;
    std::string value;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"' && (i + 1 == text.size() || text[i + 1] != '"')) {
            text = trim(text.substr(i + 1));
            return value;
        }
        if (text[i] == '"') ++i;
        value += text[i];
    }
    return std::nullopt;
}

struct Entry {
    std::string user;
    std::string secret;
    bool old_format = false;
};

// Nothing: neither format.
std::optional<Entry> parse_line(std::string_view line) {
    if (line.starts_with('"')) {
        auto user = take_quoted_text(line);
        auto secret = user ? take_quoted_text(line) : std::nullopt;
        if (!secret || !line.empty()) return std::nullopt;
        return Entry{std::move(*user), std::move(*secret)};
    }
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !line.substr(colon + 1).starts_with("SCRAM-SHA-256$"))
        return std::nullopt;
    return Entry{std::string(line.substr(0, colon)), std::string(line.substr(colon + 1)), true};
}

// Returns what is wrong; no text repeats the secret.
std::string keep(Entry entry, ScramSecrets& secrets) {
    if (entry.user.empty()) return "user name is empty";
    auto secret = protocol::parse_scram_secret(entry.secret);
    if (!secret)
        return "the secret of user " + in_quotes(entry.user) + " is not a SCRAM-SHA-256 secret";
    if (secrets.contains(entry.user)) return "user " + in_quotes(entry.user) + " is listed twice";
    if (secrets.size() >= limits::auth_file_users_max)
        return "more than " + std::to_string(limits::auth_file_users_max) + " users";
    secrets.emplace(std::move(entry.user), std::move(*secret));
    return {};
}

std::string doubled_quotes(std::string_view text) {
    std::string result;
    for (const char c : text)
        result.append(c == '"' ? 2 : 1, c);
    return result;
}

} // namespace

protocol::ScramDigest mock_key_of(const ScramSecrets& secrets) {
    protocol::Bytes all;
    for (const auto& [user, secret] : secrets) {
        all.insert(all.end(), user.begin(), user.end());
        all.insert(all.end(), secret.server_key.begin(), secret.server_key.end());
    }
    constexpr std::string_view purpose = "pgmoat console: users that do not exist";
    return tls::hmac_sha256(protocol::as_bytes(purpose), all);
}

ScramSecrets parse_auth_file(std::string_view text, Location location, Problems& problems) {
    ScramSecrets secrets;
    bool warned = false;
    for (; !text.empty(); text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1)) {
        ++location.line;
        const std::string_view line = trim(text.substr(0, text.find('\n')));
        if (line.empty() || line[0] == ';' || line[0] == '#') continue;
        auto entry = parse_line(line);
        const bool old_format = entry && entry->old_format;
        const std::string wrong =
            entry ? keep(std::move(*entry), secrets) : R"(expected "user" "SCRAM-SHA-256$...")";
        if (!wrong.empty()) problems.error(wrong, location);
        if (old_format && !std::exchange(warned, true))
            problems.warning(
                "lines of the form user:secret are deprecated: write \"user\" \"secret\"",
                location);
    }
    return secrets;
}

ScramSecrets read_auth_file(const FileSource& source,
                            const std::string& file,
                            const std::string& setting,
                            Problems& problems) {
    const FileText content = source.read(file);
    if (content.text) return parse_auth_file(*content.text, {file, 0}, problems);
    problems.error("could not open " + setting + ": " + content.error, {file, 0});
    return {};
}

std::string auth_file_line(std::string_view user, const protocol::ScramSecret& secret) {
    return '"' + doubled_quotes(user) + "\" \"" + protocol::text_of(secret) + '"';
}

std::string
secret_file_problem(const std::string& file, const FileText::Access& access, unsigned own_uid) {
    if (access.owner != own_uid && access.owner != 0)
        return "file " + in_quotes(file) + " must be owned by the user pgmoat runs as, or root";
    const unsigned allowed = access.owner == own_uid && own_uid != 0 ? 0600 : 0640;
    if ((access.mode & ~allowed & 0777U) == 0) return {};
    return "file " + in_quotes(file) +
           " has group or world access: it must have permissions u=rw (0600) or less if owned by "
           "the user pgmoat runs as, or permissions u=rw,g=r (0640) or less if owned by root";
}

} // namespace pgmoat::config
