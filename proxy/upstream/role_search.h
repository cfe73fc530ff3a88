// Finding a server of a role without a health check, as libpq does: a client logs in to one host after
// the other, and each server says in the login what it is. A machine without IO.
//
//   target_session_attrs | a server fits that says              | and is tried first
//   ---------------------+--------------------------------------+----------------------------------
//   primary              | in_hot_standby=off                   | a known primary
//   read-write           | the same, and                        | a known primary
//                        | default_transaction_read_only=off    |
//   standby              | in_hot_standby=on                    | a known standby
//   read-only            | either one on                        | a known standby
//   prefer-standby       | in_hot_standby=on; when no host      | a known standby; then a known
//                        | does, any, in a second pass          | primary
//
// PostgreSQL says both since 14. A server that does not fits nothing: libpq asks older ones with a
// query of its own, which here would run in the client's session. Hosts whose role is not known come
// next, those that are known to be wrong last: what was learnt excludes none.
//
// Source: PostgreSQL 18, fe-connect.c, CONNECTION_CHECK_TARGET.
#pragma once

#include "protocol/login_observer.h"
#include "proxy/config/conninfo.h"
#include "proxy/runtime/host_roles.h"
#include "proxy/upstream/choose_hosts.h"
#include "proxy/upstream/reach.h"

#include <cstddef>
#include <string>
#include <vector>

namespace pgmoat::upstream {

class RoleSearch {
  public:
    // `all`: every host, and what else there is to know; at least one host. `known`: their roles.
    RoleSearch(Plan all,
               config::SessionAttrs wanted,
               std::vector<runtime::Role> known,
               Shuffle shuffle);

    // The hosts that are left, in their order. Not to be called when none is.
    [[nodiscard]] Plan plan() const;

    // A host of that plan was reached: it and those before it have had their turn.
    void reached(std::size_t host);
    // None of them was, for this reason. True: there is a second pass, and a plan.
    [[nodiscard]] bool not_reached(const GiveUp& gave_up);

    // What the server that was reached says of itself.
    void learn(const protocol::LoginFacts& login);
    [[nodiscard]] bool fits(const protocol::LoginFacts& login) const;
    // It is left, for this reason. True: there is another host to try.
    [[nodiscard]] bool leave(const std::string& why);
    // The same without leaving it.
    [[nodiscard]] bool has_more() const noexcept;

    // A login that only the client could make again stays where it is, if the role is but a wish.
    [[nodiscard]] bool is_wish() const noexcept;
    [[nodiscard]] bool has_choice() const noexcept { return all_.hosts.size() > 1; }
    // A server was left, or none fits.
    [[nodiscard]] bool has_left() const noexcept { return !detail_.empty(); }
    // What became of each host, for the log.
    [[nodiscard]] const std::string& detail() const noexcept { return detail_; }

  private:
    enum class Pass { only, first, second };

    void sort(config::SessionAttrs first);
    [[nodiscard]] bool begin_second_pass();
    void note(const std::string& what);

    Plan all_;
    config::SessionAttrs wanted_;
    std::vector<runtime::Role> roles_;
    Shuffle shuffle_;
    Pass pass_;
    std::vector<std::size_t> left_; // positions of hosts to be tried
    std::size_t current_ = 0;       // of the host that was reached
    std::string detail_;
};

// What a server said in a login: "is a standby". For the log.
[[nodiscard]] std::string role_text(const protocol::LoginFacts& login);
[[nodiscard]] runtime::Role role_in(const protocol::LoginFacts& login) noexcept;

} // namespace pgmoat::upstream
