// SPDX-License-Identifier: Apache-2.0
// What a bit means in the first picture of an array, and what two pictures have in common.
#include "engine/array/assembly.h"
#include "engine/array/bitmap_frame.h"
#include "tests/support/expect.h"

using namespace bitmend;

namespace {

constexpr std::uint64_t kChunks = 100000;
constexpr std::uint32_t kChunkBytes = 65536;

Member member(int role, MemberState state, const std::vector<std::uint64_t>& bits)
{
    auto copy = std::make_shared<BitmapCopy>();
    copy->header.chunkBytes = kChunkBytes;
    copy->bits = BitmapBits(kChunks);
    for (const std::uint64_t bit : bits)
        copy->bits.set(bit);
    Member made;
    made.path = "disk-" + std::to_string(role) + ".img";
    made.role = role;
    made.state = state;
    made.bitmap = std::move(copy);
    made.bitmapIsEvidence = state == MemberState::InSync;
    return made;
}

// The first member's copy counts.
ArrayReport mirror(std::vector<Member> members, Sectors resyncOffset, ArrayBitmap bitmap = {})
{
    ArrayReport report;
    report.name = "web:data";
    report.geometry.level = 1;
    report.geometry.raidDisks = 2;
    report.events = 1041;
    report.resyncOffset = resyncOffset;
    bitmap.chunks = kChunks;
    bitmap.header.chunkBytes = kChunkBytes;
    bitmap.copy = members.front().bitmap;
    report.bitmap = std::move(bitmap);
    report.members = std::move(members);
    return report;
}

BitmapFramePtr frameOf(const ArrayReport& report) { return BitmapFrameBuilder(report).publish(); }

void unclean_setBitsAreDirty_andDisagreementShows()
{
    const auto frame = frameOf(mirror(
        {member(0, MemberState::InSync, {7, 8, 4711}), member(1, MemberState::InSync, {7, 8, 9})},
        Sectors{0}));
    EXPECT(frame->state(7) == ChunkState::Dirty);
    EXPECT(frame->state(4711) == ChunkState::Dirty);
    EXPECT(frame->state(9) == ChunkState::Differs);
    EXPECT(frame->state(10) == ChunkState::Clean);
    EXPECT(frame->members.size() == 2 && frame->members[1].set.test(9));
    EXPECT(frame->worst({0, kChunks - 1}) == ChunkState::Dirty);
    EXPECT(frame->mirrored && frame->arrayAddressed);
}

void clean_setBitsAreIgnored()
{
    const auto frame = frameOf(mirror(
        {member(0, MemberState::InSync, {7}), member(1, MemberState::InSync, {7})}, kMaxSector));
    EXPECT(frame->state(7) == ChunkState::Ignored);
    EXPECT(frame->in(ChunkState::Dirty).total() == 0);
}

void halfDoneResync_bitsBelowItsPositionAreIgnored()
{
    const auto frame = frameOf(
        mirror({member(0, MemberState::InSync, {1, 100}), member(1, MemberState::InSync, {1, 100})},
            Sectors{50 * kChunkBytes / 512}));
    EXPECT(frame->state(1) == ChunkState::Ignored);
    EXPECT(frame->state(100) == ChunkState::Dirty);
}

void degraded_bitsAreKeptForTheMemberThatReturns()
{
    ArrayBitmap bitmap;
    bitmap.header.eventsCleared = 1000;
    const auto frame =
        frameOf(mirror({member(0, MemberState::InSync, {5}), member(1, MemberState::Stale, {5, 6})},
            kMaxSector, bitmap));
    EXPECT(frame->state(5) == ChunkState::Dirty);
    EXPECT(frame->state(6) == ChunkState::Stale);
    EXPECT(!frame->members[1].evidence);
}

void idleSparesCopy_isShownButMeansNothing()
{
    const auto frame =
        frameOf(mirror({member(0, MemberState::InSync, {5}), member(1, MemberState::InSync, {5}),
                           member(-1, MemberState::Spare, {6})},
            Sectors{0}));
    EXPECT(frame->state(6) == ChunkState::Clean);
    EXPECT(!frame->members[2].evidence && frame->members[2].set.test(6));
}

void staleBitmap_everyChunkIsDue()
{
    ArrayBitmap bitmap;
    bitmap.stale = true;
    ArrayReport report =
        mirror({member(0, MemberState::InSync, {}), member(1, MemberState::InSync, {})}, Sectors{0},
            bitmap);
    EXPECT(frameOf(report)->in(ChunkState::Dirty).total() == kChunks);
    report.resyncOffset = kMaxSector;
    EXPECT(frameOf(report)->in(ChunkState::Ignored).total() == kChunks);
}

void arrayWithoutBitmap_givesAnEmptyFrame()
{
    ArrayReport report;
    report.name = "nas:2";
    const auto frame = frameOf(report);
    EXPECT(frame->chunks == 0 && !frame->nextRun(0) && !frame->previousRun(0));
}

void mark_movesAChunkFromStateToState()
{
    BitmapFrameBuilder builder(mirror({member(0, MemberState::InSync, {7})}, Sectors{0}));
    const auto before = builder.publish();
    builder.mark(7, 7, ChunkState::Syncing);
    EXPECT(before->state(7) == ChunkState::Dirty);
    builder.mark(7, 7, ChunkState::Done);
    builder.mark(50000, 50010, ChunkState::Bad);
    builder.setPagesDue(1, 1, true);
    const auto after = builder.publish();
    EXPECT(after->sequence == before->sequence + 1);
    EXPECT(after->state(7) == ChunkState::Done && after->in(ChunkState::Dirty).total() == 0);
    EXPECT(after->pageDue({30720, 30720}) && !after->pageDue({0, 30719}));

    const auto changes = changedChunks(*before, *after, Compare::States);
    EXPECT((changes == std::vector<ChunkRange>{{0, 63}, {30720, 63487}}));
    EXPECT(changedChunks(*after, *builder.publish(), Compare::StatesAndMembers).empty());
}

void runs_joinStatesThatNeedAttentionAndSkipWhatIsDone()
{
    BitmapFrameBuilder builder(mirror({member(0, MemberState::InSync, {})}, Sectors{0}));
    builder.mark(10, 19, ChunkState::Dirty);
    builder.mark(20, 24, ChunkState::Bad);
    builder.mark(500, 600, ChunkState::Done);
    builder.mark(kChunks - 1, kChunks - 1, ChunkState::Ignored);
    const auto frame = builder.publish();
    EXPECT((frame->nextRun(0) == ChunkRange{10, 24}));
    EXPECT((frame->nextRun(11) == ChunkRange{kChunks - 1, kChunks - 1}));
    EXPECT((frame->previousRun(kChunks - 2) == ChunkRange{10, 24}));
    EXPECT(!frame->previousRun(20));
    EXPECT(!frame->nextRun(kChunks));
}

void pagesOfTheBitmap_beginWithTheHeader()
{
    EXPECT((chunksOfPage(0, kChunks) == ChunkRange{0, 30719}));
    EXPECT((chunksOfPage(1, kChunks) == ChunkRange{30720, 63487}));
    EXPECT((chunksOfPage(3, kChunks) == ChunkRange{96256, kChunks - 1}));
    EXPECT(pageOfChunk(30719) == 0 && pageOfChunk(30720) == 1);
}

} // namespace

int main()
{
    unclean_setBitsAreDirty_andDisagreementShows();
    clean_setBitsAreIgnored();
    halfDoneResync_bitsBelowItsPositionAreIgnored();
    degraded_bitsAreKeptForTheMemberThatReturns();
    idleSparesCopy_isShownButMeansNothing();
    staleBitmap_everyChunkIsDue();
    arrayWithoutBitmap_givesAnEmptyFrame();
    mark_movesAChunkFromStateToState();
    runs_joinStatesThatNeedAttentionAndSkipWhatIsDone();
    pagesOfTheBitmap_beginWithTheHeader();
}
