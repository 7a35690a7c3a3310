// SPDX-License-Identifier: Apache-2.0
#include "engine/io/overlay.h"

#include "engine/base/aligned_buffer.h"
#include "engine/base/assert.h"
#include "engine/io/file_device.h"
#include "engine/io/holders.h"
#include "engine/io/overlay_log.h"

#include <array>
#include <mutex>
#include <optional>
#include <shared_mutex>

namespace bitmend {

namespace {

namespace fs = std::filesystem;

// Whole sectors around a byte range.
SectorRange sectorsAround(std::uint64_t offset, std::uint64_t length)
{
    return {{offset / kSectorBytes}, {(offset + length + kSectorBytes - 1) / kSectorBytes}};
}

Result<void> checkRange(const BlockSource& source, std::uint64_t offset, std::uint64_t length)
{
    const std::uint64_t size = source.sizeBytes();
    if (offset > size || length > size - offset)
        return fail(ErrorCode::ShortRead, source.name(), std::int64_t(std::min(offset, size)));
    return {};
}

using Read = Result<void> (BlockSource::*)(std::uint64_t, std::span<std::byte>) const;

// Each piece from the file that holds it: `fromBase` is how the base is read. What was written over
// it is recent, and in the cache.
Result<void> readPieces(const BlockSource& base, Read fromBase, const BlockSource& data,
    const std::vector<ExtentSet::Piece>& pieces, std::uint64_t offset, std::span<std::byte> to)
{
    for (const auto& piece : pieces) {
        const std::uint64_t end = std::min(piece.range.end.bytes(), offset + to.size());
        const std::uint64_t begin = std::max(piece.range.begin.bytes(), offset);
        const auto part = to.subspan(begin - offset, end - begin);
        BM_TRY(piece.isInside ? data.readAt(begin, part) : (base.*fromBase)(begin, part));
    }
    return {};
}

// Where the base has data and what lies over it. Data under an overlaid hole counts as well: that
// costs a look and no truth.
DataStretch nextDataOf(const BlockSource& base, const ExtentSet& extents, std::uint64_t offset)
{
    const auto inBase = base.nextData(offset);
    const auto over = extents.next({offset / kSectorBytes});
    const DataStretch inOverlay{
        std::max(over.begin.bytes(), offset), std::min(over.end.bytes(), base.sizeBytes())};
    if (inOverlay.empty())
        return inBase;
    return inBase.empty() || inOverlay.begin < inBase.begin ? inOverlay : inBase;
}

class Overlay final : public BlockDevice
{
public:
    Overlay(SourcePtr base, DevicePtr data, DevicePtr log, OverlayLogState state)
        : m_base(std::move(base))
        , m_data(std::move(data))
        , m_log(std::move(log))
        , m_state(std::move(state))
        , m_shown(m_state.extents)
    {
    }

    const std::string& name() const override { return m_base->name(); }
    std::uint64_t sizeBytes() const override { return m_base->sizeBytes(); }

    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        return read(&BlockSource::readAt, offset, to);
    }

    Result<void> readOnceAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        return read(&BlockSource::readOnceAt, offset, to);
    }

    Residence residence() const override { return m_base->residence(); }

    Result<void> writeAt(std::uint64_t offset, std::span<const std::byte> from) override
    {
        BM_TRY(checkRange(*this, offset, from.size()));
        if (from.empty())
            return {};
        const std::lock_guard lock(m_writeMutex);
        const SectorRange sectors = sectorsAround(offset, from.size());
        if (offset % kSectorBytes == 0 && from.size() % kSectorBytes == 0)
            return writeSectors(sectors, from);

        // The log knows whole sectors only, so those at the edges are completed first.
        AlignedBuffer whole(sectors.length().bytes());
        const std::uint64_t begin = sectors.begin.bytes();
        const auto inBase = std::min<std::uint64_t>(whole.size(), sizeBytes() - begin);
        BM_TRY(readAt(begin, whole.first(inBase)));
        std::ranges::copy(from, whole.span().subspan(offset - begin).begin());
        return writeSectors(sectors, whole.span());
    }

    Result<void> flush() override
    {
        const std::lock_guard lock(m_writeMutex);
        if (m_flushError)
            return std::unexpected(*m_flushError);
        if (!m_isDirty)
            return {};
        auto flushed = m_data->flush();
        if (flushed && !m_unlogged.empty())
            flushed = appendBatch(*m_log, m_state, m_unlogged.ranges());
        if (!flushed) {
            // After a failed fsync the kernel forgets what it could not write; trying again would
            // "succeed" without it. A full disk met while appending (that has an offset) is another
            // matter: the batch is tried again.
            const bool canRepeat =
                flushed.error().code == ErrorCode::NoSpace && flushed.error().offset >= 0;
            if (!canRepeat)
                m_flushError = flushed.error();
            return flushed;
        }
        m_unlogged.clear();
        m_isDirty = false;
        return {};
    }

    std::int64_t modifiedNanos() const override { return m_base->modifiedNanos(); }

    DataStretch nextData(std::uint64_t offset) const override
    {
        const std::shared_lock lock(m_shownMutex);
        return nextDataOf(*m_base, m_shown, offset);
    }

private:
    Result<void> read(Read fromBase, std::uint64_t offset, std::span<std::byte> to) const
    {
        BM_TRY(checkRange(*this, offset, to.size()));
        std::vector<ExtentSet::Piece> pieces;
        {
            const std::shared_lock lock(m_shownMutex);
            pieces = m_shown.split(sectorsAround(offset, to.size()));
        }
        return readPieces(*m_base, fromBase, *m_data, pieces, offset, to);
    }

    // Sectors that only the base shows so far come first: while they are written nothing visible
    // changes, and what is overlaid already has its space. So a full disk leaves all as it was.
    Result<void> writeSectors(SectorRange sectors, std::span<const std::byte> from)
    {
        const auto pieces = m_shown.split(sectors);
        for (const bool alreadyShown : {false, true}) {
            for (const auto& piece : pieces) {
                if (piece.isInside != alreadyShown)
                    continue;
                const std::uint64_t skip = (piece.range.begin - sectors.begin).bytes();
                const auto part = from.subspan(skip, piece.range.length().bytes());
                if (alreadyShown)
                    m_isDirty = true;
                BM_TRY(m_data->writeAt(piece.range.begin.bytes(), part));
            }
        }
        m_isDirty = true;
        for (const auto& piece : pieces) {
            if (!piece.isInside)
                m_unlogged.insert(piece.range);
        }
        const std::lock_guard lock(m_shownMutex);
        m_shown.insert(sectors);
        return {};
    }

    SourcePtr m_base;
    DevicePtr m_data;
    DevicePtr m_log;

    std::mutex m_writeMutex; // one write or flush at a time; guards what follows
    OverlayLogState m_state;
    ExtentSet m_unlogged;
    bool m_isDirty = false;
    std::optional<Error> m_flushError;

    mutable std::shared_mutex m_shownMutex; // m_shown changes with both mutexes held
    ExtentSet m_shown;
};

class OverlayView final : public BlockSource
{
public:
    OverlayView(SourcePtr base, SourcePtr data, ExtentSet extents)
        : m_base(std::move(base))
        , m_data(std::move(data))
        , m_extents(std::move(extents))
    {
    }

    const std::string& name() const override { return m_base->name(); }
    std::uint64_t sizeBytes() const override { return m_base->sizeBytes(); }

    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        return read(&BlockSource::readAt, offset, to);
    }

    Result<void> readOnceAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        return read(&BlockSource::readOnceAt, offset, to);
    }

    Residence residence() const override { return m_base->residence(); }

    std::int64_t modifiedNanos() const override { return m_base->modifiedNanos(); }

    DataStretch nextData(std::uint64_t offset) const override
    {
        return nextDataOf(*m_base, m_extents, offset);
    }

private:
    Result<void> read(Read fromBase, std::uint64_t offset, std::span<std::byte> to) const
    {
        BM_TRY(checkRange(*this, offset, to.size()));
        const auto pieces = m_extents.split(sectorsAround(offset, to.size()));
        return readPieces(*m_base, fromBase, *m_data, pieces, offset, to);
    }

    SourcePtr m_base;
    SourcePtr m_data;
    ExtentSet m_extents;
};

struct OverlayFiles
{
    fs::path data;
    fs::path log;
};

// Members of one array are often called the same in folders of their own (sda/image, sdb/image), so
// the name alone would not do: the whole path goes in as a number.
OverlayFiles filesOf(const BlockSource& base, const fs::path& folder)
{
    std::error_code error;
    auto whole = fs::weakly_canonical(base.name(), error);
    if (error)
        whole = fs::path(base.name()).lexically_normal();
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : whole.string())
        hash = (hash ^ std::uint8_t(c)) * 0x100000001b3;
    std::array<char, 17> digits{};
    for (std::size_t place = 0; place < 16; ++place)
        digits[place] = "0123456789abcdef"[(hash >> (60 - 4 * place)) & 0xf];
    const std::string stem = whole.filename().string() + "-" + digits.data();
    return {folder / (stem + ".data"), folder / (stem + ".log")};
}

std::uint64_t dataBytes(const BlockSource& base)
{
    return sectorsAround(0, base.sizeBytes()).end.bytes();
}

Result<void> checkBelongs(const OverlayLogState& state, const BlockSource& base)
{
    if (state.base != BM_TRY(identityOf(base)))
        return fail(ErrorCode::OverlayForeign, base.name());
    return {};
}

// The overlay of `base`, for reading; nothing when the folder has none that was ever begun.
struct Reading
{
    SourcePtr data;
    ExtentSet extents;
};

Result<std::optional<Reading>> openForReading(const BlockSource& base, const fs::path& folder)
{
    const auto files = filesOf(base, folder);
    std::error_code ignored;
    if (!fs::exists(files.log, ignored))
        return std::nullopt;
    const auto log = BM_TRY(openFile(files.log.string()));
    if (log->sizeBytes() < overlayLogBytes(0))
        return std::nullopt;
    auto state = BM_TRY(readOverlayLog(*log));
    if (!state.hasHeader)
        return std::nullopt;
    BM_TRY(checkBelongs(state, base));
    auto data = BM_TRY(openFile(files.data.string()));
    if (data->sizeBytes() < dataBytes(base))
        return fail(ErrorCode::OverlayDamaged, files.data.string());
    return Reading{std::move(data), std::move(state.extents)};
}

} // namespace

Result<DevicePtr> openOverlayOn(SourcePtr base, DevicePtr data, DevicePtr log)
{
    BM_ASSERT(data->sizeBytes() >= dataBytes(*base));
    BM_ASSERT(log->sizeBytes() >= overlayLogBytes(base->sizeBytes()));
    auto state = BM_TRY(readOverlayLog(*log));
    if (state.hasHeader) {
        BM_TRY(checkBelongs(state, *base));
    } else {
        state.base = BM_TRY(identityOf(*base));
        BM_TRY(startOverlayLog(*log, state.base));
        state.hasHeader = true;
    }
    BM_TRY(clearTornTail(*log, state));
    return std::make_shared<Overlay>(
        std::move(base), std::move(data), std::move(log), std::move(state));
}

Result<DevicePtr> openOverlay(SourcePtr base, const fs::path& folder)
{
    std::error_code error;
    fs::create_directories(folder, error);
    if (error)
        return fail(ErrorCode::CannotOpen, folder.string(), -1, error.value());
    const auto files = filesOf(*base, folder);
    auto log = BM_TRY(createFile(files.log.string(), overlayLogBytes(base->sizeBytes())));
    BM_TRY(lockFile(log->descriptor(), log->name(), LockKind::Writing));
    // Whoever writes to the base itself would pull it away from under what lies on it.
    if (base->descriptor() >= 0)
        BM_TRY(lockFile(base->descriptor(), base->name(), LockKind::Reading));
    auto data = BM_TRY(createFile(files.data.string(), dataBytes(*base)));
    return openOverlayOn(std::move(base), std::move(data), std::move(log));
}

Result<SourcePtr> viewThroughOverlay(SourcePtr base, const fs::path& folder)
{
    auto reading = BM_TRY(openForReading(*base, folder));
    if (!reading)
        return base;
    return std::make_shared<OverlayView>(
        std::move(base), std::move(reading->data), std::move(reading->extents));
}

Result<std::vector<SectorRange>> overlaidRanges(const BlockSource& base, const fs::path& folder)
{
    const auto reading = BM_TRY(openForReading(base, folder));
    return reading ? reading->extents.ranges() : std::vector<SectorRange>();
}

Result<void> applyOverlay(const BlockSource& base, const fs::path& folder, BlockDevice& copy)
{
    if (copy.sizeBytes() != base.sizeBytes()) {
        Error error{ErrorCode::BadGeometry, copy.name()};
        error.found = copy.sizeBytes();
        error.expected = base.sizeBytes();
        return std::unexpected(std::move(error));
    }
    const auto reading = BM_TRY(openForReading(base, folder));
    if (!reading)
        return {};
    AlignedBuffer buffer(std::size_t(1) << 20);
    for (const auto& range : reading->extents.ranges()) {
        const std::uint64_t end = std::min(range.end.bytes(), base.sizeBytes());
        for (std::uint64_t offset = range.begin.bytes(); offset < end; offset += buffer.size()) {
            const auto part = buffer.first(std::min<std::uint64_t>(buffer.size(), end - offset));
            BM_TRY(reading->data->readAt(offset, part));
            BM_TRY(copy.writeAt(offset, part));
        }
    }
    return copy.flush();
}

} // namespace bitmend
