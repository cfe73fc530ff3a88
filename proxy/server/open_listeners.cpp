// Binding, with PostgreSQL's log texts (src/backend/libpq/pqcomm.c, ListenServerPort()).

#include "proxy/server/open_listeners.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

namespace pgmoat::server {

namespace {

std::string words(int error) {
    return std::generic_category().message(error);
}

struct AddressListDeleter {
    void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, AddressListDeleter>;

AddressList look_up(const std::string& name, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* list = nullptr;
    const bool all = name == "*";
    const int error =
        ::getaddrinfo(all ? nullptr : name.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (error != 0)
        throw BindError("could not translate host name \"" + name + "\", service \"" +
                        std::to_string(port) + "\" to address: " + ::gai_strerror(error));
    return AddressList(list);
}

std::string shown(const addrinfo& address, std::uint16_t port) {
    std::array<char, NI_MAXHOST> host{};
    (void)::getnameinfo(
        address.ai_addr, address.ai_addrlen, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST);
    return std::string(address.ai_family == AF_INET6 ? "IPv6" : "IPv4") + " address \"" +
           host.data() + "\", port " + std::to_string(port);
}

// This machine has no such address: not a mistake when a name has several, as localhost often has.
bool is_absent(int error) {
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

class Opener {
  public:
    Opener(const config::Config& config, std::vector<std::string>& notes)
        : config_(config), notes_(notes) {}

    std::vector<session::ListeningSocket> run() {
        for (std::size_t i = 0; i < config_.listeners.size(); ++i)
            open(i);
        return std::move(opened_);
    }

  private:
    void open(std::size_t index) {
        const config::Listener& listener = config_.listeners[index];
        const std::size_t before = opened_.size();
        for (const auto& name : listener.addresses) {
            const AddressList list = look_up(name, listener.port);
            for (const addrinfo* entry = list.get(); entry; entry = entry->ai_next)
                open_tcp(index, *entry, listener.port);
        }
        for (const auto& directory : listener.unix_directories)
            open_local(index, directory, listener.port);
        if (opened_.size() == before)
            throw BindError("could not create any socket for listener \"" + listener.name + "\"");
    }

    void open_tcp(std::size_t index, const addrinfo& address, std::uint16_t port) {
        const std::string name = shown(address, port);
        Descriptor socket(
            ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!socket) return leave_out_or_throw("could not create socket for " + name, errno);
        const int on = 1;
        (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        // An IPv6 socket is for IPv6 alone, as PostgreSQL's, so that families never mix in rules.
        if (address.ai_family == AF_INET6)
            (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        if (::bind(socket.get(), address.ai_addr, address.ai_addrlen) != 0)
            return leave_out_or_throw("could not bind " + name, errno);
        listen_on(std::move(socket), address.ai_family, index, name, "");
    }

    void open_local(std::size_t index, const std::string& directory, std::uint16_t port) {
        const std::string path = directory + "/.s.PGSQL." + std::to_string(port);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path)
            throw BindError("Unix-domain socket path \"" + path + "\" is too long (maximum " +
                            std::to_string(sizeof address.sun_path - 1) + " bytes)");
        std::memcpy(address.sun_path, path.data(), path.size());
        Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!socket) throw BindError("could not create socket \"" + path + "\": " + words(errno));

        const auto* name = reinterpret_cast<const sockaddr*>(&address);
        remove_stale(path, name, sizeof address);
        if (::bind(socket.get(), name, sizeof address) != 0)
            throw BindError("could not bind Unix address \"" + path + "\": " + words(errno));
        (void)::chmod(path.c_str(), 0777); // PostgreSQL's default of unix_socket_permissions
        listen_on(std::move(socket), AF_UNIX, index, "Unix socket \"" + path + "\"", path);
    }

    // A socket file that nobody listens on is left from a crash.
    static void remove_stale(const std::string& path, const sockaddr* name, socklen_t size) {
        const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (probe && ::connect(probe.get(), name, size) != 0 && errno == ECONNREFUSED)
            ::unlink(path.c_str());
    }

    void listen_on(Descriptor socket,
                   int family,
                   std::size_t index,
                   const std::string& name,
                   const std::string& path) {
        if (::listen(socket.get(), SOMAXCONN) != 0)
            throw BindError("could not listen on " + name + ": " + words(errno));
        opened_.push_back({std::move(socket), family, index, name, path});
    }

    void leave_out_or_throw(const std::string& what, int error) {
        if (!is_absent(error)) throw BindError(what + ": " + words(error));
        notes_.push_back(what + ": " + words(error));
    }

    const config::Config& config_;
    std::vector<std::string>& notes_;
    std::vector<session::ListeningSocket> opened_;
};

} // namespace

std::vector<session::ListeningSocket> open_listeners(const config::Config& config,
                                                     std::vector<std::string>& notes) {
    return Opener(config, notes).run();
}

} // namespace pgmoat::server
