// SPDX-License-Identifier: Apache-2.0
// Frames for the tests and measurements of the heatmap.
#pragma once

#include "engine/array/assembly.h"
#include "engine/array/bitmap_frame.h"

namespace bitmend::test {

// A mirror of two members and a spare, nothing set. The members' copies have the frame's shape.
inline ArrayReport mirrorReport(std::uint64_t chunks, std::uint32_t chunkBytes)
{
    ArrayReport report;
    report.name = "web:data";
    report.geometry.level = 1;
    report.geometry.raidDisks = 2;
    report.events = 1041;
    report.resyncOffset = Sectors{0};
    report.bitmap.emplace();
    report.bitmap->chunks = chunks;
    report.bitmap->header.chunkBytes = chunkBytes;
    report.bitmap->header.eventsCleared = 1041;
    report.bitmap->header.syncSize = Sectors{chunks * chunkBytes / kSectorBytes};
    auto copy = std::make_shared<BitmapCopy>();
    copy->header = report.bitmap->header;
    copy->bits = BitmapBits(chunks);
    report.bitmap->copy = copy;

    auto superblock = std::make_shared<Superblock>();
    superblock->dataOffset = Sectors{264192};
    for (const char* path : {"/images/disk-a.img", "/images/disk-b.E01", "/images/spare.img"}) {
        Member member;
        member.path = path;
        member.role = report.members.size() < 2 ? int(report.members.size()) : -1;
        member.state = member.role >= 0 ? MemberState::InSync : MemberState::Spare;
        member.superblock = superblock;
        if (member.role >= 0)
            member.bitmap = copy;
        member.bitmapIsEvidence = member.role >= 0;
        report.members.push_back(std::move(member));
    }
    return report;
}

// Dirty in the picture and in both members' copies.
inline void markDirty(BitmapFrameBuilder& builder, std::uint64_t first, std::uint64_t last)
{
    builder.mark(first, last, ChunkState::Dirty);
    builder.setMemberBits(0, first, last, true);
    builder.setMemberBits(1, first, last, true);
}

// An array in the middle of a resync, with one of everything.
inline BitmapFrameBuilder resyncingArray()
{
    constexpr std::uint64_t kChunks = 29809;
    BitmapFrameBuilder builder(mirrorReport(kChunks, 64U << 20));
    for (const std::uint64_t first : {2300, 2950, 4400, 6200, 10900, 12300})
        builder.mark(first, first + (first % 4 == 0 ? 320U : 20U), ChunkState::Done);
    builder.mark(14300, 14301, ChunkState::Syncing);
    for (const std::uint64_t first : {14900, 17000, 19800, 20300, 27500})
        markDirty(builder, first, first + first % 90);
    markDirty(builder, 18700, 18999);
    markDirty(builder, 16660, 16660);
    builder.mark(24000, 24030, ChunkState::Bad);
    builder.setMemberBits(0, 22000, 22040, true);
    builder.mark(22000, 22040, ChunkState::Differs);
    builder.setPagesDue(0, 0, true);
    builder.setSyncPosition(14300);
    return builder;
}

} // namespace bitmend::test
