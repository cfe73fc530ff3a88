#include "proxy/config/setting_shows.h"

#include "proxy/config/draft.h"

namespace pgmoat::config {
namespace {

// The listener of listen_addresses and port; it shows as empty where there is none.
template <typename ShowListener>
std::string show_own(const Config& config, ShowListener show) {
    const Listener* const own = find_listener(config, default_name);
    return own == nullptr ? std::string() : show(*own);
}

} // namespace

std::string join(const std::vector<std::string>& elements) {
    std::string text;
    for (const std::string& element : elements)
        text += (text.empty() ? "" : ",") + element;
    return text;
}

std::string show_certificate_files(const Config& config) {
    std::vector<std::string> files;
    for (const tls::KeyPair& pair : config.tls.pairs)
        files.push_back(pair.certificate_file);
    return join(files);
}

std::string show_key_files(const Config& config) {
    std::vector<std::string> files;
    for (const tls::KeyPair& pair : config.tls.pairs)
        files.push_back(pair.key_file);
    return join(files);
}

std::string show_addresses(const Config& config) {
    return show_own(config, [](const Listener& own) { return join(own.addresses); });
}

std::string show_port(const Config& config) {
    return show_own(config, [](const Listener& own) { return std::to_string(own.port); });
}

std::string show_unix_directories(const Config& config) {
    return show_own(config, [](const Listener& own) { return join(own.unix_directories); });
}

std::string show_exempt_networks(const Config& config) {
    std::vector<std::string> texts;
    for (const Network& network : config.address_limits.exempt)
        texts.push_back(text_of(network));
    return join(texts);
}

} // namespace pgmoat::config
