// SPDX-License-Identifier: Apache-2.0
// Levels 4, 5 and 6: what each member holds in one stripe, that is in the chunk that begins at
// member sector stripe * chunk.
#pragma once

#include "engine/raid/geometry.h"

#include <cstdint>
#include <vector>

namespace bitmend {

struct StripeRoles
{
    int p = -1;
    int q = -1;                 // -1 on levels 4 and 5
    std::vector<int> data;      // the role that holds the k-th data chunk, in the array's order
    std::vector<int> exponents; // by role: Q counts this member 2^exponent times; -1 for P and Q

    int members() const { return int(exponents.size()); }

    bool operator==(const StripeRoles&) const = default;
};

// The geometry has been validated.
StripeRoles stripeRoles(const Geometry& geometry, std::uint64_t stripe);

// Roles repeat after so many stripes, so whoever walks an array needs no more StripeRoles than
// this.
int stripePeriod(const Geometry& geometry);

} // namespace bitmend
