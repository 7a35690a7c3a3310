// SPDX-License-Identifier: Apache-2.0
// Which members more would be enough to start an array, by the rule of its level.
#pragma once

#include "engine/raid/geometry.h"

#include <vector>

namespace bitmend {

struct Lack
{
    int count = 0;          // so many
    std::vector<int> roles; // of these, whichever they are; ascending

    bool operator==(const Lack&) const = default;
};

// All of them have to be met, and no more; nothing when it starts with these in sync, or has no
// members. On level 10 there is one for each set of copies without a member, on all others one at
// most.
std::vector<Lack> whatLacks(const Geometry& geometry, const std::vector<bool>& inSync, bool dirty);

} // namespace bitmend
