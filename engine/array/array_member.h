// SPDX-License-Identifier: Apache-2.0
// What a running array is made of: its members as they are on disk, and the file of an external
// bitmap.
#pragma once

#include "engine/io/block_source.h"
#include "engine/io/followed_device.h"
#include "engine/io/known_bad.h"
#include "engine/metadata/bad_block_log.h"
#include "engine/metadata/superblock.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace bitmend {

// How members are reached by the path they are named with.
struct MemberAccess
{
    std::function<Result<SourcePtr>(const std::string&)> look; // read-only, leaves no trace
    std::function<Result<DevicePtr>(const std::string&)> open; // to be written
    // A file of the user's that is not there yet, with this content, durable.
    std::function<Result<void>(const std::string&, std::span<const std::byte>)> create = nullptr;
};

struct ArrayMember
{
    std::string path;
    SourcePtr source;
    DevicePtr device; // the same, to be written; null when read-only
    Sectors dataOffset;
    std::shared_ptr<const Superblock> superblock; // as it lies on the member
    int role = -1;                                // -1: an idle spare
    bool inSync = false;
    bool accepted = false;  // by a person's choice, and not a member yet in its own superblock
    Sectors recoveryOffset; // with a role and not in sync: valid below this
    bool replaces = false;  // somebody else has the role as well, and is in sync
    bool tookOver = false;  // since the last superblocks: from a member in sync
    FollowerPtr following;  // with `replaces`: of the other one's device
    bool byBitmap = false;  // its recovery copies needed chunks only
    KnownBadPtr bad;        // null: it has no bad block log; `source` and `device` heed it
    BadBlocks badListed;    // what the log says on disk
    BadBlocks badSettled;   // what the superblocks under way say
    bool unflushed = false;
    std::optional<Error> fault; // it failed while the array ran: never written again, no role

    bool isFaulty() const { return fault.has_value(); }
    bool hasRole() const { return role >= 0; }
    bool isRebuilding() const { return hasRole() && !inSync; } // also one that replaces
    bool stands() const { return hasRole() && !replaces; } // for its role, as far as it is valid
};

// The file of an external bitmap: the only copy of it.
struct BitmapFile
{
    std::string path;
    DevicePtr device;
    bool unflushed = false;
};

} // namespace bitmend
