#include "proxy/config/hosts_file.h"

#include "proxy/config/guc_value.h"
#include "proxy/config/limits.h"
#include "proxy/config/table_file.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <map>
#include <optional>

namespace pgmoat::config {
namespace {

constexpr std::string_view any_host = "*";
constexpr std::string_view no_server_name = "/no_sni/";

bool is_special(const std::string& name) {
    return name == any_host || name == no_server_name;
}

// The fields of a line, one after another. `error` is the first error.
class Fields {
  public:
    explicit Fields(const std::vector<TableField>& fields) : fields_(fields) {}

    std::vector<std::string> names() {
        std::vector<std::string> names;
        const TableField& field = fields_[next_++];
        for (const TableToken& token : field) {
            if (field.size() > 1 && is_special(token.text))
                fail("default and non-SNI entries cannot be mixed with other entries");
            names.push_back(lower_case(token.text));
        }
        return names;
    }

    std::string needed(const std::string& what) {
        if (!has_more()) fail("missing entry at end of line");
        return optional(what);
    }

    std::string optional(const std::string& what) {
        if (!has_more()) return {};
        const TableField& field = fields_[next_++];
        if (field.size() > 1) fail("multiple values specified for " + what);
        return field.front().text;
    }

    bool last_boolean() {
        if (!has_more()) return false;
        const TableField& field = fields_[next_++];
        if (has_more()) fail("extra fields at end of line");
        const std::optional<bool> value = parse_boolean(field.front().text);
        if (field.size() > 1 || !value)
            fail("incorrect syntax for boolean value SSL_passphrase_cmd_reload");
        return value.value_or(false);
    }

    std::string error;

  private:
    [[nodiscard]] bool has_more() const { return next_ < fields_.size(); }
    void fail(const std::string& text) {
        if (error.empty()) error = text;
    }

    const std::vector<TableField>& fields_;
    std::size_t next_ = 0;
};

std::optional<tls::HostSettings>
parse_line(const TableLine& line, const Location& location, Problems& problems) {
    if (!line.error.empty()) {
        problems.error(line.error, location);
        return std::nullopt;
    }
    Fields fields(line.fields);
    tls::HostSettings host;
    host.names = fields.names();
    tls::KeyPair pair;
    pair.certificate_file = fields.needed("SSL certificate");
    pair.key_file = fields.needed("SSL key");
    host.pairs = {pair};
    host.ca_file = fields.optional("SSL CA");
    host.passphrase_command = fields.optional("SSL passphrase command");
    host.passphrase_command_supports_reload = fields.last_boolean();
    if (fields.error.empty()) return host;
    problems.error(fields.error, location);
    return std::nullopt;
}

std::string duplicate(const std::string& name) {
    if (name == any_host) return "multiple default hosts specified";
    if (name == no_server_name) return "multiple no_sni hosts specified";
    return "multiple entries for host " + in_quotes(name) + " specified";
}

class HostsReader {
  public:
    explicit HostsReader(Problems& problems) : problems_(problems) {}

    void add(const TableLine& line) {
        const Location location{line.file, line.number};
        std::optional<tls::HostSettings> host = parse_line(line, location, problems_);
        if (std::find(result.files.begin(), result.files.end(), line.file) == result.files.end())
            result.files.push_back(line.file);
        if (!host) return;
        for (const std::string& name : host->names) {
            if (!lines_.try_emplace(name, line.number).second)
                problems_.error(duplicate(name), location);
        }
        if (lines_.size() > limits::host_names_max)
            too_many(location);
        else
            result.hosts.push_back(std::move(*host));
    }

    HostsFile result;

  private:
    void too_many(const Location& location) {
        if (complained_) return;
        complained_ = true;
        problems_.error("there are more than " + std::to_string(limits::host_names_max) +
                            " host names",
                        location);
    }

    Problems& problems_;
    std::map<std::string, unsigned> lines_; // the line of each name
    bool complained_ = false;
};

} // namespace

bool asks_for_certificate(const tls::ServerSettings& settings, const std::string& name) {
    if (settings.hosts.empty()) return !settings.ca_file.empty();
    std::string wanted = name.empty() ? std::string(no_server_name) : lower_case(name);
    // A client could send these words as a host name.
    if (!name.empty() && is_special(wanted)) wanted = any_host;
    const tls::HostSettings* found = nullptr;
    for (const tls::HostSettings& host : settings.hosts) {
        for (const std::string& one : host.names) {
            if (one == wanted) return !host.ca_file.empty();
            if (one == any_host) found = &host;
        }
    }
    return found != nullptr && !found->ca_file.empty();
}

HostsFile read_hosts_file(const std::string& path, const FileSource& source, Problems& problems) {
    HostsReader reader(problems);
    reader.result.files.push_back(path);
    if (source.read(path).missing) return std::move(reader.result);
    const std::size_t errors_before = problems.errors.size();
    const TableFile table = read_table_file(path, source);
    if (!table.error.empty()) problems.errors.push_back(table.error);
    for (const TableLine& line : table.lines)
        reader.add(line);
    if (problems.errors.size() > errors_before) {
        problems.errors.push_back("could not load \"pg_hosts.conf\": loading config from " +
                                  in_quotes(path) + " failed due to parsing error");
    }
    return std::move(reader.result);
}

} // namespace pgmoat::config
