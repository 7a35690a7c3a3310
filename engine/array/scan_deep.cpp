// SPDX-License-Identifier: Apache-2.0
// Superblocks left behind: of an array the disk once belonged to, of a disk that was grown or
// copied to a larger one, of a partition that is no longer in the table.
#include "engine/array/scan_parts.h"
#include "engine/base/aligned_buffer.h"
#include "engine/metadata/metadata_format.h"

#include <algorithm>
#include <vector>

namespace bitmend {

namespace {

constexpr std::uint64_t kStep = 1 << 20;
constexpr std::uint64_t kEndBytes = 64 << 20;
constexpr std::uint64_t kAlignment1 = 4096;     // where mdadm puts 1.x
constexpr std::uint64_t kAlignment090 = 65'536; // counted from the device's start as well

struct ByteRange
{
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

std::vector<ByteRange> rangesOf(std::uint64_t size, ScanDepth depth)
{
    if (depth == ScanDepth::Whole || size <= 2 * kEndBytes)
        return {{0, size}};
    // The tail begins on a step, so that nothing straddles it.
    return {{0, kEndBytes}, {(size - kEndBytes) / kStep * kStep, size}};
}

void addPlaces(const SourceReport& report, Sectors begin, std::vector<std::uint64_t>& places)
{
    for (const auto& found : report.found)
        places.push_back((begin + found.superblock->location).bytes());
    for (const auto& source : report.partitions) {
        if (source.partition)
            addPlaces(source, begin + source.partition->range.begin, places);
    }
}

class DeepLook
{
public:
    DeepLook(const BlockSource& source, SourceReport& report) : m_source(source), m_report(report)
    {
        addPlaces(report, {}, m_known);
    }

    // `bytes` of the source at `offset`, and what is needed behind them for a superblock that
    // begins in the last sector.
    void search(std::uint64_t offset, std::span<const std::byte> bytes, std::size_t length)
    {
        for (std::size_t at = 0; at < length && at + kSectorBytes <= bytes.size();
            at += kSectorBytes) {
            for (const MetadataFormat* format : formats()) {
                if (format->hasMagic(bytes.subspan(at)))
                    examine(*format, offset + at, bytes.subspan(at));
            }
        }
    }

private:
    void examine(
        const MetadataFormat& format, std::uint64_t offset, std::span<const std::byte> bytes)
    {
        if (std::ranges::find(m_known, offset) != m_known.end())
            return;
        std::vector<std::byte> block(kSuperblockBytes);
        std::ranges::copy(bytes.first(std::min(bytes.size(), block.size())), block.begin());
        const Sectors deviceSize{m_source.sizeBytes() / kSectorBytes};
        const Sectors sector{offset / kSectorBytes};

        const bool old = &format == &formatOf(MetadataVersion::V0_90);
        auto decoded = format.decode(
            block, {old ? MetadataVersion::V0_90 : MetadataVersion::V1_0, sector}, deviceSize);
        if (!decoded)
            return;
        const Superblock& first = decoded->superblock;
        // The magic alone is four bytes that may occur by chance. Where md puts superblocks it is
        // believed even when the rest is damaged; elsewhere only with a matching checksum.
        const std::uint64_t alignment = old ? kAlignment090 : kAlignment1;
        if (offset % alignment != 0 && first.storedChecksum != first.computedChecksum)
            return;
        if (!old) {
            const auto version = versionBy(block, sector);
            if (version != MetadataVersion::V1_0)
                decoded = format.decode(block, {version, sector}, deviceSize);
        }
        FoundSuperblock found;
        found.problems = std::move(decoded->problems);
        found.superblock = std::make_shared<const Superblock>(std::move(decoded->superblock));
        found.leftBehind = true;
        m_report.found.push_back(std::move(found));
    }

    // 1.x does not store its minor version, but where it lay on the device it was written to: at
    // the start, behind 4 KiB, or near the end.
    static MetadataVersion versionBy(std::span<const std::byte> block, Sectors sector)
    {
        constexpr std::size_t kSuperOffset = 144;
        constexpr Sectors kAtFourKib{8};
        le64 offset;
        std::ranges::copy(block.subspan(kSuperOffset, sizeof offset),
            std::as_writable_bytes(std::span(&offset, 1)).begin());
        const std::uint64_t said = offset;
        if (said == 0 || sector.count == 0)
            return MetadataVersion::V1_1;
        return said == kAtFourKib.count ? MetadataVersion::V1_2 : MetadataVersion::V1_0;
    }

    const BlockSource& m_source;
    SourceReport& m_report;
    std::vector<std::uint64_t> m_known;
};

// Bad sectors hide what lies in them and nothing else.
void readWhatCanBe(const BlockSource& source, std::uint64_t offset, std::span<std::byte> to)
{
    if (source.readAt(offset, to))
        return;
    for (std::size_t at = 0; at < to.size(); at += kSuperblockBytes) {
        const auto part = to.subspan(at, std::min(kSuperblockBytes, to.size() - at));
        if (!source.readAt(offset + at, part))
            std::ranges::fill(part, std::byte{});
    }
}

} // namespace

bool lookDeeply(const BlockSource& source, ScanDepth depth, SourceReport& report, ScanTally& tally)
{
    const auto ranges = rangesOf(source.sizeBytes(), depth);
    for (const auto& range : ranges)
        tally.expect({(range.end - range.begin) / kSectorBytes});

    DeepLook look(source, report);
    AlignedBuffer buffer(kStep + kSuperblockBytes);
    for (const auto& range : ranges) {
        for (std::uint64_t at = range.begin; at < range.end; at += kStep) {
            if (!tally.keepGoing())
                return false;
            const auto length = std::size_t(std::min(kStep, range.end - at));
            const auto behind = std::size_t(
                std::min<std::uint64_t>(kSuperblockBytes, source.sizeBytes() - at - length));
            const auto bytes = buffer.first(length + behind);
            readWhatCanBe(source, at, bytes);
            look.search(at, bytes, length);
            tally.done({length / kSectorBytes});
        }
    }
    return true;
}

} // namespace bitmend
