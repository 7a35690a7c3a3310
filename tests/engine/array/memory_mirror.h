// SPDX-License-Identifier: Apache-2.0
// A RAID 1 on devices in memory, made by our own encoders, with faults and a journal of all writes
// where a test asks for them. Metadata 1.2 and an internal bitmap, if the shape does not say else.
#pragma once

#include "engine/array/array.h"
#include "engine/array/array_state.h"
#include "engine/array/assembly.h"
#include "engine/io/faulty_device.h"
#include "tests/engine/array/mirror_shape.h"
#include "tests/support/memory_device.h"

#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace bitmend::test {

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
        if (shape.bitmapInFile)
            addFile();
        wrap();
    }

    bool bitmapInFile() const { return m_shape.bitmapInFile; }
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
        return std::span(bytes(device))
            .subspan(m_shape.dataOffset().bytes(), m_shape.component.bytes());
    }
    std::span<std::byte> chunk(std::size_t device, std::uint64_t chunk)
    {
        return data(device).subspan(chunk * m_shape.bitmapChunk, m_shape.bitmapChunk);
    }
    std::span<std::byte> bitmapArea(std::size_t device)
    {
        if (m_shape.bitmapInFile)
            return m_memory.back()->bytes();
        return std::span(bytes(device)).subspan(bitmapAt().bytes(), kBitmapRoom.bytes());
    }
    Sectors bitmapAt() const
    {
        const auto at = std::int64_t(m_shape.superblockAt().count) + m_shape.bitmapOffset();
        return {std::uint64_t(at)};
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
        const auto copy = readCopy(device, superblock(device));
        return copy ? copy->bits.count() : ~std::uint64_t{0};
    }
    Result<BitmapCopy> readCopy(std::size_t device, const Superblock& superblock)
    {
        const bool file = m_shape.bitmapInFile;
        const auto& holder = file ? *m_memory.back() : *m_memory[device];
        return readBitmap(holder, superblock, m_shape.component, file);
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
        const auto at = m_shape.superblockAt();
        if (bytes(device).size() < (at.bytes() + kSuperblockBytes))
            return fail(ErrorCode::NoSuperblock, name(device));
        return formatOf(m_shape.version)
            .decode(std::span(bytes(device)).subspan(at.bytes(), kSuperblockBytes),
                {m_shape.version, at}, {bytes(device).size() / kSectorBytes});
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
            auto bitmap = readCopy(i, *found.superblock);
            if (!bitmap)
                continue;
            auto copy = std::make_shared<const BitmapCopy>(std::move(*bitmap));
            if (m_shape.bitmapInFile) {
                // The newest superblock is the one that a file is read for.
                const bool newest = i == 0 || found.superblock->events > superblock(0).events;
                report.externalBitmapPath = m_memory.back()->name();
                if (newest)
                    report.externalBitmap = std::move(copy);
            } else {
                found.bitmap = std::move(copy);
            }
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
    inline static const Uuid kUuid = kMirrorUuid;

private:
    void format(std::uint32_t number)
    {
        const auto superblock = memberSuperblock(m_shape, number);
        put(number, superblock.location, formatOf(superblock.version).encode(superblock));
        if (superblock.hasBitmap())
            put(number, bitmapAt(), bitmapHeader(m_shape, superblock));
    }

    void addFile()
    {
        const auto bytes = bitmapBytes(bitmapChunks(m_shape.component, m_shape.bitmapChunk));
        m_memory.push_back(std::make_shared<MemoryDevice>(bytes, "bitmap"));
        put(m_memory.size() - 1, {}, bitmapHeader(m_shape, superblock(0)));
    }

    void put(std::size_t device, Sectors at, std::span<const std::byte> from)
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
