#include "proxy/admin/console/portal.h"

#include "protocol/utf8.h"
#include "proxy/admin/console/types.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <string>
#include <utility>

namespace pgmoat::admin {

using config::in_quotes;
using protocol::Bytes;

SqlError bad_encoding() {
    return {"22021", "invalid byte sequence for encoding \"UTF8\""};
}

std::variant<std::vector<Cell>, SqlError> values_of(const protocol::Bind& bind,
                                                    const sql::Plan& plan) {
    const std::size_t count = bind.parameters.size();
    if (count != plan.parameters.size())
        return SqlError{"08P01",
                        "bind message supplies " + std::to_string(count) +
                            " parameters, but prepared statement " + in_quotes(bind.statement) +
                            " requires " + std::to_string(plan.parameters.size())};
    const auto& formats = bind.parameter_formats;
    if (formats.size() > 1 && formats.size() != count)
        return SqlError{"08P01",
                        "bind message has " + std::to_string(formats.size()) +
                            " parameter formats but " + std::to_string(count) + " parameters"};
    std::vector<Cell> values;
    for (std::size_t i = 0; i < count; ++i) {
        Cell value = bind.parameters[i];
        const bool binary = !formats.empty() && formats[formats.size() == 1 ? 0 : i] == 1;
        if (value && binary) {
            value = from_binary(plan.parameters[i], *value);
            if (!value)
                return SqlError{"22P03",
                                "incorrect binary data format in bind parameter " +
                                    std::to_string(i + 1)};
        }
        const bool usable =
            !value || (protocol::is_utf8(*value) && value->find('\0') == value->npos);
        if (!usable) return bad_encoding();
        values.push_back(std::move(value));
    }
    return values;
}

std::variant<std::vector<Format>, SqlError> formats_of(const protocol::Bind& bind,
                                                       const sql::Plan& plan) {
    const std::size_t codes = bind.result_formats.size();
    if (codes > 1 && codes != plan.columns.size())
        return SqlError{"08P01",
                        "bind message has " + std::to_string(codes) +
                            " result formats but query has " + std::to_string(plan.columns.size()) +
                            " columns"};
    std::vector<Format> formats;
    for (std::size_t i = 0; i < plan.columns.size() && codes > 0; ++i)
        formats.push_back(static_cast<Format>(bind.result_formats[codes == 1 ? 0 : i]));
    return formats;
}

void describe_rows(const PreparedStatement& prepared, std::span<const Format> formats, Bytes& out) {
    if (!prepared.is_query()) return protocol::append_bare(out, protocol::Bare::no_data);
    std::vector<protocol::ColumnDescription> columns;
    for (std::size_t i = 0; i < prepared.plan.columns.size(); ++i) {
        const sql::OutputColumn& column = prepared.plan.columns[i];
        const TypeRow& type = row_of(column.type);
        const Format format = i < formats.size() ? formats[i] : Format::text;
        columns.push_back({column.name,
                           type.oid,
                           static_cast<std::uint16_t>(type.size),
                           static_cast<std::uint16_t>(format)});
    }
    protocol::append_row_description(out, columns);
}

void send_row(const Portal& portal, Bytes& out) {
    const Row& row = portal.cursor->row();
    const bool text = std::ranges::count(portal.formats, Format::binary) == 0;
    if (text) return protocol::append_data_row(out, row);
    Row values = row;
    for (std::size_t i = 0; i < values.size(); ++i)
        if (values[i] && portal.formats[i] == Format::binary)
            values[i] = to_binary(portal.prepared->plan.columns[i].type, *values[i]);
    protocol::append_data_row(out, values);
}

} // namespace pgmoat::admin
