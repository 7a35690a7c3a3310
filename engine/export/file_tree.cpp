// SPDX-License-Identifier: Apache-2.0
#include "engine/export/file_tree.h"

#include "engine/export/errno_of.h"
#include "engine/io/partitions.h"
#include "engine/io/slice.h"

#include <algorithm>
#include <cerrno>

namespace bitmend {

namespace {

// "nas:photos" as well: many programs take what lies before a colon for another computer.
std::string asFileName(std::string name)
{
    std::ranges::replace_if(
        name, [](char c) { return c == '/' || c == ':' || static_cast<unsigned char>(c) < ' '; },
        '-');
    if (name.empty() || name.front() == '.')
        name.insert(0, "array");
    return name;
}

} // namespace

std::vector<ExportedFile> filesOf(
    const SourcePtr& whole, const DevicePtr& device, const std::string& name)
{
    const auto base = asFileName(name);
    std::vector<ExportedFile> files{{base + ".img", whole, device}};
    // Without a table, or with one that cannot be read, there is the whole.
    const auto partitions = readPartitions(*whole);
    if (!partitions)
        return files;
    for (const auto& partition : *partitions) {
        const auto offset = partition.range.begin.bytes();
        const auto length = partition.range.length().bytes();
        const auto file = base + "-part" + std::to_string(partition.number) + ".img";
        DevicePtr part;
        if (device)
            part = sliceDevice(device, offset, length, file);
        files.push_back({file, part ? part : slice(whole, offset, length, file), part});
    }
    return files;
}

IoResult readFile(const ExportedFile& file, std::uint64_t offset, std::span<std::byte> to)
{
    const auto size = file.source->sizeBytes();
    if (offset >= size)
        return 0;
    const auto length = std::min<std::uint64_t>(to.size(), size - offset);
    const auto read = file.source->readAt(offset, to.first(length));
    if (!read)
        return std::unexpected(errnoOf(read.error()));
    return length;
}

IoResult writeFile(const ExportedFile& file, std::uint64_t offset, std::span<const std::byte> from)
{
    const auto size = file.source->sizeBytes();
    if (!file.device)
        return std::unexpected(EROFS);
    if (from.empty())
        return 0;
    if (offset >= size)
        return std::unexpected(ENOSPC);
    const auto length = std::min<std::uint64_t>(from.size(), size - offset);
    const auto written = file.device->writeAt(offset, from.first(length));
    if (!written)
        return std::unexpected(errnoOf(written.error()));
    return length;
}

} // namespace bitmend
