#include "proxy/admin/http/http_body.h"

#include "proxy/admin/http/gzip.h"
#include "proxy/admin/limits.h"

namespace pgmoat::admin {

const std::string& HttpBody::compressed() {
    if (!compressed_) compressed_ = text_.size() < gzip_bytes_min ? "" : gzipped(text_);
    return *compressed_;
}

} // namespace pgmoat::admin
