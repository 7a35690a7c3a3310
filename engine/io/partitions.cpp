// SPDX-License-Identifier: Apache-2.0
#include "engine/io/partitions.h"

#include "engine/base/aligned_buffer.h"

#include <blkid/blkid.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <string_view>

namespace bitmend {

namespace {

// Every place a table or a known superblock can lie in, counted from either end.
constexpr std::uint64_t kEndBytes = 1 << 20;
constexpr unsigned kLargeSector = 4096;
constexpr std::uint64_t kStep = 64U << 10U; // copied at once

struct MbrEntry
{
    std::uint8_t status;
    std::array<std::uint8_t, 3> firstChs;
    std::uint8_t type;
    std::array<std::uint8_t, 3> lastChs;
    le32 start;
    le32 length;

    bool isExtended() const { return type == 0x05 || type == 0x0f || type == 0x85; }
};

struct BootRecord
{
    std::array<std::uint8_t, 446> code;
    std::array<MbrEntry, 4> entries;
    le16 signature;

    bool isSigned() const { return signature == 0xaa55; }
};

struct GptHeader
{
    std::array<char, 8> magic;
    std::array<std::uint8_t, 16> revisionSizeAndSum;
    le64 ownLba;
    le64 otherLba;
    le64 firstUsable;
    le64 lastUsable;
    std::array<std::uint8_t, 16> diskGuid;
    le64 entriesLba;
    le32 entryCount;
    le32 entryBytes;

    bool isSigned() const { return std::string_view(magic.data(), magic.size()) == "EFI PART"; }
};

static_assert(OnDisk<BootRecord> && sizeof(BootRecord) == 512);
static_assert(OnDisk<GptHeader> && sizeof(GptHeader) == 88);

// Compares the bytes with themselves, one place on: memcmp is the fastest loop there is.
bool isZero(std::span<const std::byte> bytes)
{
    return bytes.empty() || (bytes.front() == std::byte{} &&
                                std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

// What two small reads tell: whether it is worth asking libblkid at all, and how.
struct Signatures
{
    bool isBootRecord = false;
    bool isGpt = false;
    unsigned sectorBytes = 512;
};

template <OnDisk T> T structAt(std::span<const std::byte> bytes, std::size_t offset)
{
    T value{};
    if (offset + sizeof(T) <= bytes.size())
        std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

Result<Signatures> readSignatures(const BlockSource& source)
{
    Signatures found;
    std::array<std::byte, kLargeSector + 512> buffer{};
    const auto head =
        std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), source.sizeBytes()));
    BM_TRY(source.readAt(0, head));
    found.isBootRecord = structAt<BootRecord>(head, 0).isSigned();
    const bool gpt512 = structAt<GptHeader>(head, 512).isSigned();
    const bool gpt4k = structAt<GptHeader>(head, kLargeSector).isSigned();
    found.isGpt = gpt512 || gpt4k;
    if (gpt4k && !gpt512)
        found.sectorBytes = kLargeSector;
    int sectorBytes = 0;
    if (source.descriptor() >= 0 && ::ioctl(source.descriptor(), BLKSSZGET, &sectorBytes) == 0)
        found.sectorBytes = unsigned(sectorBytes);

    if (found.isGpt || source.sizeBytes() < std::uint64_t(2) * kLargeSector)
        return found;
    // The backup header, in the last sector.
    const auto tail = std::span(buffer).first(kLargeSector);
    BM_TRY(source.readAt(source.sizeBytes() - kLargeSector, tail));
    const bool backup512 = structAt<GptHeader>(tail, kLargeSector - 512).isSigned();
    const bool backup4k = structAt<GptHeader>(tail, 0).isSigned();
    found.isGpt = backup512 || backup4k;
    if (backup4k && !backup512)
        found.sectorBytes = kLargeSector;
    return found;
}

// The memory file that stands for the source.
class StandIn
{
public:
    static Result<StandIn> make(const BlockSource& source, unsigned sectorBytes)
    {
        StandIn standIn(source, ::memfd_create("blkid", MFD_CLOEXEC));
        if (standIn.m_fd < 0)
            return fail(ErrorCode::Io, source.name(), -1, errno);
        BM_TRY(standIn.resize(source.sizeBytes()));
        const std::uint64_t size = source.sizeBytes();
        const std::uint64_t head = std::min(size, kEndBytes);
        BM_TRY(standIn.copy(0, head));
        BM_TRY(standIn.copy(size - std::min(size - head, kEndBytes), kEndBytes));
        BM_TRY(standIn.copyBootRecords(sectorBytes));
        BM_TRY(standIn.copyGpt(sectorBytes));
        return standIn;
    }

    StandIn(StandIn&& other) noexcept
        : m_source(other.m_source)
        , m_fd(std::exchange(other.m_fd, -1))
    {
    }
    StandIn(const StandIn&) = delete;
    StandIn& operator=(const StandIn&) = delete;
    StandIn& operator=(StandIn&&) = delete;
    ~StandIn()
    {
        if (m_fd >= 0)
            ::close(m_fd);
    }

    int descriptor() const { return m_fd; }

private:
    StandIn(const BlockSource& source, int fd) : m_source(source), m_fd(fd) {}

    Result<void> resize(std::uint64_t size)
    {
        if (::ftruncate(m_fd, off_t(size)) != 0)
            return fail(ErrorCode::Io, m_source.name(), -1, errno);
        return {};
    }

    // What cannot be read stays zero: a bad sector hides what lies in it and nothing else.
    Result<void> copy(std::uint64_t offset, std::uint64_t length)
    {
        if (offset >= m_source.sizeBytes())
            return {};
        length = std::min(length, m_source.sizeBytes() - offset);
        AlignedBuffer buffer(std::min(length, kStep));
        for (std::uint64_t done = 0; done < length; done += kStep) {
            const auto part = buffer.first(std::min(kStep, length - done));
            if (m_source.readAt(offset + done, part)) {
                BM_TRY(put(offset + done, part));
                continue;
            }
            for (std::size_t at = 0; at < part.size(); at += kSectorBytes) {
                const auto sector =
                    part.subspan(at, std::min<std::size_t>(kSectorBytes, part.size() - at));
                if (m_source.readAt(offset + done + at, sector))
                    BM_TRY(put(offset + done + at, sector));
            }
        }
        return {};
    }

    // Zeros need no place in a sparse file, and most sources are full of them.
    Result<void> put(std::uint64_t offset, std::span<const std::byte> bytes)
    {
        if (isZero(bytes))
            return {};
        while (!bytes.empty()) {
            const ssize_t written = ::pwrite(m_fd, bytes.data(), bytes.size(), off_t(offset));
            if (written < 0 && errno == EINTR)
                continue;
            if (written < 0)
                return fail(ErrorCode::Io, m_source.name(), std::int64_t(offset), errno);
            bytes = bytes.subspan(std::size_t(written));
            offset += std::uint64_t(written);
        }
        return {};
    }

    // Logical partitions form a chain: each extended boot record names the next, counted from the
    // first. Chains that bite their own tail end where they would begin again.
    Result<void> copyBootRecords(unsigned sectorBytes)
    {
        std::set<std::uint64_t> seen;
        const auto extendedIn = [&](std::uint64_t lba) -> std::uint64_t {
            const auto record = readStruct<BootRecord>(m_source, lba * sectorBytes);
            if (!record || !record->isSigned())
                return 0;
            for (const auto& entry : record->entries) {
                if (entry.isExtended() && entry.start != 0)
                    return entry.start;
            }
            return 0;
        };
        const std::uint64_t first = extendedIn(0);
        constexpr std::size_t kMostRecords = 256;
        for (std::uint64_t at = first; at != 0 && seen.size() < kMostRecords;) {
            if (!seen.insert(at).second)
                break;
            BM_TRY(copy(at * sectorBytes, sectorBytes));
            const std::uint64_t next = extendedIn(at);
            at = next == 0 ? 0 : first + next;
        }
        return {};
    }

    // libblkid refuses a table that speaks of sectors past the end. Of a truncated image the memory
    // file is therefore as large as the disk was.
    Result<void> copyGpt(unsigned sectorBytes)
    {
        const auto header = readStruct<GptHeader>(m_source, sectorBytes);
        if (!header || !header->isSigned())
            return {};
        constexpr std::uint64_t kMostSectors = std::uint64_t(1) << 50;
        if (header->lastUsable < kMostSectors && header->entriesLba < kMostSectors) {
            const std::uint64_t needed = (header->lastUsable + 1) * sectorBytes;
            if (needed > m_source.sizeBytes())
                BM_TRY(resize(needed));
            BM_TRY(copy(header->entriesLba * sectorBytes,
                std::min(std::uint64_t(header->entryCount) * header->entryBytes, kEndBytes)));
        }
        return {};
    }

    const BlockSource& m_source;
    int m_fd;
};

struct FreeProbe
{
    void operator()(blkid_probe probe) const { blkid_free_probe(probe); }
};
using Probe = std::unique_ptr<std::remove_pointer_t<blkid_probe>, FreeProbe>;

Result<Probe> newProbe(const BlockSource& source, int descriptor, unsigned sectorBytes)
{
    Probe probe(blkid_new_probe());
    if (!probe || blkid_probe_set_device(probe.get(), descriptor, 0, 0) != 0)
        return fail(ErrorCode::Io, source.name(), -1, errno);
    blkid_probe_set_sectorsize(probe.get(), sectorBytes);
    return probe;
}

std::string text(const char* value) { return value != nullptr ? value : ""; }

std::vector<Partition> partitionsIn(blkid_partlist list, Sectors sourceSize)
{
    std::vector<Partition> result;
    const int count = blkid_partlist_numof_partitions(list);
    for (int index = 0; index < count; ++index) {
        const auto entry = blkid_partlist_get_partition(list, index);
        const auto start = std::uint64_t(blkid_partition_get_start(entry));
        const auto length = std::uint64_t(blkid_partition_get_size(entry));
        // An extended partition is a frame around others, not a place for contents.
        if (length == 0 || start >= sourceSize.count || blkid_partition_is_extended(entry) != 0)
            continue;
        Partition partition;
        partition.number = blkid_partition_get_partno(entry);
        partition.range = {{start}, {start + std::min(length, sourceSize.count - start)}};
        partition.type = text(blkid_partition_get_type_string(entry));
        if (partition.type.empty()) {
            std::array<char, 8> hex{};
            std::snprintf(hex.data(), hex.size(), "0x%02x",
                unsigned(blkid_partition_get_type(entry)) & 0xffU);
            partition.type = hex.data();
        }
        partition.name = text(blkid_partition_get_name(entry));
        result.push_back(std::move(partition));
    }
    return result;
}

} // namespace

Result<std::vector<Partition>> readPartitions(const BlockSource& source)
{
    const auto signatures = BM_TRY(readSignatures(source));
    if (!signatures.isBootRecord && !signatures.isGpt)
        return std::vector<Partition>();

    const auto standIn = BM_TRY(StandIn::make(source, signatures.sectorBytes));
    const auto probe = BM_TRY(newProbe(source, standIn.descriptor(), signatures.sectorBytes));
    blkid_probe_enable_superblocks(probe.get(), 0);
    blkid_probe_enable_partitions(probe.get(), 1);
    // The other kinds of table have no proper signature, and no md array ever lay in one.
    std::array<char, 4> dos = {"dos"};
    std::array<char, 4> gpt = {"gpt"};
    std::array<char*, 3> wanted = {dos.data(), gpt.data(), nullptr};
    blkid_probe_filter_partitions_type(probe.get(), BLKID_FLTR_ONLYIN, wanted.data());
    // Without a boot record a GPT counts all the same; with one that is not protective, it is a
    // leftover.
    if (!signatures.isBootRecord)
        blkid_probe_set_partitions_flags(probe.get(), BLKID_PARTS_FORCE_GPT);
    const auto list = blkid_probe_get_partitions(probe.get());
    if (list == nullptr)
        return std::vector<Partition>();
    return partitionsIn(list, {source.sizeBytes() / kSectorBytes});
}

namespace {

// A file that is one hole from beginning to end, as a fresh image is: nothing can be in it.
bool isOneHole(int descriptor) { return ::lseek(descriptor, 0, SEEK_DATA) < 0 && errno == ENXIO; }

// Nothing when libblkid could not read what it wanted to see.
Result<std::optional<Content>> contentBehind(
    const BlockSource& source, int descriptor, unsigned sectorBytes)
{
    const auto probe = BM_TRY(newProbe(source, descriptor, sectorBytes));
    blkid_probe_enable_superblocks(probe.get(), 1);
    blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL);
    blkid_probe_enable_partitions(probe.get(), 1);
    const int verdict = blkid_do_safeprobe(probe.get());
    if (verdict == -1)
        return std::optional<Content>();
    if (verdict != 0)
        return std::optional(Content{});
    const auto value = [&](const char* name) {
        const char* found = nullptr;
        return blkid_probe_lookup_value(probe.get(), name, &found, nullptr) == 0 ? text(found) : "";
    };
    Content content{value("TYPE"), value("LABEL")};
    if (content.type.empty())
        content.type = value("PTTYPE");
    return std::optional(std::move(content));
}

} // namespace

Result<Content> identifyContent(const BlockSource& source)
{
    if (source.sizeBytes() == 0)
        return Content{};
    if (source.descriptor() >= 0 && isOneHole(source.descriptor()))
        return Content{};
    const auto signatures = BM_TRY(readSignatures(source));
    // The memory file costs two MiB of copying; a source that reads well can do without.
    if (source.descriptor() >= 0) {
        auto content = BM_TRY(contentBehind(source, source.descriptor(), signatures.sectorBytes));
        if (content)
            return *std::move(content);
    }
    const auto standIn = BM_TRY(StandIn::make(source, signatures.sectorBytes));
    auto content = BM_TRY(contentBehind(source, standIn.descriptor(), signatures.sectorBytes));
    return std::move(content).value_or(Content{});
}

} // namespace bitmend
