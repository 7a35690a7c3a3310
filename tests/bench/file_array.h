// SPDX-License-Identifier: Apache-2.0
// An array whose members are files in a folder, to be measured.
#pragma once

#include "engine/io/file_device.h"
#include "tests/bench/measure.h"
#include "tests/engine/array/memory_array.h"

#include <atomic>
#include <filesystem>
#include <thread>

namespace bitmend::bench {

namespace fs = std::filesystem;
using namespace bitmend::test;

constexpr Sectors kData{2048};
constexpr Sectors kChunk{1024};
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

// Counts what a job asks of a member.
class Counted final : public BlockDevice
{
public:
    Counted(DevicePtr inner, std::atomic<unsigned>& flushes, std::atomic<std::uint64_t>& calls,
        std::chrono::microseconds flushTakes)
        : m_inner(std::move(inner))
        , m_flushes(flushes)
        , m_calls(calls)
        , m_flushTakes(flushTakes)
    {
    }

    const std::string& name() const override { return m_inner->name(); }
    std::uint64_t sizeBytes() const override { return m_inner->sizeBytes(); }
    Result<void> readAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        ++m_calls;
        return m_inner->readAt(offset, to);
    }
    Result<void> writeAt(std::uint64_t offset, std::span<const std::byte> from) override
    {
        ++m_calls;
        return m_inner->writeAt(offset, from);
    }
    Result<void> flush() override
    {
        ++m_flushes;
        if (m_flushTakes.count() != 0)
            std::this_thread::sleep_for(m_flushTakes);
        return m_inner->flush();
    }
    Result<void> readOnceAt(std::uint64_t offset, std::span<std::byte> to) const override
    {
        ++m_calls;
        return m_inner->readOnceAt(offset, to);
    }
    Residence residence() const override { return m_inner->residence(); }
    DataStretch nextData(std::uint64_t offset) const override { return m_inner->nextData(offset); }

private:
    DevicePtr m_inner;
    std::atomic<unsigned>& m_flushes;
    std::atomic<std::uint64_t>& m_calls; // that read or write
    std::chrono::microseconds m_flushTakes;
};

class FileArray
{
public:
    FileArray(fs::path folder, ArrayShape shape)
        : m_folder(std::move(folder))
        , m_shape(std::move(shape))
    {
        m_shape.chunk = kChunk;
        for (std::uint32_t i = 0; i < members(); ++i) {
            m_files.push_back((m_folder / ("m" + std::to_string(i))).string());
            auto made = createFile(m_files.back(), (kData + m_shape.component).bytes());
            if (!made)
                giveUp("creating a member");
            m_devices.push_back(*made);
        }
        format();
    }
    ~FileArray()
    {
        for (const auto& file : m_files)
            fs::remove(file);
    }
    FileArray(const FileArray&) = delete;
    FileArray& operator=(const FileArray&) = delete;

    std::uint32_t members() const { return m_shape.raidDisks + m_shape.spares; }
    std::uint64_t memberBytes() const { return m_shape.component.bytes(); }
    const std::vector<std::string>& files() const { return m_files; }
    BlockDevice& device(std::size_t index) { return *m_devices[index]; }

    // Superblocks and bitmaps as at first; contents stay.
    void format(const std::vector<std::uint64_t>& dirtyChunks = {})
    {
        auto small = m_shape;
        small.component = Sectors{4096};
        const MemoryArray encoder(small);
        for (std::uint32_t i = 0; i < members(); ++i) {
            auto superblock = encoder.superblock(i);
            superblock.componentSize = m_shape.component;
            superblock.dataSize = m_shape.component;
            superblock.dataOffset = kData;
            const auto bytes = formatOf(superblock.version).encode(superblock);
            if (!m_devices[i]->writeAt(superblock.location.bytes(), bytes))
                giveUp("writing a superblock");
            if (m_shape.bitmapChunk != 0)
                writeBitmap(*m_devices[i], superblock, dirtyChunks);
        }
    }

    // Every `step`th MiB holds noise, in agreement between the members.
    void fill(std::uint64_t step)
    {
        Geometry geometry = MemoryArray(small()).geometry();
        geometry.componentSize = m_shape.component;
        const std::uint64_t chunk = m_shape.chunk.bytes();
        std::vector<std::vector<std::byte>> rows(m_shape.raidDisks, std::vector<std::byte>(chunk));
        std::vector<std::span<std::byte>> blocks(rows.begin(), rows.end());
        for (std::uint64_t at = 0; at < memberBytes(); at += chunk) {
            if (at / kMiB % step != 0)
                continue;
            fillPattern(rows[0], at + 1);
            for (std::size_t i = 1; i < rows.size(); ++i) {
                std::rotate_copy(rows[0].begin(), rows[0].begin() + std::ptrdiff_t(i * 64),
                    rows[0].end(), rows[i].begin());
            }
            if (m_shape.level == 1) {
                std::ranges::fill(rows, rows[0]);
            } else {
                StripeCode(stripeRoles(geometry, at / chunk)).generate(blocks);
            }
            for (std::size_t i = 0; i < rows.size(); ++i) {
                if (!m_devices[i]->writeAt(kData.bytes() + at, rows[i]))
                    giveUp("filling a member");
            }
        }
        for (auto& device : m_devices) {
            if (!device->flush())
                giveUp("flushing a member");
        }
    }

    std::unique_ptr<Array> assemble(WriteMode mode, const std::vector<std::string>& without = {})
    {
        ScanReport report;
        for (std::size_t i = 0; i < m_files.size(); ++i) {
            if (std::ranges::find(without, m_files[i]) != without.end())
                continue;
            SourceReport source;
            source.path = m_files[i];
            source.sizeBytes = m_devices[i]->sizeBytes();
            lookQuickly(m_devices[i], source);
            report.sources.push_back(std::move(source));
        }
        AssemblyChoices choices;
        choices.mode = mode;
        const auto plan = planAssembly(report, kMirrorUuid, choices);
        const auto find = [this](const std::string& path) -> Result<DevicePtr> {
            const auto index = std::ranges::find(m_files, path) - m_files.begin();
            return std::make_shared<Counted>(
                m_devices[std::size_t(index)], flushes, calls, flushTakes);
        };
        const auto look = [find](const std::string& path) -> Result<SourcePtr> {
            return SourcePtr(BM_TRY(find(path)));
        };
        auto array = plan ? assembleFrom(*plan, {look, find})
                          : Result<std::unique_ptr<Array>>(std::unexpected(plan.error()));
        if (!array)
            giveUp("assembling");
        return std::move(*array);
    }

    std::atomic<unsigned> flushes = 0;
    std::atomic<std::uint64_t> calls = 0;    // that read or write a member
    std::chrono::microseconds flushTakes{0}; // of those that are assembled from now on

private:
    ArrayShape small() const
    {
        auto shape = m_shape;
        shape.component = Sectors{4096};
        return shape;
    }

    void writeBitmap(BlockDevice& device, const Superblock& superblock,
        const std::vector<std::uint64_t>& dirtyChunks) const
    {
        BitmapHeader header;
        header.magic = 0x6d746962;
        header.version = 4;
        header.uuid = bitmapUuid(superblock);
        header.events = superblock.events;
        header.syncSize = m_shape.component;
        header.chunkBytes = m_shape.bitmapChunk;
        header.daemonSleep = 5;
        const auto chunks = bitmapChunks(m_shape.component, m_shape.bitmapChunk);
        std::vector<std::byte> area(bitmapPages(chunks) * kBitmapPageBytes);
        std::ranges::copy(encodeBitmapHeader(header, std::vector<std::byte>(256)), area.begin());
        for (const auto chunk : dirtyChunks)
            area[256 + chunk / 8] |= std::byte{1} << (chunk % 8);
        if (!device.writeAt(MemoryArray::kBitmapAt.bytes(), area))
            giveUp("writing a bitmap");
    }

    fs::path m_folder;
    ArrayShape m_shape;
    std::vector<std::string> m_files;
    std::vector<DevicePtr> m_devices;
};

} // namespace bitmend::bench
