// SPDX-License-Identifier: Apache-2.0
// A part of a source, as a source of its own: a partition.
#pragma once

#include "engine/io/block_source.h"

namespace bitmend {

// The part keeps the whole alive. [offset, offset + length) must lie inside it.
SourcePtr slice(SourcePtr whole, std::uint64_t offset, std::uint64_t length, std::string name);

// The same to be written.
DevicePtr sliceDevice(
    DevicePtr whole, std::uint64_t offset, std::uint64_t length, std::string name);

} // namespace bitmend
