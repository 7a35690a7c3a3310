// SPDX-License-Identifier: Apache-2.0
// A member is recognised with three small reads: the head holds 1.1 and 1.2, the tail 1.0 and 0.90.
#include "engine/array/assembly_parts.h"
#include "engine/array/scan_parts.h"
#include "engine/io/slice.h"
#include "engine/metadata/field_checks.h"
#include "engine/metadata/metadata_format.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace bitmend {

namespace {

constexpr std::size_t kHeadBytes = 8192;
constexpr std::size_t kBitmapHeaderBytes = 256;

using Head = std::array<std::byte, kHeadBytes>;
using Block = std::array<std::byte, kSuperblockBytes>;

bool hasText(std::span<const std::byte> bytes, std::size_t offset, std::string_view text)
{
    return bytes.size() >= offset + text.size() &&
           std::memcmp(bytes.data() + offset, text.data(), text.size()) == 0;
}

// Cheap, and never wrong in the direction that matters: without one of these there is no table.
bool mayHavePartitions(std::span<const std::byte> head)
{
    return hasText(head, 510, "\x55\xaa") || hasText(head, 512, "EFI PART") ||
           hasText(head, 4096, "EFI PART");
}

bool isBitmap(std::span<const std::byte> head) { return hasText(head, 0, "bitm"); }

// One member-sized source: a whole one, or a partition.
class Look
{
public:
    Look(const BlockSource& source, SourceReport& report) : m_source(source), m_report(report) {}

    Result<void> run()
    {
        m_headLength = std::size_t(std::min<std::uint64_t>(m_source.sizeBytes(), kHeadBytes));
        BM_TRY(m_source.readAt(0, std::span(m_head).first(m_headLength)));
        for (const MetadataFormat* format : formats()) {
            for (const auto& slot : format->slotsOn({m_source.sizeBytes() / kSectorBytes}))
                BM_TRY(lookAt(*format, slot));
        }
        return {};
    }

    std::span<const std::byte> head() const { return std::span(m_head).first(m_headLength); }

private:
    Result<void> lookAt(const MetadataFormat& format, SuperblockSlot slot)
    {
        Block block{};
        const std::uint64_t offset = slot.sector.bytes();
        if (offset >= m_source.sizeBytes())
            return {};
        const auto length =
            std::size_t(std::min<std::uint64_t>(kSuperblockBytes, m_source.sizeBytes() - offset));
        if (offset + length <= m_headLength) {
            std::copy_n(m_head.begin() + std::ptrdiff_t(offset), length, block.begin());
        } else {
            BM_TRY(m_source.readAt(offset, std::span(block).first(length)));
        }
        if (!format.hasMagic(block))
            return {};
        auto decoded = format.decode(block, slot, {m_source.sizeBytes() / kSectorBytes});
        if (decoded)
            add(std::move(*decoded));
        return {};
    }

    void add(DecodedSuperblock decoded)
    {
        FoundSuperblock found;
        found.problems = std::move(decoded.problems);
        found.superblock = std::make_shared<const Superblock>(std::move(decoded.superblock));
        const Superblock& superblock = *found.superblock;
        if (superblock.hasBitmap()) {
            auto bitmap = readBitmap(
                m_source, superblock, bitmapSyncSize(superblock, arraySizeBy(superblock)), false);
            if (bitmap) {
                found.bitmap = std::make_shared<const BitmapCopy>(std::move(*bitmap));
            } else {
                found.bitmapError = bitmap.error();
            }
        }
        addBadBlocks(found);
        m_report.found.push_back(std::move(found));
    }

    // Read by nobody without the log, the kernel least of all.
    void addBadBlocks(FoundSuperblock& found)
    {
        if (anyBars(found.problems))
            return;
        const Superblock& superblock = *found.superblock;
        auto blocks = readBadBlocks(m_source, superblock);
        if (blocks) {
            found.badBlocks = std::move(*blocks);
            return;
        }
        found.problems.push_back({ProblemCode::BadBlockLogUnreadable, Severity::KernelRefuses,
            "bblog_offset", std::int64_t(badBlockLogArea(superblock)->begin.bytes()), 0, 0});
    }

    const BlockSource& m_source;
    SourceReport& m_report;
    Head m_head{};
    std::size_t m_headLength = 0;
};

bool isRefused(const FoundSuperblock& found)
{
    return std::ranges::any_of(found.problems,
        [&](const Problem& problem) { return refusesMember(*found.superblock, problem); });
}

bool isAtTheEnd(const FoundSuperblock& found)
{
    return found.superblock->version == MetadataVersion::V0_90 ||
           found.superblock->version == MetadataVersion::V1_0;
}

// A superblock at the end of a disk may be that of its last partition, when both end in the same
// alignment unit: 0.90 does not say where it belongs. The recorded size does: it has to fit in
// front of the superblock, and of two that fit the partition leaves less unused. 1.x says where it
// lies, so the wrong one of the two is refused anyway.
void resolveAmbiguity(SourceReport& whole)
{
    for (auto& outer : whole.found) {
        for (auto& partition : whole.partitions) {
            const Sectors begin =
                partition.partition ? partition.partition->range.begin : Sectors{};
            for (auto& inner : partition.found) {
                const bool same = isAtTheEnd(outer) && isAtTheEnd(inner) &&
                                  begin + inner.superblock->location == outer.superblock->location;
                if (!same)
                    continue;
                const bool partitionWins = !isRefused(inner) || isRefused(outer);
                auto& loser = partitionWins ? outer : inner;
                loser.ambiguous = true;
                loser.likelier = partitionWins ? partition.path : whole.path;
            }
        }
    }
}

// True when this source as a whole is a member whose data begin at its first sector, so that a
// partition table there is the array's.
bool holdsArrayContent(const SourceReport& report)
{
    return std::ranges::any_of(report.found, [](const FoundSuperblock& found) {
        return isAtTheEnd(found) && !found.ambiguous && !isRefused(found) &&
               found.superblock->dataOffset.count == 0;
    });
}

Result<void> lookAtPartitions(const SourcePtr& source, SourceReport& report)
{
    for (auto& partition : BM_TRY(readPartitions(*source))) {
        SourceReport child;
        child.path = report.path + "#" + std::to_string(partition.number);
        child.sizeBytes = partition.range.length().bytes();
        if (partition.range.empty())
            continue;
        const auto part = slice(source, partition.range.begin.bytes(), child.sizeBytes, child.path);
        Look look(*part, child);
        const auto looked = look.run();
        if (!looked) {
            child.error = looked.error();
        } else if (child.found.empty()) {
            if (auto content = identifyContent(*part))
                child.content = std::move(*content);
        }
        child.partition = std::move(partition);
        report.partitions.push_back(std::move(child));
    }
    resolveAmbiguity(report);
    if (holdsArrayContent(report)) {
        report.partitionsAreContent = !report.partitions.empty();
        report.partitions.clear();
    }
    return {};
}

Result<void> look(const SourcePtr& source, SourceReport& report)
{
    Look whole(*source, report);
    BM_TRY(whole.run());
    if (report.found.empty() && isBitmap(whole.head())) {
        report.externalBitmap = BM_TRY(readBitmapFile(*source, nullptr));
        return {};
    }
    // A table whose head was lost has a copy at the end; worth a look only where nothing else is.
    if (report.found.empty() || mayHavePartitions(whole.head()))
        BM_TRY(lookAtPartitions(source, report));
    if (report.found.empty())
        report.content = BM_TRY(identifyContent(*source));
    return {};
}

} // namespace

void lookQuickly(const SourcePtr& source, SourceReport& report)
{
    const auto looked = look(source, report);
    if (!looked)
        report.error = looked.error();
}

Sectors arraySizeBy(const Superblock& superblock)
{
    const Personality* level = personality(superblock.level);
    return level == nullptr ? Sectors{} : level->arraySize(geometryOf(superblock));
}

Result<BitmapCopy> readBitmapFile(const BlockSource& source, const Superblock* superblock)
{
    if (superblock != nullptr) {
        return readBitmap(
            source, *superblock, bitmapSyncSize(*superblock, arraySizeBy(*superblock)), true);
    }

    if (source.sizeBytes() < kBitmapHeaderBytes)
        return fail(ErrorCode::BadBitmap, source.name(), 0);
    std::array<std::byte, kBitmapHeaderBytes> bytes{};
    BM_TRY(source.readAt(0, bytes));
    if (!isBitmap(bytes))
        return fail(ErrorCode::BadBitmap, source.name(), 0);
    // Nobody to compare with yet: an array that agrees with everything the header says.
    const BitmapHeader header = decodeBitmapHeader(bytes);
    Superblock agreeing;
    agreeing.arrayUuid = header.uuid;
    agreeing.events = header.events;
    agreeing.level = 1;
    agreeing.componentSize = header.syncSize;
    return readBitmap(source, agreeing, header.syncSize, true);
}

} // namespace bitmend
