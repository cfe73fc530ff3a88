#include "proxy/config/auth_file.h"

#include "proxy/config/limits.h"
#include "proxy/config/text.h"
#include "tls/scram_keys.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace pgmoat::config {
namespace {

// A text in double quotes, a doubled quote standing for one; taken off the front.
std::optional<std::string> take_quoted(std::string_view& text) {
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

// No text that is printed holds the secret.
std::string take_line(std::string_view line, ScramSecrets& secrets) {
    std::optional<std::string> user = take_quoted(line);
    const std::optional<std::string> text = user ? take_quoted(line) : std::nullopt;
    if (!text || !line.empty()) return R"(expected "user" "SCRAM-SHA-256$...")";
    if (user->empty()) return "user name is empty";
    auto secret = protocol::parse_scram_secret(*text);
    if (!secret) return "the secret of user " + in_quotes(*user) + " is no SCRAM-SHA-256 secret";
    if (secrets.contains(*user)) return "user " + in_quotes(*user) + " stands there twice";
    if (secrets.size() >= limits::auth_file_users_max)
        return "more than " + std::to_string(limits::auth_file_users_max) + " users";
    secrets.emplace(std::move(*user), std::move(*secret));
    return {};
}

} // namespace

protocol::ScramDigest mock_key_of(const ScramSecrets& secrets) {
    protocol::Bytes all;
    for (const auto& [user, secret] : secrets) {
        all.insert(all.end(), user.begin(), user.end());
        all.insert(all.end(), secret.server_key.begin(), secret.server_key.end());
    }
    constexpr std::string_view purpose = "pgmoat console: users that do not exist";
    return tls::hmac_sha256({reinterpret_cast<const std::uint8_t*>(purpose.data()), purpose.size()},
                            all);
}

ScramSecrets read_auth_file(const FileSource& source, const std::string& file, Problems& problems) {
    ScramSecrets secrets;
    const FileText content = source.read(file);
    if (!content.text) {
        problems.error("could not open console_auth_file: " + content.error, {file, 0});
        return secrets;
    }
    Location location{file, 0};
    for (std::string_view rest = *content.text; !rest.empty();) {
        ++location.line;
        const std::string_view line = trim(rest.substr(0, rest.find('\n')));
        rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1);
        if (line.empty() || line[0] == ';' || line[0] == '#') continue;
        const std::string wrong = take_line(line, secrets);
        if (!wrong.empty()) problems.error(wrong, location);
    }
    return secrets;
}

} // namespace pgmoat::config
