// FrameWalker: finds every header once, buffers no body, and stops at an invalid length.
#include "protocol/frames.h"
#include "tests/support/catch.h"
#include "tests/support/cuts.h"
#include "tests/support/server_message_builders.h"

#include <string>

namespace pgmoat::tests {
namespace {

using protocol::FrameHeader;
using protocol::FrameWalker;

constexpr std::uint32_t length_max = 1'000;

// The types of the messages that the walker met, in order.
std::string types_in(FrameWalker& walker, const Cut& pieces) {
    std::string types;
    for (ByteView piece : pieces)
        while (const auto header = walker.next(piece))
            types.push_back(static_cast<char>(header->type));
    return types;
}

TEST_CASE("every message is met once however the stream is cut") {
    const Bytes stream = message('T', Bytes(40, 'x')) + message('D') + message('D', Bytes(7, 'D')) +
                         message('C', c_string("SELECT 2")) + ready_for_query();
    for (const Cut& cut : every_cut(stream)) {
        FrameWalker walker{length_max};
        CHECK(types_in(walker, cut) == "TDDCZ");
        CHECK(walker.between_frames());
    }
}

TEST_CASE("a header tells the type and the size of the body") {
    const Bytes stream = message('D', Bytes(300, 'x'));
    FrameWalker walker{length_max};
    ByteView rest{stream};
    const auto header = walker.next(rest);
    REQUIRE(header);
    CHECK(header->type == 'D');
    CHECK(header->length == 304);
    CHECK(header->body_bytes() == 300);
    CHECK(walker.body_left() == 300);
    CHECK(rest.size() == 300);
}

TEST_CASE("a header is encoded as it was read") {
    const Bytes stream = framed_as('D', 0x01020304);
    FrameWalker walker{UINT32_MAX};
    ByteView rest{stream};
    const auto header = walker.next(rest);
    REQUIRE(header);
    const auto encoded = header->encoded();
    CHECK(Bytes(encoded.begin(), encoded.end()) == stream);
}

TEST_CASE("the largest length that four bytes can say is counted down, not held") {
    FrameWalker walker{UINT32_MAX};
    const Bytes header = framed_as('d', UINT32_MAX);
    const Bytes megabyte(1'048'576, 'x');
    CHECK(types_in(walker, {header, megabyte, megabyte}) == "d");
    CHECK(walker.body_left() == UINT32_MAX - 4 - 2 * megabyte.size());
    CHECK_FALSE(walker.between_frames());
}

TEST_CASE("a length is accepted from the length word's own size to the bound") {
    struct Case {
        std::uint32_t length;
        bool accepted;
    };
    for (const auto& [length, accepted] : {Case{0, false},
                                           Case{3, false},
                                           Case{4, true},
                                           Case{length_max, true},
                                           Case{length_max + 1, false},
                                           Case{UINT32_MAX, false}}) {
        CAPTURE(length);
        FrameWalker walker{length_max};
        const Bytes header = framed_as('D', length);
        CHECK(types_in(walker, {header}) == (accepted ? "D" : ""));
        CHECK(walker.broken() != accepted);
    }
}

TEST_CASE("after a bad length nothing is taken for a message") {
    const Bytes stream = message('D') + framed_as('D', 3) + message('Z') + message('Z');
    for (const Cut& cut : every_cut(stream)) {
        FrameWalker walker{length_max};
        CHECK(types_in(walker, cut) == "D");
        CHECK(walker.broken());
        CHECK_FALSE(walker.between_frames());
    }
}

TEST_CASE("a body can be taken in parts instead of skipped") {
    const Bytes stream = message('S', bytes_of("abcdef")) + message('Z');
    FrameWalker walker{length_max};
    ByteView rest{stream};
    REQUIRE(walker.next(rest));
    const ByteView first = walker.take_body(rest, 2);
    CHECK(Bytes(first.begin(), first.end()) == bytes_of("ab"));
    const ByteView second = walker.take_body(rest);
    CHECK(Bytes(second.begin(), second.end()) == bytes_of("cdef"));
    CHECK(walker.take_body(rest).empty());
    CHECK(walker.next(rest)->type == 'Z');
}

TEST_CASE("a stream may end only between two messages") {
    const Bytes stream = message('S', bytes_of("ab"));
    for (std::size_t end = 0; end <= stream.size(); ++end) {
        FrameWalker walker{length_max};
        static_cast<void>(types_in(walker, {ByteView{stream}.first(end)}));
        CHECK(walker.between_frames() == (end == 0 || end == stream.size()));
    }
}

TEST_CASE("complete messages of one type are skipped together") {
    const Bytes stream =
        message('D', bytes_of("abc")) + message('D') + message('D', bytes_of("d")) + message('C');
    FrameWalker walker{length_max};
    ByteView rest{stream};
    REQUIRE(walker.next(rest));
    CHECK(walker.skip_alike(rest, 'D') == 2);
    CHECK(walker.next(rest)->type == 'C');

    for (std::size_t end = 0; end <= stream.size(); ++end) {
        FrameWalker cut{length_max};
        std::uint64_t skipped = 0;
        std::string types;
        for (ByteView piece : {ByteView{stream}.first(end), ByteView{stream}.subspan(end)})
            while (const auto header = cut.next(piece)) {
                types.push_back(static_cast<char>(header->type));
                skipped += cut.skip_alike(piece, 'D');
            }
        CHECK(types.size() + skipped == 4);
        CHECK(types.back() == 'C');
    }
}

TEST_CASE("a row of a bad length is left to be met") {
    FrameWalker walker{length_max};
    const Bytes stream = message('D') + framed_as('D', 3);
    ByteView rest{stream};
    REQUIRE(walker.next(rest));
    CHECK(walker.skip_alike(rest, 'D') == 0);
    CHECK_FALSE(walker.next(rest));
    CHECK(walker.broken());
}

TEST_CASE("unseen bytes leave a walker where it can go on if they were of the body") {
    FrameWalker walker{length_max};
    const Bytes stream = framed_as('D', 14);
    ByteView rest{stream};
    REQUIRE(walker.next(rest));
    CHECK(walker.skip_unseen(10));
    CHECK(walker.between_frames());
    CHECK(walker.skip_unseen(0));
    CHECK_FALSE(walker.skip_unseen(1));
}

} // namespace
} // namespace pgmoat::tests
