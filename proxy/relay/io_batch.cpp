#include "proxy/relay/io_batch.h"

#include <functional>
#include <new>

namespace pgmoat::relay {

void IoBatch::enable() noexcept try {
    uring_.emplace(static_cast<unsigned>(slots));
    if (!uring_->usable()) return;
    received_.resize(slots);
    outgoing_.resize(slots);
    plaintext_ = std::make_unique_for_overwrite<Plaintext[]>(slots);
} catch (const std::bad_alloc&) { // a ring without its memory must not be used
    uring_.reset();
}

void IoBatch::want(LiveLeg& leg) noexcept {
    if (reading_ == slots) return;
    uring_->receive(leg.socket.get(), received_[reading_], reading_);
    readers_[reading_++] = &leg;
}

void IoBatch::receive() noexcept {
    if (reading_ == 0) return;
    uring_->perform(std::span(results_).first(reading_));
    for (std::size_t i = 0; i < reading_; ++i)
        readers_[i]->came(received_[i], results_[i]);
    reading_ = 0;
    deferring_ = uring_->usable();
}

std::vector<std::uint8_t>* IoBatch::outgoing_for(const LiveLeg& leg) noexcept {
    if (!deferring_ || leg.owes() || leg.has_deferred() || encrypted_ == slots) return nullptr;
    std::vector<std::uint8_t>& next = outgoing_[encrypted_];
    next.clear();
    return &next;
}

std::span<std::uint8_t> IoBatch::plaintext_for(const LiveLeg& leg) noexcept {
    if (!deferring_ || leg.owes() || leg.has_deferred() || decrypted_ == slots) return {};
    return plaintext_[decrypted_];
}

bool IoBatch::defer(LiveLeg& leg, std::span<const std::uint8_t> bytes) noexcept {
    if (!deferring_ || leg.owes() || leg.has_deferred() || writing_ == slots) return false;
    const bool encrypted = encrypted_ < slots && bytes.data() == outgoing_[encrypted_].data();
    const bool decrypted = decrypted_ < slots && bytes.data() == plaintext_[decrypted_].data();
    if (!encrypted && !decrypted && !received(bytes)) return false;
    if (encrypted) ++encrypted_;
    if (decrypted) ++decrypted_;
    leg.defer(bytes);
    writers_[writing_++] = &leg;
    return true;
}

void IoBatch::forget(const LiveLeg& leg) noexcept {
    for (std::size_t i = 0; i < writing_; ++i)
        if (writers_[i] == &leg) writers_[i] = nullptr;
}

void IoBatch::send() noexcept {
    deferring_ = false;
    std::size_t sends = 0;
    for (std::size_t i = 0; i < writing_; ++i) {
        LiveLeg* leg = writers_[i];
        const std::span<const std::uint8_t> bytes =
            leg ? leg->take_deferred() : std::span<const std::uint8_t>{};
        if (bytes.empty()) continue;
        writers_[sends] = leg;
        sent_[sends] = bytes;
        uring_->send(leg->socket.get(), bytes, sends++);
    }
    if (sends > 0) uring_->perform(std::span(results_).first(sends));
    for (std::size_t i = 0; i < sends; ++i)
        writers_[i]->deferred_sent(sent_[i], results_[i]);
    writing_ = encrypted_ = decrypted_ = 0;
}

// A total order over pointers, which `<` on unrelated ones is not.
bool IoBatch::received(std::span<const std::uint8_t> bytes) const noexcept {
    const std::less<const std::uint8_t*> before;
    const std::uint8_t* begin = received_.front().data();
    const std::uint8_t* end = begin + received_.size() * limits::batch_receive_bytes;
    return !before(bytes.data(), begin) && before(bytes.data(), end);
}

} // namespace pgmoat::relay
