// SPDX-License-Identifier: Apache-2.0
#include "engine/io/overlay_log.h"

#include "engine/base/aligned_buffer.h"
#include "engine/base/crc32c.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace bitmend {

namespace {

using namespace ondisk;

constexpr std::size_t kWindow = std::size_t(64) << 10;
// A torn batch has no stretch of zeros this long, as every extent's end is above 0; behind one
// nothing of ours can follow.
constexpr std::uint64_t kZerosThatEnd = std::uint64_t(256) << 10;

constexpr std::uint64_t kHashedHead = std::uint64_t(64) << 10;
constexpr std::uint64_t kHashedTail = std::uint64_t(128) << 10;

std::uint64_t fnv1a64(std::span<const std::byte> bytes, std::uint64_t value)
{
    for (const std::byte byte : bytes)
        value = (value ^ std::uint64_t(byte)) * 0x100000001b3;
    return value;
}

std::unexpected<Error> damaged(const BlockSource& log, std::uint64_t offset)
{
    return fail(ErrorCode::OverlayDamaged, log.name(), std::int64_t(offset));
}

bool isZero(std::span<const std::byte> bytes)
{
    return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{}; });
}

struct Batch
{
    bool isGood = false;
    OverlayBatch head{};
    std::vector<SectorRange> extents;
    std::uint64_t end = 0;
};

Result<Batch> readBatch(const BlockSource& log, std::uint64_t offset)
{
    Batch batch;
    if (log.sizeBytes() - offset < sizeof(OverlayBatch))
        return batch;
    batch.head = BM_TRY(readStruct<OverlayBatch>(log, offset));
    const std::uint64_t first = offset + sizeof(OverlayBatch);
    const std::uint64_t count = batch.head.extents;
    // The head's own sum vouches for the count before anything of that size is read.
    if (batch.head.magic != kBatchMagic || batch.head.checksum != checksumOf(batch.head) ||
        count > (log.sizeBytes() - first) / sizeof(OverlayExtent))
        return batch;

    std::vector<OverlayExtent> window;
    std::uint32_t checksum = 0;
    for (std::uint64_t done = 0; done < count; done += window.size()) {
        window.resize(std::min<std::uint64_t>(kWindow / sizeof(OverlayExtent), count - done));
        const auto bytes = std::as_writable_bytes(std::span(window));
        BM_TRY(log.readAt(first + done * sizeof(OverlayExtent), bytes));
        checksum = crc32c(bytes, checksum);
        for (const auto& extent : window)
            batch.extents.push_back({{extent.begin}, {extent.end}});
    }
    batch.isGood = checksum == batch.head.extentsChecksum;
    batch.end = first + count * sizeof(OverlayExtent);
    return batch;
}

// Looks at what lies behind the last good batch: how far it reaches, and whether a later good batch
// is in it, which a power cut cannot leave.
Result<void> examineTail(const BlockSource& log, OverlayLogState& state)
{
    AlignedBuffer window(kWindow);
    std::uint64_t offset = state.end;
    std::uint64_t zerosSince = offset;
    while (offset < log.sizeBytes() && offset - zerosSince < kZerosThatEnd) {
        const auto bytes =
            window.first(std::min<std::uint64_t>(window.size(), log.sizeBytes() - offset));
        BM_TRY(log.readAt(offset, bytes));
        if (!isZero(bytes)) {
            zerosSince = offset + bytes.size();
            state.dirtyEnd = zerosSince;
            // Batches and extents are multiples of 16 bytes, so a head begins on one.
            for (std::size_t at = 0; at + sizeof(kBatchMagic) <= bytes.size(); at += 16) {
                le32 magic;
                std::memcpy(&magic, bytes.data() + at, sizeof magic);
                if (magic != kBatchMagic)
                    continue;
                const auto batch = BM_TRY(readBatch(log, offset + at));
                if (batch.isGood && batch.head.sequence > state.sequence)
                    return damaged(log, state.end);
            }
        }
        offset += bytes.size();
    }
    return {};
}

} // namespace

Result<BaseIdentity> identityOf(const BlockSource& base)
{
    const std::uint64_t size = base.sizeBytes();
    const std::uint64_t head = std::min(size, kHashedHead);
    const std::uint64_t tail = std::min(size - head, kHashedTail);
    AlignedBuffer buffer(head + tail);
    BM_TRY(base.readAt(0, buffer.first(head)));
    BM_TRY(base.readAt(size - tail, buffer.span().subspan(head)));
    return BaseIdentity{size, base.modifiedNanos(), fnv1a64(buffer.span(), 0xcbf29ce484222325)};
}

std::uint64_t overlayLogBytes(std::uint64_t baseBytes)
{
    // At worst every sector is overlaid by a flush of its own.
    const std::uint64_t sectors = (baseBytes + kSectorBytes - 1) / kSectorBytes;
    return kFirstBatch + sectors * (sizeof(OverlayBatch) + sizeof(OverlayExtent)) + 4096;
}

Result<OverlayLogState> readOverlayLog(const BlockSource& log)
{
    OverlayLogState state;
    const auto header = BM_TRY(readStruct<OverlayHeader>(log, 0));
    state.hasHeader = header.magic == kOverlayMagic && header.checksum == checksumOf(header);
    if (state.hasHeader && header.version != kOverlayVersion)
        return fail(ErrorCode::Unsupported, log.name(), 0);
    state.base = {header.baseBytes, header.baseModified, header.baseHash};

    while (state.hasHeader) {
        const auto batch = BM_TRY(readBatch(log, state.end));
        if (!batch.isGood)
            break;
        if (batch.head.sequence != state.sequence + 1)
            return damaged(log, state.end);
        const std::uint64_t sectors = (state.base.bytes + kSectorBytes - 1) / kSectorBytes;
        for (const auto& extent : batch.extents) {
            if (extent.empty() || extent.end.count > sectors)
                return damaged(log, state.end);
            state.extents.insert(extent);
        }
        state.sequence += 1;
        state.end = batch.end;
    }
    state.dirtyEnd = state.end;
    BM_TRY(examineTail(log, state));
    return state;
}

Result<void> startOverlayLog(BlockDevice& log, const BaseIdentity& base)
{
    OverlayHeader header{.magic = kOverlayMagic,
        .version = kOverlayVersion,
        .checksum = 0,
        .baseBytes = base.bytes,
        .baseModified = base.modified,
        .baseHash = base.hash};
    header.checksum = checksumOf(header);
    BM_TRY(log.writeAt(0, std::as_bytes(std::span(&header, 1))));
    return log.flush();
}

Result<void> clearTornTail(BlockDevice& log, OverlayLogState& state)
{
    const AlignedBuffer zeros(kWindow);
    if (state.dirtyEnd == state.end)
        return {};
    for (std::uint64_t offset = state.end; offset < state.dirtyEnd;) {
        const auto length = std::min<std::uint64_t>(zeros.size(), state.dirtyEnd - offset);
        BM_TRY(log.writeAt(offset, zeros.span().first(length)));
        offset += length;
    }
    BM_TRY(log.flush());
    state.dirtyEnd = state.end;
    return {};
}

Result<void> appendBatch(
    BlockDevice& log, OverlayLogState& state, const std::vector<SectorRange>& extents)
{
    std::vector<OverlayExtent> records;
    records.reserve(extents.size());
    for (const auto& extent : extents)
        records.push_back({extent.begin.count, extent.end.count});
    const auto recordBytes = std::as_bytes(std::span(records));

    OverlayBatch head{.magic = kBatchMagic,
        .checksum = 0,
        .sequence = state.sequence + 1,
        .extents = records.size(),
        .extentsChecksum = crc32c(recordBytes),
        .zero = 0};
    head.checksum = checksumOf(head);

    std::vector<std::byte> bytes(sizeof head + recordBytes.size());
    std::memcpy(bytes.data(), &head, sizeof head);
    std::memcpy(bytes.data() + sizeof head, recordBytes.data(), recordBytes.size());
    BM_TRY(log.writeAt(state.end, bytes));
    BM_TRY(log.flush());
    state.sequence += 1;
    state.end += bytes.size();
    state.dirtyEnd = state.end;
    return {};
}

} // namespace bitmend
