// SPDX-License-Identifier: Apache-2.0
// A RAID 1 with 1.2 metadata and an internal bitmap on devices in memory, made by our own encoders,
// with faults and a journal of all writes where a test asks for them.
#pragma once

#include "engine/array/array.h"
#include "engine/array/array_state.h"
#include "engine/array/assembly.h"
#include "engine/io/faulty_device.h"
#include "engine/metadata/metadata_format.h"
#include "engine/metadata/write_intent_bitmap.h"
#include "tests/support/memory_device.h"

#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace bitmend::test {

struct MirrorShape
{
    std::uint32_t raidDisks = 2;
    std::uint32_t present = 2; // roles 0 .. present-1 have a member
    std::uint32_t spares = 0;  // idle spares that the array knows
    std::uint32_t blanks = 1;  // devices without a superblock
    Sectors component{16'384};
    std::uint32_t bitmapChunk = 65'536; // bytes; 0: no bitmap
    std::uint64_t events = 10;
    std::uint64_t eventsCleared = 4;
    Sectors resyncOffset{0};            // dirty
    std::uint32_t writeMostlyRoles = 0; // a bit per role
};

inline constexpr Sectors kMirrorData{256};

class MemoryMirror
{
public:
    explicit MemoryMirror(const MirrorShape& shape, bool journaled = false) : m_shape(shape)
    {
        if (journaled)
            m_journal = std::make_shared<IoJournal>();
        const auto members = shape.present + shape.spares;
        for (std::uint32_t i = 0; i < members + shape.blanks; ++i) {
            const auto name =
                (i < members ? "m" : "blank") + std::to_string(i < members ? i : i - members);
            m_memory.push_back(
                std::make_shared<MemoryDevice>((kMirrorData + shape.component).bytes(), name));
            if (i < members)
                format(i);
        }
        wrap();
    }

    std::size_t devices() const { return m_memory.size(); }
    std::vector<std::byte>& bytes(std::size_t device) { return m_memory[device]->bytes(); }
    FaultyDevice& device(std::size_t device) { return *m_faulty[device]; }
    const std::string& name(std::size_t device) const { return m_memory[device]->name(); }
    std::shared_ptr<IoJournal> journal() const { return m_journal; }

    // Forgets faults, counts and the journal, and starts them anew.
    void wrap()
    {
        if (m_journal)
            m_journal = std::make_shared<IoJournal>();
        m_faulty.clear();
        for (const auto& memory : m_memory)
            m_faulty.push_back(std::make_shared<FaultyDevice>(memory, m_journal));
    }

    std::span<std::byte> data(std::size_t device)
    {
        return std::span(bytes(device)).subspan(kMirrorData.bytes());
    }
    std::span<std::byte> chunk(std::size_t device, std::uint64_t chunk)
    {
        return data(device).subspan(chunk * m_shape.bitmapChunk, m_shape.bitmapChunk);
    }
    std::span<std::byte> bitmapArea(std::size_t device)
    {
        return std::span(bytes(device)).subspan(kBitmapAt.bytes(), kBitmapRoom.bytes());
    }

    // Marks a chunk in every member's bitmap.
    void setBit(std::uint64_t chunk)
    {
        for (std::size_t i = 0; i < m_shape.present; ++i)
            setBit(i, chunk);
    }
    void setBit(std::size_t device, std::uint64_t chunk)
    {
        bitmapArea(device)[256 + chunk / 8] |= std::byte{1} << (chunk % 8);
    }
    bool bit(std::size_t device, std::uint64_t chunk)
    {
        return (bitmapArea(device)[256 + chunk / 8] & std::byte{1} << (chunk % 8)) != std::byte{};
    }
    std::uint64_t setBits(std::size_t device)
    {
        const auto copy =
            readBitmap(*m_memory[device], superblock(device), m_shape.component, false);
        return copy ? copy->bits.count() : ~std::uint64_t{0};
    }
    BitmapHeader header(std::size_t device)
    {
        return decodeBitmapHeader(bitmapArea(device).first(256));
    }
    Superblock superblock(std::size_t device)
    {
        const auto decoded = decode(device);
        return decoded ? decoded->superblock : Superblock{};
    }
    Result<DecodedSuperblock> decode(std::size_t device)
    {
        return formatOf(MetadataVersion::V1_2)
            .decode(std::span(bytes(device)).subspan(kSuperblockAt.bytes(), kSuperblockBytes),
                {MetadataVersion::V1_2, kSuperblockAt}, {bytes(device).size() / kSectorBytes});
    }

    ScanReport scan()
    {
        ScanReport report;
        for (std::size_t i = 0; i < devices(); ++i) {
            auto& source = report.sources.emplace_back();
            source.path = name(i);
            source.sizeBytes = bytes(i).size();
            auto decoded = decode(i);
            if (!decoded)
                continue;
            auto& found = source.found.emplace_back();
            found.problems = decoded->problems;
            found.superblock = std::make_shared<const Superblock>(std::move(decoded->superblock));
            auto bitmap = readBitmap(*m_memory[i], *found.superblock, m_shape.component, false);
            if (bitmap)
                found.bitmap = std::make_shared<const BitmapCopy>(std::move(*bitmap));
        }
        return report;
    }

    Result<AssemblyPlan> plan(WriteMode mode = WriteMode::Overlay)
    {
        AssemblyChoices choices;
        choices.mode = mode;
        return planAssembly(scan(), kUuid, choices);
    }

    MemberAccess access()
    {
        const auto find = [this](const std::string& path) -> Result<DevicePtr> {
            for (std::size_t i = 0; i < devices(); ++i) {
                if (name(i) == path)
                    return DevicePtr(m_faulty[i]);
            }
            return fail(ErrorCode::CannotOpen, path);
        };
        const auto look = [find](const std::string& path) -> Result<SourcePtr> {
            return SourcePtr(BM_TRY(find(path)));
        };
        return {look, find};
    }

    Result<std::unique_ptr<Array>> assemble(WriteMode mode = WriteMode::Overlay)
    {
        return assembleFrom(BM_TRY(plan(mode)), access());
    }

    // For tests of what comes after: an array that must be there.
    std::unique_ptr<Array> running(WriteMode mode = WriteMode::Overlay)
    {
        auto array = assemble(mode);
        if (!array) {
            std::cerr << "the array did not start: error " << int(array.error().code) << " of "
                      << array.error().where << '\n';
            std::abort();
        }
        return std::move(*array);
    }

    static constexpr Sectors kSuperblockAt{8};
    static constexpr Sectors kBitmapAt{16};
    static constexpr Sectors kBitmapRoom{64};
    inline static const Uuid kUuid{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

private:
    void format(std::uint32_t number)
    {
        const bool spare = number >= m_shape.present;
        Superblock superblock;
        superblock.location = kSuperblockAt;
        superblock.arrayUuid = kUuid;
        superblock.name = "lab:mirror";
        superblock.ctime = 1'000'000;
        superblock.level = 1;
        superblock.componentSize = m_shape.component;
        superblock.raidDisks = m_shape.raidDisks;
        if (m_shape.bitmapChunk != 0) {
            superblock.featureMap = feature::kBitmapOffset;
            superblock.bitmapOffset = static_cast<std::int32_t>((kBitmapAt - kSuperblockAt).count);
        }
        superblock.dataOffset = kMirrorData;
        superblock.dataSize = m_shape.component;
        superblock.devNumber = spare ? m_shape.raidDisks + number - m_shape.present : number;
        superblock.deviceUuid.bytes[0] = static_cast<std::uint8_t>(number + 1);
        superblock.devFlags = !spare && (m_shape.writeMostlyRoles >> number & 1U) != 0 ? 1 : 0;
        superblock.utime = 2'000'000;
        superblock.events = m_shape.events;
        superblock.resyncOffset = m_shape.resyncOffset;
        superblock.devRoles.assign(128, kRoleSpare);
        for (std::uint32_t role = 0; role < m_shape.present; ++role)
            superblock.devRoles[role] = static_cast<Role>(role);
        put(number, kSuperblockAt, formatOf(superblock.version).encode(superblock));
        if (m_shape.bitmapChunk == 0)
            return;

        BitmapHeader header;
        header.magic = 0x6d746962;
        header.version = 4;
        header.uuid = kUuid;
        header.events = m_shape.events;
        header.eventsCleared = m_shape.eventsCleared;
        header.syncSize = m_shape.component;
        header.chunkBytes = m_shape.bitmapChunk;
        header.daemonSleep = 5;
        const std::vector<std::byte> raw(256);
        put(number, kBitmapAt, encodeBitmapHeader(header, raw));
    }

    void put(std::uint32_t device, Sectors at, std::span<const std::byte> from)
    {
        std::ranges::copy(from, bytes(device).begin() + static_cast<std::ptrdiff_t>(at.bytes()));
    }

    MirrorShape m_shape;
    std::shared_ptr<IoJournal> m_journal;
    std::vector<std::shared_ptr<MemoryDevice>> m_memory;
    std::vector<std::shared_ptr<FaultyDevice>> m_faulty;
};

// Bytes that tell from where they come.
inline void fillPattern(std::span<std::byte> bytes, std::uint64_t seed)
{
    std::uint64_t state = seed * 0x9e3779b97f4a7c15U + 1;
    for (auto& byte : bytes) {
        state ^= state << 13U;
        state ^= state >> 7U;
        state ^= state << 17U;
        byte = static_cast<std::byte>(state);
    }
}

} // namespace bitmend::test
