// SPDX-License-Identifier: Apache-2.0
#include "engine/array/live_bitmap.h"

#include "engine/base/assert.h"
#include "engine/base/log.h"
#include "engine/metadata/superblock.h"

#include <algorithm>
#include <bit>
#include <optional>

namespace bitmend {

namespace {

constexpr std::size_t kHeaderBytes = 256;
constexpr std::uint32_t kStateStale = 0x2;
constexpr std::uint32_t kStateWriteError = 0x4;
constexpr std::uint32_t kStateHostEndian = 0x8000;

std::uint64_t byteOf(std::uint64_t chunk) { return kHeaderBytes + chunk / 8; }

std::uint64_t roundedToSector(std::uint64_t bytes)
{
    return (bytes + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
}

std::byte maskOf(std::uint64_t chunk) { return std::byte{1} << (chunk % 8); }

// From the first place that gives these bytes. A place that fails is left for this read only: md
// asks it again for the next page.
Result<std::size_t> readFromAny(std::span<const BitmapPlace> places, std::uint64_t offset,
    std::span<std::byte> to, const std::string& array)
{
    Result<std::size_t> last = fail(ErrorCode::NotEnoughMembers, array);
    for (std::size_t i = 0; i < places.size(); ++i) {
        const auto read = places[i].source->readAt(places[i].byteOffset + offset, to);
        if (read)
            return i;
        last = std::unexpected(read.error());
        log(LogEvent::BitmapReadFailed, array, places[i].source->name());
    }
    return last;
}

} // namespace

LiveBitmap::LiveBitmap(BitmapHeader header, Sectors syncSize)
    : m_header(std::move(header))
    , m_syncSize(syncSize)
    , m_needed(bitmapChunks(syncSize, m_header.chunkBytes))
    , m_intent(m_needed.chunks)
{
    const auto pages = bitmapPages(m_needed.chunks);
    m_image.resize(pages * kBitmapPageBytes);
    m_pageDue.resize(pages);
}

Result<LiveBitmap> LiveBitmap::load(std::span<const BitmapPlace> places,
    const Superblock& reference, Sectors syncSize, const std::string& array)
{
    std::vector<std::byte> raw(kHeaderBytes);
    const std::size_t from = BM_TRY(readFromAny(places, 0, raw, array));
    const auto& place = places[from];
    const auto refused = fail(
        ErrorCode::BadBitmap, place.source->name(), static_cast<std::int64_t>(place.byteOffset));
    auto header = decodeBitmapHeader(raw);
    for (const auto& problem : checkBitmapHeader(header, reference, place.byteOffset)) {
        if (problem.severity != Severity::Note)
            return refused;
    }
    const auto bytes = bitmapBytes(bitmapChunks(syncSize, header.chunkBytes));
    const auto room = place.source->sizeBytes();
    const auto needed = place.isFile ? bytes : roundedToSector(bytes);
    if (place.byteOffset > room || needed > room - place.byteOffset)
        return refused;

    LiveBitmap bitmap(std::move(header), syncSize);
    for (std::uint64_t page = 0; page < bitmap.pages(); ++page) {
        const auto begin = page * kBitmapPageBytes;
        const auto length =
            std::min<std::uint64_t>(bitmap.page(page).size(), room - place.byteOffset - begin);
        BM_TRY(readFromAny(places, begin, std::span(bitmap.m_image).subspan(begin, length), array));
    }
    // Page 0 may have come from another member than the header that was checked.
    std::ranges::copy(raw, bitmap.m_image.begin());

    bitmap.m_wasStale =
        bitmap.m_header.events < reference.events || (bitmap.m_header.state & kStateStale) != 0;
    if (bitmap.m_wasStale)
        bitmap.fillWithOnes();
    const auto set = bitmap.bits();
    bitmap.m_set = set.count();
    bitmap.m_intent.adopt(set);
    log(LogEvent::BitmapRead, array, place.source->name(), bitmap.m_set, bitmap.m_header.events);

    if (bitmap.m_wasStale)
        bitmap.m_header.eventsCleared = reference.events;
    bitmap.m_header.state &= ~(kStateStale | kStateWriteError);
    if (bitmap.m_header.version == 3)
        bitmap.m_header.state |= kStateHostEndian;
    bitmap.m_header.syncSize = syncSize;
    return bitmap;
}

void LiveBitmap::fillWithOnes()
{
    std::fill(m_image.begin() + kHeaderBytes, m_image.end(), std::byte{0xff});
    std::ranges::fill(m_pageDue, kDue);
}

void LiveBitmap::setAll()
{
    fillWithOnes();
    const auto set = bits();
    m_set = set.count();
    m_intent.adopt(set);
}

Sectors LiveBitmap::neededSectors() const
{
    const auto whole = m_needed.count() * chunk().count;
    const bool lastNeeded = chunks() != 0 && isNeeded(chunks() - 1);
    return {whole - (lastNeeded ? chunks() * chunk().count - m_syncSize.count : 0)};
}

SectorRange LiveBitmap::sectors(ChunkRun chunks) const
{
    const auto end = Sectors{chunks.end * chunk().count};
    return {{chunks.begin * chunk().count}, std::min(end, m_syncSize)};
}

bool LiveBitmap::isSet(std::uint64_t chunk) const
{
    return (m_image[byteOf(chunk)] & maskOf(chunk)) != std::byte{};
}

BitmapBits LiveBitmap::bits() const
{
    BitmapBits bits(chunks());
    for (std::uint64_t chunk = 0; chunk < chunks(); chunk += 8) {
        const auto byte = std::to_integer<std::uint64_t>(m_image[byteOf(chunk)]);
        bits.words[chunk / 64] |= byte << (chunk % 64);
    }
    if (const auto tail = chunks() % 64; tail != 0)
        bits.words.back() &= (std::uint64_t{1} << tail) - 1;
    return bits;
}

void LiveBitmap::markNeeded(Sectors start)
{
    m_needed = bits();
    // The first chunk whose end is not before `start`; one that ends exactly there still counts.
    const auto first = start.count == 0 ? 0 : (start.count - 1) / chunk().count;
    for (std::uint64_t chunk = 0; chunk < std::min(first, chunks()); ++chunk)
        m_needed.clear(chunk);
}

ChunkRun LiveBitmap::nextNeeded(std::uint64_t from, std::uint64_t limit) const
{
    auto chunk = from;
    while (chunk < chunks()) {
        const auto word = m_needed.words[chunk / 64] >> (chunk % 64);
        if (word != 0) {
            chunk += static_cast<std::uint64_t>(std::countr_zero(word));
            break;
        }
        chunk = (chunk / 64 + 1) * 64;
    }
    if (chunk >= chunks())
        return {};
    ChunkRun run{chunk, chunk};
    while (run.end < chunks() && run.end - run.begin < limit && isNeeded(run.end))
        ++run.end;
    return run;
}

ChunkRun LiveBitmap::nextFading(std::uint64_t from) const
{
    const auto fades = [this](std::uint64_t chunk) {
        return isSet(chunk) && !isNeeded(chunk);
    };
    auto chunk = from;
    while (chunk < chunks() && !fades(chunk)) {
        const bool emptyByte = chunk % 8 == 0 && m_image[byteOf(chunk)] == std::byte{};
        chunk += emptyByte ? 8 : 1;
    }
    if (chunk >= chunks())
        return {};
    ChunkRun run{chunk, chunk};
    while (run.end < chunks() && fades(run.end))
        ++run.end;
    return run;
}

void LiveBitmap::set(std::uint64_t chunk)
{
    BM_ASSERT(chunk < m_needed.chunks);
    if (isSet(chunk))
        return;
    m_image[byteOf(chunk)] |= maskOf(chunk);
    m_pageDue[byteOf(chunk) / kBitmapPageBytes] |= kDue;
    ++m_set;
}

void LiveBitmap::clear(ChunkRun chunks, Pace pace)
{
    BM_ASSERT(chunks.end <= m_needed.chunks);
    for (auto chunk = chunks.begin; chunk < chunks.end; ++chunk) {
        m_needed.clear(chunk);
        if (!isSet(chunk))
            continue;
        m_image[byteOf(chunk)] &= ~maskOf(chunk);
        m_pageDue[byteOf(chunk) / kBitmapPageBytes] |= pace == Pace::Lazily ? kPending : kDue;
        --m_set;
    }
}

bool LiveBitmap::ripenPages()
{
    bool any = false;
    for (auto& page : m_pageDue) {
        if ((page & kPending) != 0)
            page = kDue;
        any |= page == kDue;
    }
    return any;
}

bool LiveBitmap::anyPageDue() const
{
    return std::ranges::any_of(m_pageDue, [](std::uint8_t page) { return (page & kDue) != 0; });
}

void LiveBitmap::setEventsCleared(std::uint64_t events)
{
    m_header.eventsCleared = events;
    encodeHeader();
    m_pageDue[0] |= kPending;
}

void LiveBitmap::markStale()
{
    m_header.state |= kStateStale;
    encodeHeader();
    m_pageDue[0] |= kDue;
}

void LiveBitmap::setEvents(std::uint64_t events)
{
    m_header.events = events;
    m_header.eventsCleared = std::min(m_header.eventsCleared, events);
    encodeHeader();
    m_pageDue[0] |= kDue;
}

void LiveBitmap::encodeHeader()
{
    const auto old = std::span<const std::byte>(m_image).first(kHeaderBytes);
    const auto bytes = encodeBitmapHeader(m_header, old);
    std::copy_n(bytes.begin(), kHeaderBytes, m_image.begin());
}

std::span<const std::byte> LiveBitmap::page(std::uint64_t page) const
{
    const auto begin = page * kBitmapPageBytes;
    const auto bytes = bitmapBytes(chunks()) - begin;
    return std::span<const std::byte>(m_image).subspan(
        begin, std::min<std::uint64_t>(roundedToSector(bytes), kBitmapPageBytes));
}

} // namespace bitmend
