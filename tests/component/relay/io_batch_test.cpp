// The batch and its legs compared with a model: in whatever order bytes are deferred, sent, kept,
// flushed and finished, each socket gets the bytes that were given to its leg, once and in order.

#include "proxy/relay/io_batch.h"
#include "tests/component/relay/socket_faults.h"
#include "tests/support/catch.h"
#include "tests/support/relay_peer.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <memory>
#include <random>
#include <vector>

using namespace pgmoat;
using namespace pgmoat::test;

namespace {

// A leg, the far end of its socket, and the bytes that must arrive there.
struct Subject {
    std::unique_ptr<relay::LiveLeg> leg;
    Descriptor far;
    Bytes given;
    Bytes came;
};

Subject subject(int send_buffer) {
    auto [near, far] = unix_pair();
    for (const int socket : {near.get(), far.get()})
        ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
    ::setsockopt(near.get(), SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    relay::Leg leg;
    leg.socket = std::move(near);
    return {std::make_unique<relay::LiveLeg>(std::move(leg), metrics::Side::client),
            std::move(far),
            {},
            {}};
}

// The far end reads up to `most` bytes, and the leg is told that there is room again.
void read_some(Subject& subject, std::size_t most) {
    Bytes chunk(most);
    const ssize_t count = ::recv(subject.far.get(), chunk.data(), chunk.size(), 0);
    if (count <= 0) return;
    subject.came.insert(subject.came.end(), chunk.begin(), chunk.begin() + count);
    subject.leg->note(EPOLLOUT);
}

class Model {
  public:
    explicit Model(unsigned seed) : random_(seed), source_(seed) {
        batch_.enable();
        for (int i = 0; i < 5; ++i)
            subjects_.push_back(subject(i % 2 == 0 ? 4096 : 65536));
    }

    [[nodiscard]] bool usable() const { return batch_.usable(); }
    [[nodiscard]] std::size_t deferred_plaintexts() const { return deferred_plaintexts_; }

    // One turn of the loop: receive, let the channels work, send.
    void turn() {
        const std::uint8_t byte = 1;
        for (Subject& one : subjects_) {
            (void)::send(one.far.get(), &byte, 1, MSG_NOSIGNAL);
            if (batch_.usable()) batch_.want(*one.leg);
        }
        batch_.receive();
        for (int i = number(1, 24); i > 0; --i)
            step(subjects_[static_cast<std::size_t>(number(0, 4))]);
        for (Subject& one : subjects_)
            one.leg->keep_what_came();
        batch_.send();
        for (Subject& one : subjects_) {
            if (number(0, 2) == 0) read_some(one, static_cast<std::size_t>(number(1, 40'000)));
            if (one.leg->writable) CHECK(one.leg->flush() == 0);
        }
    }

    void finish() {
        for (Subject& one : subjects_) {
            for (int i = 0; i < 100'000 && one.came.size() < one.given.size(); ++i) {
                read_some(one, 65536);
                CHECK(one.leg->flush() == 0);
            }
            CHECK(one.leg->take_send_error() == 0);
            CHECK_FALSE(one.leg->owes());
            CHECK(same(one.came, one.given));
        }
    }

  private:
    int number(int least, int most) {
        return std::uniform_int_distribution<int>(least, most)(random_);
    }

    // What Flow does with one piece: encrypts or decrypts into the batch's memory if it offers
    // some.
    void step(Subject& one) {
        const Bytes piece =
            source_.next(static_cast<std::size_t>(number(1, number(0, 3) == 0 ? 70'000 : 300)));
        one.given.insert(one.given.end(), piece.begin(), piece.end());
        if (number(0, 1) == 0) {
            const std::span<std::uint8_t> plain = batch_.plaintext_for(*one.leg);
            if (plain.size() >= piece.size()) {
                std::copy(piece.begin(), piece.end(), plain.begin());
                CHECK(batch_.defer(*one.leg, plain.first(piece.size())));
                ++deferred_plaintexts_;
                return;
            }
        }
        std::vector<std::uint8_t>* room =
            number(0, 3) > 0 ? batch_.outgoing_for(*one.leg) : nullptr;
        std::vector<std::uint8_t> own;
        std::vector<std::uint8_t>& outgoing = room ? *room : own;
        outgoing.assign(piece.begin(), piece.end());
        if (batch_.defer(*one.leg, outgoing)) return;
        CHECK(one.leg->send(outgoing) == 0);
    }

    std::size_t deferred_plaintexts_ = 0;
    std::mt19937 random_;
    Pattern source_;
    relay::IoBatch batch_;
    std::vector<Subject> subjects_;
};

} // namespace

TEST_CASE("Deferred, kept and direct sends of a leg are one stream of bytes") {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        INFO("seed " << seed);
        const WithSocketFaults faults(
            {.seed = seed, .refused_submission = seed % 7 == 0 ? 9U : 0U});
        Model model(seed);
        const bool usable = model.usable();
        if (!usable) WARN("io_uring is not to be had here: nothing is deferred");
        for (int turn = 0; turn < 12; ++turn)
            model.turn();
        model.finish();
        CHECK((model.deferred_plaintexts() > 0) == usable);
    }
}
