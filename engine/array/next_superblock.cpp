// SPDX-License-Identifier: Apache-2.0
#include "engine/array/next_superblock.h"

#include "engine/metadata/descriptors090.h"

#include <algorithm>
#include <chrono>
#include <ranges>

namespace bitmend {

namespace {

bool is090(const ArrayState& state) { return state.reference->version == MetadataVersion::V0_90; }

std::vector<Role> roleTable(const ArrayState& state, std::size_t atLeast)
{
    for (const auto& member : state.members)
        atLeast = std::max<std::size_t>(atLeast, member.superblock->devNumber + 1);
    // Members that are not here any more lose their entry, as when the kernel writes the table.
    std::vector<Role> roles(atLeast, kRoleSpare);
    for (const auto& member : state.members) {
        if (member.isFaulty())
            roles[member.superblock->devNumber] = kRoleFaulty;
        if (member.hasRole())
            roles[member.superblock->devNumber] = static_cast<Role>(member.role);
    }
    return roles;
}

// A member in sync has the number of its slot; all others follow behind the slots. There is no
// place for how far a recovery got, so a member that is being recovered is listed as a spare.
std::vector<Listing090> listing090(const ArrayState& state)
{
    std::vector<Listing090> members;
    auto next = state.reference->raidDisks;
    // The kernel goes through its list from the last added to the first.
    for (const auto& member : std::views::reverse(state.members)) {
        const auto number = member.inSync ? static_cast<std::uint32_t>(member.role) : next++;
        const auto idle = member.isFaulty() ? kRoleFaulty : kRoleSpare;
        const auto role = member.inSync ? static_cast<Role>(member.role) : idle;
        members.push_back({member.superblock.get(), number, role});
    }
    return members;
}

} // namespace

Superblock nextSuperblock(const ArrayState& state, const ArrayMember& member)
{
    Superblock next = *member.superblock;
    next.componentSize = state.componentSize;
    next.raidDisks = state.reference->raidDisks;
    next.layout = state.reference->layout;
    next.chunk = state.reference->chunk;
    next.featureMap = state.hasInternalBitmap() ? feature::kBitmapOffset : 0;
    if (!member.badSettled.empty())
        next.featureMap |= feature::kBadBlocks;
    next.recoveryOffset = {};
    if (state.hasInternalBitmap())
        next.bitmapOffset = state.reference->bitmapOffset;
    next.utime = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch())
                     .count();
    next.events = state.events;
    next.resyncOffset = state.storedResyncOffset();
    if (is090(state)) {
        listMembers(next, listing090(state), member.superblock.get());
        return next;
    }
    if (member.isRebuilding()) {
        next.featureMap |= feature::kRecoveryOffset;
        next.recoveryOffset = member.recoveryOffset;
        if (member.byBitmap)
            next.featureMap |= feature::kRecoveryBitmap;
        if (member.replaces)
            next.featureMap |= feature::kReplacement;
    }
    next.devRoles = roleTable(state, next.devRoles.size());
    return next;
}

Superblock spareSuperblock(const ArrayState& state, Superblock drawnUp)
{
    drawnUp.featureMap = state.hasInternalBitmap() ? feature::kBitmapOffset : 0;
    drawnUp.recoveryOffset = {};
    drawnUp.devFlags = 0;
    drawnUp.correctedReads = 0;
    drawnUp.events = 0; // a spare's: nothing that it says about the array is believed
    drawnUp.resyncOffset = state.storedResyncOffset();
    if (is090(state)) {
        auto members = listing090(state);
        members.push_back({nullptr, drawnUp.devNumber, kRoleSpare});
        listMembers(drawnUp, members, nullptr);
        return drawnUp;
    }
    drawnUp.devRoles =
        roleTable(state, std::max<std::size_t>(drawnUp.devRoles.size(), drawnUp.devNumber + 1));
    return drawnUp;
}

} // namespace bitmend
