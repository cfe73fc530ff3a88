// Binding, with PostgreSQL's log texts (src/backend/libpq/pqcomm.c, ListenServerPort()).

#include "proxy/server/open_listeners.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
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

std::string shown(const addrinfo& address, std::uint16_t port) {
    std::array<char, NI_MAXHOST> host{};
    (void)::getnameinfo(
        address.ai_addr, address.ai_addrlen, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST);
    return std::string(address.ai_family == AF_INET6 ? "IPv6" : "IPv4") + " address \"" +
           host.data() + "\", port " + std::to_string(port);
}

// As in PostgreSQL, a listener works with the sockets it got if it has at least one of each kind
// that is configured (TCP, Unix-domain). Those it did not get are noted.
class Opener {
  public:
    Opener(const config::Config& config,
           std::vector<std::string>& notes,
           HandedOverSockets& handed_over)
        : config_(config), notes_(notes), handed_over_(handed_over) {}

    std::vector<session::ListeningSocket> run() {
        for (std::size_t i = 0; i < config_.listeners.size(); ++i)
            open(i);
        return std::move(opened_);
    }

  private:
    void open(std::size_t index) {
        const config::Listener& listener = config_.listeners[index];
        open_each(index, "TCP/IP", listener.addresses, &Opener::open_name);
        open_each(index, "Unix-domain", listener.unix_directories, &Opener::open_local);
    }

    void open_each(std::size_t index,
                   const std::string& kind,
                   const std::vector<std::string>& names,
                   void (Opener::*open_one)(std::size_t, const std::string&)) {
        const std::size_t before = opened_.size();
        std::vector<std::string> failures;
        failures_ = &failures;
        for (const std::string& name : names)
            (this->*open_one)(index, name);
        if (!names.empty() && opened_.size() == before)
            throw BindError("could not create any " + kind + " sockets for listener \"" +
                            config_.listeners[index].name + "\": " + joined(failures));
        notes_.insert(notes_.end(), failures.begin(), failures.end());
    }

    static std::string joined(const std::vector<std::string>& texts) {
        std::string all;
        for (const std::string& text : texts)
            all += (all.empty() ? "" : "; ") + text;
        return all;
    }

    void open_name(std::size_t index, const std::string& name) {
        const std::uint16_t port = config_.listeners[index].port;
        const AddressList list = look_up(name, port);
        for (const addrinfo* entry = list.get(); entry; entry = entry->ai_next)
            open_tcp(index, *entry, port);
    }

    AddressList look_up(const std::string& name, std::uint16_t port) {
        addrinfo hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_flags = AI_PASSIVE;
        addrinfo* list = nullptr;
        const char* host = name == "*" ? nullptr : name.c_str();
        const int error = ::getaddrinfo(host, std::to_string(port).c_str(), &hints, &list);
        if (error == 0) return AddressList(list);
        failures_->push_back("could not translate host name \"" + name + "\", service \"" +
                             std::to_string(port) + "\" to address: " + ::gai_strerror(error));
        return nullptr;
    }

    void open_tcp(std::size_t index, const addrinfo& address, std::uint16_t port) {
        const std::string name = shown(address, port);
        if (auto taken = handed_over_.take(address.ai_addr, address.ai_addrlen); taken.socket)
            return listen_on({std::move(taken.socket), address.ai_family, index, name, {}, {}});
        Descriptor socket(
            ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!socket) return note("could not create socket for " + name, errno);
        const int on = 1;
        (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        // An IPv6 socket is for IPv6 only, as in PostgreSQL, so that rules see no mixed families.
        if (address.ai_family == AF_INET6)
            (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        if (::bind(socket.get(), address.ai_addr, address.ai_addrlen) != 0)
            return note("could not bind " + name, errno);
        listen_on({std::move(socket), address.ai_family, index, name, {}, {}});
    }

    void open_local(std::size_t index, const std::string& directory) {
        const std::string path =
            session::UnixSocketFile::path_in(directory, config_.listeners[index].port);
        const std::string shown_path = "Unix socket \"" + path + '"';
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path)
            throw BindError("Unix-domain socket path \"" + path + "\" is too long (maximum " +
                            std::to_string(sizeof address.sun_path - 1) + " bytes)");
        std::memcpy(address.sun_path, path.data(), path.size());
        const auto* name = reinterpret_cast<const sockaddr*>(&address);
        if (auto taken = handed_over_.take(name, sizeof address); taken.socket) {
            // Without a file of ours, the socket is the service manager's, and its file must stay.
            const std::string folder = taken.with_file ? directory : std::string();
            return listen_on({std::move(taken.socket), AF_UNIX, index, shown_path, {}, folder});
        }
        session::UnixSocketFile file;
        try {
            file = session::UnixSocketFile(directory, config_.listeners[index].port);
        } catch (const session::SocketFileError& error) {
            failures_->emplace_back(error.what());
            return;
        }
        Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!socket) return note("could not create socket \"" + path + "\"", errno);
        if (::bind(socket.get(), name, sizeof address) != 0)
            return note("could not bind Unix address \"" + path + "\"", errno);
        (void)::chmod(path.c_str(), 0777); // PostgreSQL's default of unix_socket_permissions
        listen_on({std::move(socket), AF_UNIX, index, shown_path, std::move(file), {}});
    }

    void listen_on(session::ListeningSocket socket) {
        if (::listen(socket.socket.get(), SOMAXCONN) != 0)
            return note("could not listen on " + socket.shown, errno);
        opened_.push_back(std::move(socket));
    }

    void note(const std::string& what, int error) {
        failures_->push_back(what + ": " + words(error));
    }

    const config::Config& config_;
    std::vector<std::string>& notes_;
    std::vector<std::string>* failures_ = nullptr; // of the listener being opened
    HandedOverSockets& handed_over_;
    std::vector<session::ListeningSocket> opened_;
};

} // namespace

std::vector<session::ListeningSocket> open_listeners(const config::Config& config,
                                                     std::vector<std::string>& notes,
                                                     HandedOverSockets& handed_over) {
    return Opener(config, notes, handed_over).run();
}

} // namespace pgmoat::server
