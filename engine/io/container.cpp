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

constexpr std::array kContainers = {
    Container{"split raw image", "*.000 *.001 *.aa",
        [](const std::string& path) { return firstPartOf(path) == path; }, openSplit},
    Container{"raw image or block device", "", [](const std::string&) { return true; }, openFile},
};

Result<SourcePtr> openWhole(const std::string& path)
{
    for (const auto& container : kContainers) {
        if (!container.probe(path))
            continue;
        auto source = BM_TRY(container.open(path));
        if (source->sizeBytes() == 0)
            return fail(ErrorCode::Empty, path);
        return source;
    }
    return fail(ErrorCode::NotAStorage, path);
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

} // namespace

std::span<const Container> containers() { return kContainers; }

Result<SourcePtr> openSource(const std::string& path)
{
    const auto wanted = asPartition(path);
    if (!wanted)
        return openWhole(path);
    const auto whole = BM_TRY(openWhole(wanted->whole));
    const auto partitions = BM_TRY(readPartitions(*whole));
    for (const auto& partition : partitions) {
        if (partition.number == wanted->number) {
            const auto& range = partition.range;
            return slice(whole, range.begin.bytes(), range.length().bytes(), path);
        }
    }
    Error error{ErrorCode::NoSuchPartition, path};
    error.found = std::uint64_t(wanted->number);
    error.expected = partitions.size();
    return std::unexpected(std::move(error));
}

} // namespace bitmend
