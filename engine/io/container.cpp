// SPDX-License-Identifier: Apache-2.0
#include "engine/io/container.h"

#include "engine/io/file_device.h"
#include "engine/io/partitions.h"
#include "engine/io/slice.h"
#include "engine/io/split_source.h"

#include <array>
#include <charconv>
#include <filesystem>
#include <optional>

namespace bitmend {

namespace {

// The parts of a split set are locked as wholes.
Result<DevicePtr> openSplitLocked(const std::string& path, const LockRange&)
{
    return openSplitForWriting(path);
}

constexpr std::array kContainers = {
    Container{"split raw image", "*.000 *.001 *.aa",
        [](const std::string& path) { return firstPartOf(path) == path; }, openSplit,
        openSplitLocked},
    Container{"raw image or block device", "", [](const std::string&) { return true; }, openFile,
        openFileForWriting},
};

Result<const Container*> containerOf(const std::string& path)
{
    for (const auto& container : kContainers) {
        if (container.probe(path))
            return &container;
    }
    return fail(ErrorCode::NotAStorage, path);
}

Result<SourcePtr> openWhole(const std::string& path)
{
    const auto* container = BM_TRY(containerOf(path));
    auto source = BM_TRY(container->open(path));
    if (source->sizeBytes() == 0)
        return fail(ErrorCode::Empty, path);
    return source;
}

Result<DevicePtr> openWholeDevice(const std::string& path, const LockRange& range)
{
    const auto* container = BM_TRY(containerOf(path));
    if (container->openForWriting == nullptr)
        return fail(ErrorCode::Unsupported, path);
    auto device = BM_TRY(container->openForWriting(path, range));
    if (device->sizeBytes() == 0)
        return fail(ErrorCode::Empty, path);
    return device;
}

struct PartitionPath
{
    std::string whole;
    int number = 0;
};

std::optional<PartitionPath> asPartition(const std::string& path)
{
    const auto hash = path.rfind('#');
    std::error_code ignored;
    if (hash == std::string::npos || std::filesystem::exists(path, ignored))
        return std::nullopt;
    PartitionPath result{path.substr(0, hash)};
    const char* const begin = path.data() + hash + 1;
    const char* const end = path.data() + path.size();
    const auto parsed = std::from_chars(begin, end, result.number);
    if (begin == end || parsed.ec != std::errc() || parsed.ptr != end || result.number < 1)
        return std::nullopt;
    return result;
}

Result<SectorRange> placeOf(
    const BlockSource& whole, const PartitionPath& wanted, const std::string& path)
{
    const auto partitions = BM_TRY(readPartitions(whole));
    for (const auto& partition : partitions) {
        if (partition.number == wanted.number)
            return partition.range;
    }
    Error error{ErrorCode::NoSuchPartition, path};
    error.found = std::uint64_t(wanted.number);
    error.expected = partitions.size();
    return std::unexpected(std::move(error));
}

} // namespace

std::span<const Container> containers() { return kContainers; }

Result<SourcePtr> openSource(const std::string& path)
{
    const auto wanted = asPartition(path);
    if (!wanted)
        return openWhole(path);
    const auto whole = BM_TRY(openWhole(wanted->whole));
    const auto range = BM_TRY(placeOf(*whole, *wanted, path));
    return slice(whole, range.begin.bytes(), range.length().bytes(), path);
}

Result<DevicePtr> openDevice(const std::string& path)
{
    const auto wanted = asPartition(path);
    if (!wanted)
        return openWholeDevice(path, {});
    const auto looked = BM_TRY(openWhole(wanted->whole));
    const auto range = BM_TRY(placeOf(*looked, *wanted, path));
    const auto offset = range.begin.bytes();
    const auto length = range.length().bytes();
    auto whole = BM_TRY(openWholeDevice(wanted->whole, {offset, length}));
    if (range.end.bytes() > whole->sizeBytes())
        return fail(ErrorCode::ShortRead, path, std::int64_t(whole->sizeBytes()));
    return sliceDevice(std::move(whole), offset, length, path);
}

} // namespace bitmend
