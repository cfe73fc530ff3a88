#include "proxy/admin/console/sql/built_in.h"

#include "proxy/admin/console/sql/translate.h"

#include <utility>
#include <variant>

namespace pgmoat::admin::sql {

bool read(Call& call, Type type, const std::string& text, std::string& into) {
    auto checked = checked_value(text, type);
    if (auto* error = std::get_if<SqlError>(&checked)) {
        call.fail(std::move(*error));
        return false;
    }
    into = std::move(std::get<std::string>(checked));
    return true;
}

} // namespace pgmoat::admin::sql
