// SPDX-License-Identifier: Apache-2.0
// An array of any level on devices in memory, with contents that the mapping and the parity of
// engine/raid lay out, faults, and a journal of all writes where a test asks for them.
// Metadata 1.2.
#pragma once

#include "engine/array/array.h"
#include "engine/array/array_state.h"
#include "engine/array/scan_parts.h"
#include "engine/io/faulty_device.h"
#include "engine/metadata/metadata_format.h"
#include "engine/raid/parity.h"
#include "engine/raid/personality.h"
#include "tests/engine/array/memory_mirror.h"

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace bitmend::test {

struct ArrayShape
{
    int level = 5;
    std::uint32_t layout = 2;
    std::uint32_t raidDisks = 4;
    Sectors chunk{16};
    Sectors component{2048};          // room for data on each member
    std::vector<Sectors> sizes{};     // of level 0 and linear, by role, where they differ
    std::uint32_t bitmapChunk = 0;    // bytes; 0: no bitmap
    Sectors resyncOffset{kMaxSector}; // clean
    std::uint32_t spares = 0;         // idle ones that the array knows
    std::uint32_t blanks = 0;         // devices without a superblock
};

class MemoryArray
{
public:
    explicit MemoryArray(const ArrayShape& shape, bool journaled = false) : m_shape(shape)
    {
        if (journaled)
            m_journal = std::make_shared<IoJournal>();
        const auto members = shape.raidDisks + shape.spares;
        for (std::uint32_t i = 0; i < members + shape.blanks; ++i) {
            const auto name =
                i < members ? "m" + std::to_string(i) : "blank" + std::to_string(i - members);
            m_memory.push_back(std::make_shared<MemoryDevice>((kData + room(i)).bytes(), name));
            if (i < members)
                format(i);
        }
        wrap();
    }

    std::size_t devices() const { return m_memory.size(); }
    std::vector<std::byte>& bytes(std::size_t device) { return m_memory[device]->bytes(); }
    std::span<std::byte> data(std::size_t device)
    {
        return std::span(bytes(device)).subspan(kData.bytes());
    }
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

    Geometry geometry() const
    {
        Geometry geometry;
        geometry.level = m_shape.level;
        geometry.layout = m_shape.layout;
        geometry.raidDisks = int(m_shape.raidDisks);
        geometry.chunk = m_shape.chunk;
        geometry.componentSize = m_shape.level > 0 ? m_shape.component : Sectors{};
        for (std::uint32_t i = 0; m_shape.level <= 0 && i < m_shape.raidDisks; ++i)
            geometry.memberSizes.push_back(room(i));
        return geometry;
    }

    Sectors arraySize() const { return personality(m_shape.level)->arraySize(geometry()); }

    // Lays `content` out over the members, as an array in sync holds it. A short last sector counts
    // as a whole one.
    void lay(std::span<const std::byte> content)
    {
        const auto shape = geometry();
        for (std::size_t at = 0; at < content.size(); at += kSectorBytes) {
            const auto sector =
                content.subspan(at, std::min<std::size_t>(kSectorBytes, content.size() - at));
            for (const auto& place : personality(shape.level)->locate(shape, {at / kSectorBytes})) {
                std::ranges::copy(sector,
                    data(std::size_t(place.role)).begin() + std::ptrdiff_t(place.sector.bytes()));
            }
        }
        if (shape.level >= 4 && shape.level <= 6)
            generate(shape);
    }

    std::vector<std::byte> fill(std::uint64_t seed)
    {
        std::vector<std::byte> content(arraySize().bytes());
        fillPattern(content, seed);
        lay(content);
        return content;
    }

    // Without the devices named.
    ScanReport scan(const std::vector<int>& missing = {}) const
    {
        ScanReport report;
        for (std::size_t i = 0; i < devices(); ++i) {
            if (std::ranges::find(missing, int(i)) != missing.end())
                continue;
            SourceReport source;
            source.path = name(i);
            source.sizeBytes = m_memory[i]->sizeBytes();
            lookQuickly(m_memory[i], source);
            report.sources.push_back(std::move(source));
        }
        return report;
    }

    Result<AssemblyPlan> plan(WriteMode mode, const std::vector<int>& missing = {}) const
    {
        AssemblyChoices choices;
        choices.mode = mode;
        return planAssembly(scan(missing), kMirrorUuid, choices);
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

    Result<std::unique_ptr<Array>> assemble(WriteMode mode, const std::vector<int>& missing = {})
    {
        return assembleFrom(BM_TRY(plan(mode, missing)), access());
    }

    // For tests of what comes after: an array that must be there.
    std::unique_ptr<Array> running(WriteMode mode, const std::vector<int>& missing = {})
    {
        auto array = assemble(mode, missing);
        if (!array) {
            std::cerr << "the array did not start: error " << int(array.error().code) << " of "
                      << array.error().where << '\n';
            std::abort();
        }
        return std::move(*array);
    }

    Superblock superblock(std::uint32_t number) const
    {
        Superblock superblock;
        superblock.version = MetadataVersion::V1_2;
        superblock.location = {8};
        superblock.arrayUuid = kMirrorUuid;
        superblock.name = "lab:array";
        superblock.ctime = 1'000'000;
        superblock.utime = 2'000'000;
        superblock.level = m_shape.level;
        superblock.layout = m_shape.layout;
        superblock.chunk = m_shape.chunk;
        superblock.componentSize = m_shape.level > 0 ? m_shape.component : Sectors{};
        superblock.raidDisks = m_shape.raidDisks;
        if (m_shape.level == 0)
            superblock.featureMap |= feature::kRaid0Layout;
        if (m_shape.bitmapChunk != 0) {
            superblock.featureMap |= feature::kBitmapOffset;
            superblock.bitmapOffset = 8;
        }
        superblock.dataOffset = kData;
        superblock.dataSize = room(number);
        superblock.devNumber = number;
        superblock.deviceUuid.bytes[0] = static_cast<std::uint8_t>(number + 1);
        superblock.events = 10;
        superblock.resyncOffset = m_shape.resyncOffset;
        superblock.devRoles.assign(128, kRoleSpare);
        for (std::uint32_t role = 0; role < m_shape.raidDisks; ++role)
            superblock.devRoles[role] = static_cast<Role>(role);
        return superblock;
    }

    static constexpr Sectors kData{256};
    static constexpr Sectors kBitmapAt{16};

private:
    Sectors room(std::uint32_t device) const
    {
        return device < m_shape.sizes.size() ? m_shape.sizes[device] : m_shape.component;
    }

    void format(std::uint32_t number)
    {
        const auto written = superblock(number);
        put(number, written.location, formatOf(written.version).encode(written));
        if (m_shape.bitmapChunk == 0)
            return;
        BitmapHeader header;
        header.magic = 0x6d746962;
        header.version = 4;
        header.uuid = bitmapUuid(written);
        header.events = written.events;
        header.eventsCleared = 4;
        header.syncSize = bitmapSyncSize(written, arraySize());
        header.chunkBytes = m_shape.bitmapChunk;
        header.daemonSleep = 5;
        put(number, kBitmapAt, encodeBitmapHeader(header, std::vector<std::byte>(256)));
    }

    void generate(const Geometry& shape)
    {
        const auto chunk = shape.chunk.bytes();
        for (std::uint64_t stripe = 0; stripe < shape.componentSize.bytes() / chunk; ++stripe) {
            std::vector<std::span<std::byte>> blocks;
            blocks.reserve(m_shape.raidDisks);
            for (std::uint32_t role = 0; role < m_shape.raidDisks; ++role)
                blocks.push_back(data(role).subspan(stripe * chunk, chunk));
            StripeCode(stripeRoles(shape, stripe)).generate(blocks);
        }
    }

    void put(std::size_t device, Sectors at, std::span<const std::byte> from)
    {
        std::ranges::copy(from, bytes(device).begin() + static_cast<std::ptrdiff_t>(at.bytes()));
    }

    ArrayShape m_shape;
    std::shared_ptr<IoJournal> m_journal;
    std::vector<std::shared_ptr<MemoryDevice>> m_memory;
    std::vector<std::shared_ptr<FaultyDevice>> m_faulty;
};

} // namespace bitmend::test
