// SPDX-License-Identifier: Apache-2.0
// Partition tables (GPT, MBR with logical partitions) and the names of known contents, by libblkid.
// A source without a descriptor is shown to libblkid as a sparse memory file of the same size that
// holds its first and last MiB, and boot records in between as they are asked for: one way for all.
#pragma once

#include "engine/base/units.h"
#include "engine/io/block_source.h"

#include <string>
#include <vector>

namespace bitmend {

struct Partition
{
    int number = 0; // as in the table, from 1; logical ones from 5
    SectorRange range;
    std::string type; // the table's type: a GUID, or "0xfd"
    std::string name; // GPT only
};

// Empty when there is no table. A partition that begins past the end of the source is left out, one
// that ends past it is cut: truncated images are usual.
Result<std::vector<Partition>> readPartitions(const BlockSource& source);

// What blkid calls the contents ("ext4", "LVM2_member", "dos"); empty when it knows nothing.
struct Content
{
    std::string type;
    std::string label;
};
Result<Content> identifyContent(const BlockSource& source);

} // namespace bitmend
