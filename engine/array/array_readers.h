// SPDX-License-Identifier: Apache-2.0
// The members that reads go to, at one instant: immutable and shared, so that a read needs no lock.
// What is being rebuilt is looked at as md does: below its recovery_offset it holds what it should.
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
        std::uint64_t dataStart = 0;   // bytes
        std::uint64_t validEnd = kAll; // likewise, from dataStart: it is being rebuilt up to here

        // In sync. One that is being rebuilt is asked for what nobody else gives, or where its own
        // role is meant; as in md never at or behind the end of what is rebuilt.
        bool isWhole() const { return validEnd == kAll; }
        bool gives(std::uint64_t offset, std::uint64_t length) const
        {
            return offset <= validEnd && length <= validEnd - offset;
        }
    };

    // Of the stripes before its end: how to compute what the roles held that do not give all of
    // them. Of a stripe it is codes[stripe % codes.size()].
    struct Zone
    {
        std::uint64_t end = kAll; // a stripe
        std::vector<StripeCode> codes;
    };

    static constexpr std::uint64_t kAll = ~std::uint64_t{0};

    std::vector<Reader> all;           // as a mirror's copies are asked: those in sync first
    std::vector<const Reader*> byRole; // null: neither in sync nor being rebuilt
    std::vector<Zone> zones;           // of levels 4, 5 and 6: in order, the last without an end

    // What follows from `all`, which stays as it is from then on.
    void settle(const Geometry& geometry);

    const StripeCode& codeOf(std::uint64_t stripe) const
    {
        auto zone = zones.begin();
        while (stripe >= zone->end)
            ++zone;
        return zone->codes[stripe % zone->codes.size()];
    }

private:
    std::vector<StripeCode> codesBefore(const Geometry& geometry, std::uint64_t zoneEnd) const;
};

} // namespace bitmend
