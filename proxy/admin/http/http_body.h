// The body of an answer, which several answers may share, and its compressed form, which is made
// when it is first needed. For one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace pgmoat::admin {

class HttpBody {
  public:
    explicit HttpBody(std::string text) : text_(std::move(text)) {}

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    // Empty if compressing is not worth it, or if there is no memory.
    [[nodiscard]] const std::string& compressed();

  private:
    std::string text_;
    std::optional<std::string> compressed_;
};

using SharedBody = std::shared_ptr<HttpBody>;

} // namespace pgmoat::admin
