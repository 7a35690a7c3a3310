// SPDX-License-Identifier: Apache-2.0
// The files of one exported folder: an array, and each partition inside it.
//
// Threads: from any, once made; the sources are.
#pragma once

#include "engine/io/block_source.h"

#include <string>
#include <vector>

namespace bitmend {

struct ExportedFile
{
    std::string name; // in the folder
    SourcePtr source;
    DevicePtr device; // the same, to be written; null: read-only
};

// `whole` as "NAME.img" and its partitions as "NAME-part1.img"; what does not do in a file's name
// becomes '-'. `device`: the same as `whole`, or null.
std::vector<ExportedFile> filesOf(
    const SourcePtr& whole, const DevicePtr& device, const std::string& name);

// As a block device does it: a read or write that begins behind the end gives nothing or ENOSPC,
// one that goes on behind it is cut. The errors are errno, positive.
using IoResult = std::expected<std::size_t, int>;
IoResult readFile(const ExportedFile& file, std::uint64_t offset, std::span<std::byte> to);
IoResult writeFile(const ExportedFile& file, std::uint64_t offset, std::span<const std::byte> from);

} // namespace bitmend
