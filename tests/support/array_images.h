// SPDX-License-Identifier: Apache-2.0
// Small arrays made of bytes, as mdadm would have made them; a test changes what it is about and
// looks at them as at any other source.
#pragma once

#include "engine/array/assembly.h"
#include "engine/array/scan_parts.h"
#include "engine/metadata/metadata_format.h"
#include "engine/raid/personality.h"
#include "tests/support/memory_device.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bitmend::test {

inline constexpr Sectors kImageSectors{4096};
inline constexpr Sectors kComponent{3840}; // 30 chunks of 64 KiB

struct ImageBitmap
{
    BitmapHeader header;
    std::vector<std::uint64_t> set;
};

struct ImageMember
{
    Superblock superblock;
    std::optional<ImageBitmap> bitmap;
    std::function<void(std::span<std::byte>)> spoil; // after all is written; the superblock's bytes
};

class ArrayImages
{
public:
    explicit ArrayImages(
        int level, int disks, MetadataVersion version = MetadataVersion::V1_2, int spares = 0)
    {
        for (int i = 0; i < disks + spares; ++i)
            members.push_back({superblockOf(level, disks, version, i, disks + spares), {}, {}});
    }

    Superblock& operator[](std::size_t index) { return members[index].superblock; }

    // The same on every member.
    void onAll(const std::function<void(Superblock&)>& change)
    {
        for (auto& member : members)
            change(member.superblock);
    }

    void addBitmaps(const std::vector<std::uint64_t>& set)
    {
        for (auto& member : members) {
            Superblock& superblock = member.superblock;
            superblock.featureMap |= feature::kBitmapOffset;
            superblock.bitmapOffset = superblock.version == MetadataVersion::V1_0 ? -16 : 8;
            ImageBitmap bitmap;
            bitmap.header = headerFor(superblock);
            bitmap.set = set;
            member.bitmap = std::move(bitmap);
        }
    }

    static BitmapHeader headerFor(const Superblock& superblock)
    {
        BitmapHeader header;
        header.magic = 0x6d746962;
        header.version = 4;
        header.uuid = bitmapUuid(superblock);
        header.events = superblock.events;
        header.syncSize = bitmapSyncSize(superblock, arraySizeBy(superblock));
        header.chunkBytes = 65536;
        header.daemonSleep = 5;
        return header;
    }

    std::string path(std::size_t index) const { return "m" + std::to_string(index) + ".img"; }

    // The member as an image.
    std::vector<std::byte> image(std::size_t index) const
    {
        const ImageMember& member = members[index];
        std::vector<std::byte> bytes(kImageSectors.bytes());
        const auto encoded = formatOf(member.superblock.version).encode(member.superblock);
        const auto at = std::size_t(member.superblock.location.bytes());
        std::ranges::copy(encoded, bytes.begin() + std::ptrdiff_t(at));
        if (member.bitmap)
            putBitmap(bytes, member);
        if (member.spoil)
            member.spoil(std::span(bytes).subspan(at, kSuperblockBytes));
        return bytes;
    }

    // A bitmap file of its own.
    static std::vector<std::byte> bitmapFile(const ImageBitmap& bitmap, const Superblock& of)
    {
        const Sectors syncSize = bitmapSyncSize(of, arraySizeBy(of));
        return bitmapBytesOf(bitmap, bitmapChunks(syncSize, bitmap.header.chunkBytes));
    }

    ScanReport scan(const std::vector<std::size_t>& present) const
    {
        ScanReport report;
        for (const std::size_t index : present) {
            SourceReport source;
            source.path = path(index);
            source.sizeBytes = kImageSectors.bytes();
            lookQuickly(std::make_shared<MemoryDevice>(image(index), source.path), source);
            report.sources.push_back(std::move(source));
        }
        return report;
    }
    ScanReport scan() const
    {
        std::vector<std::size_t> all(members.size());
        for (std::size_t i = 0; i < all.size(); ++i)
            all[i] = i;
        return scan(all);
    }

    std::vector<ImageMember> members;

private:
    static Superblock superblockOf(
        int level, int disks, MetadataVersion version, int index, int devices)
    {
        Superblock superblock;
        superblock.version = version;
        superblock.arrayUuid.bytes.fill(0xab);
        superblock.name = "lab:array";
        superblock.ctime = 1'700'000'000;
        superblock.utime = 1'700'000'600;
        superblock.level = level;
        superblock.raidDisks = std::uint32_t(disks);
        superblock.chunk = level == 1 ? Sectors{} : Sectors{128};
        superblock.componentSize = level >= 1 ? kComponent : Sectors{};
        superblock.events = 100;
        superblock.resyncOffset = kMaxSector;
        superblock.devNumber = std::uint32_t(index);
        for (int device = 0; device < 128 && version != MetadataVersion::V0_90; ++device)
            superblock.devRoles.push_back(device < disks ? Role(device) : kRoleSpare);
        for (int device = 0; device < devices && version == MetadataVersion::V0_90; ++device)
            superblock.devRoles.push_back(device < disks ? Role(device) : kRoleSpare);
        place(superblock, index);
        layOut(superblock);
        return superblock;
    }

    static void place(Superblock& superblock, int index)
    {
        const auto places = formatOf(superblock.version).slotsOn(kImageSectors);
        const auto slot = std::ranges::find(places, superblock.version, &SuperblockSlot::version);
        superblock.location = slot->sector;
        if (superblock.version == MetadataVersion::V0_90) {
            superblock.name.clear();
            superblock.dataSize = superblock.location;
            return;
        }
        superblock.deviceUuid.bytes.fill(std::uint8_t(index + 1));
        const bool atEnd = superblock.version == MetadataVersion::V1_0;
        superblock.dataOffset = {atEnd ? 0U : 256U};
        superblock.dataSize = atEnd ? Sectors{4064} : Sectors{3840};
    }

    static void layOut(Superblock& superblock)
    {
        switch (superblock.level) {
        case 0:
            superblock.layout = 1;
            if (superblock.version != MetadataVersion::V0_90)
                superblock.featureMap |= feature::kRaid0Layout;
            break;
        case 5:
        case 6:
            superblock.layout = 2;
            break;
        case 10:
            superblock.layout = 0x102;
            break;
        default:
            break;
        }
    }

    static std::vector<std::byte> bitmapBytesOf(const ImageBitmap& bitmap, std::uint64_t chunks)
    {
        BitmapBits bits(chunks);
        for (const auto chunk : bitmap.set)
            bits.set(chunk);
        std::vector<std::byte> bytes(bitmapPages(chunks) * kBitmapPageBytes);
        for (std::uint64_t page = 0; page < bitmapPages(chunks); ++page) {
            encodeBitmapPage(
                bits, page, std::span(bytes).subspan(page * kBitmapPageBytes, kBitmapPageBytes));
        }
        const std::vector<std::byte> blank(256);
        std::ranges::copy(encodeBitmapHeader(bitmap.header, blank), bytes.begin());
        bytes.resize(bitmapBytes(chunks));
        return bytes;
    }

    static void putBitmap(std::vector<std::byte>& bytes, const ImageMember& member)
    {
        const Superblock& superblock = member.superblock;
        const Sectors syncSize = bitmapSyncSize(superblock, arraySizeBy(superblock));
        const auto chunk = std::max<std::uint32_t>(member.bitmap->header.chunkBytes, 65536);
        const auto from = bitmapBytesOf(*member.bitmap, bitmapChunks(syncSize, chunk));
        const auto at = std::int64_t(superblock.location.count) + superblock.bitmapOffset;
        std::ranges::copy(from, bytes.begin() + at * std::int64_t(kSectorBytes));
    }
};

// Shortcuts for what nearly every test looks at.
inline ArrayReport theArray(const ScanReport& report)
{
    const auto arrays = findArrays(report);
    return arrays.size() == 1 ? arrays.front() : ArrayReport();
}

inline Member memberAt(const ArrayReport& array, const std::string& path)
{
    const auto found = std::ranges::find(array.members, path, &Member::path);
    return found == array.members.end() ? Member() : *found;
}

inline bool says(const ArrayReport& array, RemarkCode code)
{
    return std::ranges::find(array.remarks, code, &Remark::code) != array.remarks.end();
}

inline Remark remarkOf(const ArrayReport& array, RemarkCode code)
{
    const auto found = std::ranges::find(array.remarks, code, &Remark::code);
    return found == array.remarks.end() ? Remark() : *found;
}

} // namespace bitmend::test
