// SPDX-License-Identifier: Apache-2.0
#include "engine/array/as_scanned.h"

#include "engine/array/array_state.h"

namespace bitmend {

namespace {

std::shared_ptr<const Superblock> asIfStopped(const ArrayState& state, const ArrayMember& member)
{
    if (!state.isDirty || !member.hasRole())
        return member.superblock;
    auto stopped = *member.superblock;
    stopped.resyncOffset = state.resyncOffset;
    return std::make_shared<const Superblock>(std::move(stopped));
}

} // namespace

ScanReport asScanned(const ArrayState& state)
{
    ScanReport report;
    const auto add = [&report](const std::string& path, const SourcePtr& source,
                         std::shared_ptr<const Superblock> superblock,
                         std::shared_ptr<const BitmapCopy> bitmap, BadBlocks badBlocks,
                         std::vector<Problem> problems) {
        SourceReport found;
        found.path = path;
        found.sizeBytes = source ? source->sizeBytes() : 0;
        auto& there = found.found.emplace_back();
        there.superblock = std::move(superblock);
        there.bitmap = std::move(bitmap);
        there.badBlocks = std::move(badBlocks);
        there.problems = std::move(problems);
        report.sources.push_back(std::move(found));
    };

    for (const auto& member : state.members) {
        std::shared_ptr<const BitmapCopy> copy;
        if (member.superblock->hasBitmap()) {
            auto read = readBitmap(*member.source, *member.superblock,
                bitmapSyncSize(*member.superblock, state.arraySize), false);
            if (read)
                copy = std::make_shared<const BitmapCopy>(std::move(*read));
        }
        add(member.path, member.source, asIfStopped(state, member), std::move(copy),
            member.bad ? member.bad->ranges() : BadBlocks(), {});
    }
    if (state.bitmapFile) {
        auto read = readBitmap(*state.bitmapFile->device, *state.reference,
            bitmapSyncSize(*state.reference, state.arraySize), true);
        report.externalBitmapPath = state.bitmapFile->path;
        if (read)
            report.externalBitmap = std::make_shared<const BitmapCopy>(std::move(*read));
    }
    for (const auto& member : state.plan.array.members) {
        if (!state.member(member.path) && member.superblock) {
            add(member.path, nullptr, member.superblock, member.bitmap, member.badBlocks,
                member.problems);
        }
    }
    return report;
}

} // namespace bitmend
