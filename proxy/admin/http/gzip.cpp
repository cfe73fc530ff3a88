#include "proxy/admin/http/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cctype>

namespace pgmoat::admin {

namespace {

// Speed before size: it runs on a control thread.
constexpr int level = 1;
constexpr int window_bits_of_gzip = 15 + 16;
constexpr int memory_level = 8;

} // namespace

bool accepts_gzip(std::string_view accept_encoding) {
    std::string header(accept_encoding);
    header.erase(
        std::remove_if(header.begin(), header.end(), [](char c) { return c == ' ' || c == '\t'; }),
        header.end());
    std::transform(header.begin(), header.end(), header.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    std::string_view rest = header;
    while (!rest.empty()) {
        const std::string_view coding = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(coding.size() + 1, rest.size()));
        const std::string_view name = coding.substr(0, coding.find(';'));
        if (name != "gzip") continue;
        const std::string_view weight = coding.substr(name.size());
        return weight.find_first_not_of(";q=0.") != std::string_view::npos || weight.empty();
    }
    return false;
}

std::string gzipped(std::string_view text) {
    z_stream stream{};
    if (deflateInit2(
            &stream, level, Z_DEFLATED, window_bits_of_gzip, memory_level, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return {};
    std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
    // zlib only reads from next_in; its C interface has no const.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    out.resize(done ? stream.total_out : 0);
    (void)deflateEnd(&stream);
    return out;
}

} // namespace pgmoat::admin
