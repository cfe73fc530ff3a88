#include "proxy/hba/parse/hba_line.h"

#include "proxy/config/text.h"
#include "proxy/hba/parse/hba_options.h"
#include "proxy/hba/parse/names.h"
#include "proxy/hba/parse/own_options.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pgmoat::hba {
namespace {

using config::in_quotes;
using config::TableField;
using config::TableLine;
using config::TableToken;

constexpr RecordType record_types[] = {RecordType::local,
                                       RecordType::host,
                                       RecordType::hostssl,
                                       RecordType::hostnossl,
                                       RecordType::hostgssenc,
                                       RecordType::hostnogssenc};

constexpr Method methods[] = {Method::trust,
                              Method::reject,
                              Method::scram_sha_256,
                              Method::md5,
                              Method::password,
                              Method::gss,
                              Method::sspi,
                              Method::ident,
                              Method::peer,
                              Method::ldap,
                              Method::radius,
                              Method::cert,
                              Method::pam,
                              Method::bsd,
                              Method::oauth};

// glibc's text for EAI_NONAME.
constexpr const char* no_such_name = "Name or service not known";

template <typename Value, std::size_t size>
std::optional<Value> named(const Value (&values)[size], const std::string& word) {
    for (const Value value : values)
        if (word_of(value) == word) return value;
    return std::nullopt;
}

class LineParser {
  public:
    LineParser(const TableLine& line, const HbaContext& context) : line_(line), context_(context) {}
    std::variant<Rule, LineError> parse();

  private:
    // Each consumes its fields, or returns what is wrong with them.
    Complaint take_type();
    Complaint take_databases();
    Complaint take_users();
    Complaint take_address();
    Complaint take_range(const TableToken& token);
    Complaint take_mask(const NetAddress& base);
    Complaint take_method();
    Complaint check_method();
    Complaint take_options();
    Complaint take_one_option(const std::string& text);

    // The next field; null at the end of the line.
    const TableField* next() {
        return next_field_ < line_.fields.size() ? &line_.fields[next_field_++] : nullptr;
    }

    const TableLine& line_;
    const HbaContext& context_;
    std::size_t next_field_ = 0;
    Rule rule_;
};

std::variant<Rule, LineError> LineParser::parse() {
    rule_.file = line_.file;
    rule_.line = line_.number;
    rule_.text = line_.text;
    for (const auto step : {&LineParser::take_type,
                            &LineParser::take_databases,
                            &LineParser::take_users,
                            &LineParser::take_address,
                            &LineParser::take_method,
                            &LineParser::check_method,
                            &LineParser::take_options}) {
        if (auto wrong = (this->*step)()) return *wrong;
    }
    if (auto wrong = check_options(rule_)) return *wrong;
    if (rule_.method == Method::cert) rule_.client_cert = ClientCert::verify_full;
    return std::move(rule_);
}

Complaint LineParser::take_type() {
    const TableField& field = *next();
    if (field.size() > 1) {
        return complaint("multiple values specified for connection type",
                         "Specify exactly one connection type per line.");
    }
    const auto type = named(record_types, field[0].text);
    if (!type) return complaint("invalid connection type " + in_quotes(field[0].text));
    rule_.type = *type;
    return {};
}

Complaint LineParser::take_databases() {
    const TableField* field = next();
    if (field == nullptr) return complaint("end-of-line before database specification");
    for (const TableToken& token : *field) {
        auto name = parse_database(token);
        if (auto* wrong = std::get_if<LineError>(&name)) return std::move(*wrong);
        rule_.databases.push_back(std::get<NameMatch>(std::move(name)));
    }
    return {};
}

Complaint LineParser::take_users() {
    const TableField* field = next();
    if (field == nullptr) return complaint("end-of-line before role specification");
    for (const TableToken& token : *field) {
        auto name = parse_user(token);
        if (auto* wrong = std::get_if<LineError>(&name)) return std::move(*wrong);
        rule_.users.push_back(std::get<NameMatch>(std::move(name)));
    }
    return {};
}

Complaint LineParser::take_address() {
    if (rule_.type == RecordType::local) return {};
    const TableField* field = next();
    if (field == nullptr) return complaint("end-of-line before IP address specification");
    if (field->size() > 1) {
        return complaint("multiple values specified for host address",
                         "Specify one address range per line.");
    }
    const TableToken& token = field->front();
    rule_.address_text = token.text;
    if (!token.quoted && token.text == "all")
        rule_.address = AnyAddress{};
    else if (!token.quoted && token.text == "samehost")
        rule_.address = SameHost{};
    else if (!token.quoted && token.text == "samenet")
        rule_.address = SameNet{};
    else
        return take_range(token);
    return {};
}

Complaint LineParser::take_range(const TableToken& token) {
    const std::size_t slash = token.text.find('/');
    const auto base = numeric_address(token.text.substr(0, slash));
    if (slash == std::string::npos) {
        if (base) return take_mask(*base);
        rule_.address = HostName{token.text};
        return {};
    }
    if (!base) {
        return complaint("specifying both host name and CIDR mask is invalid: " +
                         in_quotes(token.text));
    }
    const auto mask = cidr_mask(token.text.substr(slash + 1), base->family);
    if (!mask) return complaint("invalid CIDR mask in address " + in_quotes(token.text));
    rule_.address = AddressRange{*base, *mask};
    return {};
}

Complaint LineParser::take_mask(const NetAddress& base) {
    const TableField* field = next();
    if (field == nullptr) {
        return complaint("end-of-line before netmask specification",
                         "Specify an address range in CIDR notation, or provide a separate "
                         "netmask.");
    }
    if (field->size() > 1) return complaint("multiple values specified for netmask");
    const std::string& text = field->front().text;
    const auto mask = numeric_address(text);
    if (!mask) return complaint("invalid IP mask " + in_quotes(text) + ": " + no_such_name);
    if (mask->family != base.family) return complaint("IP address and mask do not match");
    rule_.address = AddressRange{base, *mask};
    rule_.address_text += " " + text;
    return {};
}

Complaint LineParser::take_method() {
    const TableField* field = next();
    if (field == nullptr) return complaint("end-of-line before authentication method");
    if (field->size() > 1) {
        return complaint("multiple values specified for authentication type",
                         "Specify exactly one authentication type per line.");
    }
    const std::string& word = field->front().text;
    const auto method = named(methods, word);
    if (!method) return complaint("invalid authentication method " + in_quotes(word));
    rule_.method = *method;
    return {};
}

Complaint LineParser::check_method() {
    const bool is_local = rule_.type == RecordType::local;
    if (is_local && rule_.method == Method::ident) rule_.method = Method::peer;
    if (is_local && rule_.method == Method::gss)
        return complaint("gssapi authentication is not supported on local sockets");
    if (!is_local && rule_.method == Method::peer)
        return complaint("peer authentication is only supported on local sockets");
    if (rule_.type != RecordType::hostssl && rule_.method == Method::cert)
        return complaint("cert authentication is only supported on hostssl connections");
    return {};
}

Complaint LineParser::take_options() {
    while (const TableField* field = next())
        for (const TableToken& token : *field)
            if (auto wrong = take_one_option(token.text)) return wrong;
    return {};
}

Complaint LineParser::take_one_option(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos)
        return complaint("authentication option not in name=value format: " + text);
    const std::string name = text.substr(0, equals);
    const std::string value = text.substr(equals + 1);
    auto wrong = is_own_option(name) ? take_own_option(rule_, context_, name, value)
                                     : take_option(rule_, name, value);
    if (!wrong) rule_.options.emplace_back(name, value);
    return wrong;
}

} // namespace

std::variant<Rule, LineError> parse_hba_line(const TableLine& line, const HbaContext& context) {
    return LineParser(line, context).parse();
}

} // namespace pgmoat::hba
