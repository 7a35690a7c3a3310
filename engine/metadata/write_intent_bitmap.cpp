// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/write_intent_bitmap.h"

#include "engine/base/assert.h"
#include "engine/base/popcount.h"
#include "engine/io/block_source.h"
#include "engine/metadata/bitmap_format.h"
#include "engine/metadata/field_checks.h"
#include "engine/metadata/superblock.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

namespace bitmend {

namespace {

using ondisk::BitmapSuperblock;

constexpr std::size_t kHeaderBytes = sizeof(BitmapSuperblock);
constexpr std::uint64_t kWordBits = 64;

// Which part of the bits page `page` holds, in bytes behind the header.
struct PagePart
{
    std::uint64_t firstByte = 0;
    std::size_t bytes = 0;
    std::size_t inPage = 0; // where it begins in the page
};

PagePart partOf(std::uint64_t page, std::uint64_t chunks)
{
    const std::uint64_t bitBytes = bitmapBytes(chunks) - kHeaderBytes;
    PagePart part;
    part.inPage = page == 0 ? kHeaderBytes : 0;
    part.firstByte = page == 0 ? 0 : page * kBitmapPageBytes - kHeaderBytes;
    const std::uint64_t rest = bitBytes - std::min(bitBytes, part.firstByte);
    part.bytes =
        static_cast<std::size_t>(std::min<std::uint64_t>(rest, kBitmapPageBytes - part.inPage));
    return part;
}

std::uint64_t loadLittle(const std::byte* from, std::size_t bytes)
{
    le64 word;
    std::memcpy(&word, from, bytes);
    return word;
}

// Parts begin at whole words: header and page are multiples of 8 bytes.
void mergeBits(BitmapBits& bits, const PagePart& part, std::span<const std::byte> page)
{
    auto* word = bits.words.data() + part.firstByte / sizeof(std::uint64_t);
    for (std::size_t at = 0; at < part.bytes; at += sizeof(std::uint64_t)) {
        const std::size_t length = std::min(sizeof(std::uint64_t), part.bytes - at);
        *word++ |= loadLittle(page.data() + part.inPage + at, length);
    }
}

void setBits(BitmapBits& bits, const PagePart& part)
{
    const std::uint64_t first = part.firstByte * 8;
    const std::uint64_t last = std::min(bits.chunks, first + part.bytes * 8);
    for (std::uint64_t chunk = first; chunk < last; ++chunk)
        bits.set(chunk);
}

void cutOff(BitmapBits& bits)
{
    const std::uint64_t inLastWord = bits.chunks % kWordBits;
    if (inLastWord != 0)
        bits.words.back() &= (std::uint64_t{1} << inLastWord) - 1;
}

bool has(const std::vector<Problem>& problems, ProblemCode code)
{
    return std::ranges::any_of(problems, [code](const auto& p) { return p.code == code; });
}

bool bitsCanBeTrusted(const std::vector<Problem>& problems)
{
    using enum ProblemCode;
    for (const auto code : {BitmapBadMagic, BitmapBadVersion, BitmapLockless, BitmapBadChunk,
             BitmapOfOtherArray, BitmapTruncated, BitmapBeyondDevice}) {
        if (has(problems, code))
            return false;
    }
    return true;
}

// One read of a member's bitmap, or of all its node bitmaps.
class BitmapReader
{
public:
    BitmapReader(const BlockSource& source, const Superblock& superblock, BitmapCopy& copy)
        : m_source(source)
        , m_superblock(superblock)
        , m_copy(copy)
    {
    }

    void checkSize(Sectors syncSize);
    void readBits(Sectors syncSize);

private:
    std::uint64_t nodeBytes() const;
    std::uint64_t nodes() const;
    void readNode(std::uint64_t offset);
    void checkNode(std::uint64_t offset);

    const BlockSource& m_source;
    const Superblock& m_superblock;
    BitmapCopy& m_copy;
    std::uint64_t m_chunks = 0;
};

std::uint64_t BitmapReader::nodes() const
{
    const auto& header = m_copy.header;
    const bool clustered = header.version == ondisk::BITMAP_MAJOR_CLUSTERED;
    return clustered ? std::max<std::uint64_t>(header.nodes, 1) : 1;
}

std::uint64_t BitmapReader::nodeBytes() const { return bitmapPages(m_chunks) * kBitmapPageBytes; }

// That all of it is there, and at a place where a bitmap can be. Nothing is allocated before.
void BitmapReader::checkSize(Sectors syncSize)
{
    const auto& header = m_copy.header;
    const auto& location = m_copy.location;
    m_chunks = bitmapChunks(syncSize, header.chunkBytes);

    FieldChecks checks(location.byteOffset);
    const std::uint64_t room = m_source.sizeBytes() - location.byteOffset;
    const std::uint64_t oneNode = bitmapBytes(m_chunks);
    // Node bitmaps are whole pages, except that nothing is needed behind the last one's bits.
    const bool fits = oneNode <= room && (room - oneNode) / nodeBytes() >= nodes() - 1;
    if (!fits) {
        checks.kernelRefuses(
            ProblemCode::BitmapTruncated, BM_FIELD(BitmapSuperblock, sync_size), room, oneNode);
    } else if (!location.external) {
        const std::uint64_t bytes = (nodes() - 1) * nodeBytes() + oneNode;
        const Sectors length{(bytes + kSectorBytes - 1) / kSectorBytes};
        checkBitmapPlace(checks, m_superblock, BM_FIELD(BitmapSuperblock, sync_size), length,
            {m_source.sizeBytes() / kSectorBytes});
    }
    if (header.syncSize != syncSize) {
        checks.note(ProblemCode::BitmapSizeDiffers, BM_FIELD(BitmapSuperblock, sync_size),
            header.syncSize.count, syncSize.count);
    }
    std::ranges::move(checks.take(), std::back_inserter(m_copy.problems));
}

void BitmapReader::readBits(Sectors syncSize)
{
    m_chunks = bitmapChunks(syncSize, m_copy.header.chunkBytes);
    m_copy.bits = BitmapBits(m_chunks);
    if (has(m_copy.problems, ProblemCode::BitmapForeignBits)) {
        std::ranges::fill(m_copy.bits.words, ~std::uint64_t{0});
    } else {
        for (std::uint64_t node = 0; node < nodes(); ++node) {
            const std::uint64_t offset = m_copy.location.byteOffset + node * nodeBytes();
            if (node != 0)
                checkNode(offset);
            readNode(offset);
        }
    }
    cutOff(m_copy.bits);
}

void BitmapReader::readNode(std::uint64_t offset)
{
    std::vector<std::byte> page(kBitmapPageBytes);
    for (std::uint64_t index = 0; index < bitmapPages(m_chunks); ++index) {
        const PagePart part = partOf(index, m_chunks);
        if (part.bytes == 0)
            continue;
        const std::uint64_t at = offset + index * kBitmapPageBytes;
        const auto to = std::span(page).first(part.inPage + part.bytes);
        if (m_source.readAt(at, to)) {
            mergeBits(m_copy.bits, part, page);
            continue;
        }
        setBits(m_copy.bits, part);
        m_copy.problems.push_back({ProblemCode::BitmapPageUnreadable, Severity::Note, "page",
            static_cast<std::int64_t>(at), index, 0});
    }
}

// A node whose header is no good does not get to know its bits, so nobody does.
void BitmapReader::checkNode(std::uint64_t offset)
{
    const auto raw = readStruct<BitmapSuperblock>(m_source, offset);
    if (!raw) {
        m_copy.problems.push_back({ProblemCode::BitmapPageUnreadable, Severity::Note, "page",
            static_cast<std::int64_t>(offset), 0, 0});
        return;
    }
    if (raw->magic != ondisk::BITMAP_MAGIC) {
        m_copy.problems.push_back({ProblemCode::BitmapBadMagic, Severity::KernelRefuses, "magic",
            static_cast<std::int64_t>(offset), raw->magic, ondisk::BITMAP_MAGIC});
    }
}

std::optional<std::uint64_t> internalOffset(const BlockSource& source, const Superblock& superblock)
{
    if (!superblock.hasBitmap())
        return std::nullopt;
    const auto place = placeAt(superblock.location, superblock.bitmapOffset, {1});
    if (!place || place->end.count > source.sizeBytes() / kSectorBytes)
        return std::nullopt;
    return place->begin.bytes();
}

} // namespace

std::uint64_t BitmapBits::count() const { return popcount(words); }

bool BitmapCopy::usable() const { return !anyBars(problems); }

Result<BitmapCopy> readBitmap(
    const BlockSource& source, const Superblock& superblock, Sectors syncSize, bool external)
{
    BitmapCopy copy;
    copy.location.external = external;
    if (!external) {
        const auto offset = internalOffset(source, superblock);
        if (!offset)
            return fail(ErrorCode::BadBitmap, source.name(), -1);
        copy.location.sectorsFromSuperblock = superblock.bitmapOffset;
        copy.location.byteOffset = *offset;
    }

    copy.raw.resize(kHeaderBytes);
    BM_TRY(source.readAt(copy.location.byteOffset, copy.raw));
    copy.header = decodeBitmapHeader(copy.raw);
    copy.problems = checkBitmapHeader(copy.header, superblock, copy.location.byteOffset);
    copy.stale = has(copy.problems, ProblemCode::BitmapMarkedStale) ||
                 has(copy.problems, ProblemCode::BitmapEventsBehind);

    BitmapReader reader(source, superblock, copy);
    if (bitsCanBeTrusted(copy.problems))
        reader.checkSize(syncSize);
    if (bitsCanBeTrusted(copy.problems))
        reader.readBits(syncSize);
    copy.dirty = copy.bits.count();
    return copy;
}

void encodeBitmapPage(const BitmapBits& bits, std::uint64_t page, std::span<std::byte> to)
{
    BM_ASSERT(to.size() == kBitmapPageBytes && page < bitmapPages(bits.chunks));
    const PagePart part = partOf(page, bits.chunks);
    std::ranges::fill(to.subspan(part.inPage), std::byte{});
    const auto* word = bits.words.data() + part.firstByte / sizeof(std::uint64_t);
    for (std::size_t at = 0; at < part.bytes; at += sizeof(std::uint64_t)) {
        const le64 value = *word++;
        std::memcpy(to.data() + part.inPage + at, &value, std::min(sizeof value, part.bytes - at));
    }
}

} // namespace bitmend
