// SPDX-License-Identifier: Apache-2.0
// The members that reads go to, at one instant: immutable and shared, so that a read needs no lock.
#pragma once

#include "engine/array/array_member.h"
#include "engine/raid/parity.h"

#include <cstdint>
#include <vector>

namespace bitmend {

struct ArrayReaders
{
    struct Reader
    {
        int role = -1;
        SourcePtr source;
        std::uint64_t dataStart = 0; // bytes
    };

    std::vector<Reader> trusted;       // in sync, in the order in which a mirror's copies are asked
    std::vector<const Reader*> byRole; // null: not in sync

    // Levels 4, 5 and 6: how to compute what the roles not in sync held. Of a stripe it is
    // codes[stripe % codes.size()].
    std::vector<StripeCode> codes;
};

} // namespace bitmend
