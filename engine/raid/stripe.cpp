// SPDX-License-Identifier: Apache-2.0
#include "engine/raid/stripe.h"

#include "engine/base/assert.h"
#include "engine/raid/parity_layout.h"

namespace bitmend {

namespace {

// Walks the members in a circle, over the data only, from behind the one given.
void countFromBehind(int behind, StripeRoles& roles)
{
    const int members = roles.members();
    int exponent = 0;
    for (int step = 1; step <= members; ++step) {
        const int role = (behind + step) % members;
        if (role != roles.p && role != roles.q)
            roles.exponents[std::size_t(role)] = exponent++;
    }
}

} // namespace

StripeRoles stripeRoles(const Geometry& geometry, std::uint64_t stripe)
{
    const ParityLayout* layout = parityLayout(geometry);
    BM_ASSERT(layout != nullptr);
    const auto members = std::uint64_t(geometry.raidDisks);
    const ParityRow row = parityRow(*layout, members, stripe);

    StripeRoles roles;
    roles.p = int(row.p);
    roles.q = layout->q == QPlace::None ? -1 : int(row.q);
    roles.exponents.assign(std::size_t(members), -1);
    const std::uint64_t dataBlocks = members - parityCount(geometry);
    roles.data.reserve(dataBlocks);
    for (std::uint64_t k = 0; k < dataBlocks; ++k)
        roles.data.push_back(int(dataSlot(*layout, row, k)));

    if (layout->qOrder == QOrder::BySlot) {
        for (const int role : roles.data)
            roles.exponents[std::size_t(role)] = role;
    } else {
        countFromBehind(int(row.q), roles);
    }
    return roles;
}

int stripePeriod(const Geometry& geometry)
{
    const ParityLayout* layout = parityLayout(geometry);
    BM_ASSERT(layout != nullptr);
    if (layout->turn == Turn::First || layout->turn == Turn::Last)
        return 1;
    return layout->q == QPlace::LastSlot ? geometry.raidDisks - 1 : geometry.raidDisks;
}

} // namespace bitmend
