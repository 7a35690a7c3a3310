// SPDX-License-Identifier: Apache-2.0
// The judge's ear for a person's choices of force: members that are taken although they fell
// behind, and roles that are given to members whose tables do not have them.
#include "engine/array/assembly_judge.h"

#include <algorithm>

namespace bitmend {

namespace {

// Left out by the event counts or by the newest table, and by nothing else.
bool isBehind(const Member& member)
{
    switch (member.state) {
    case MemberState::Stale:
        return member.reason.code == ReasonCode::EventsBehind;
    case MemberState::Faulty:
        return member.reason.where != member.path;
    case MemberState::Spare:
        return member.reason.code == ReasonCode::NotInTable;
    default:
        return false;
    }
}

} // namespace

bool couldBeAccepted(const Member& member, std::uint64_t slots)
{
    return isBehind(member) && !member.superblock->has(feature::kRecoveryOffset) &&
           member.superblock->role() < slots;
}

std::vector<const Member*> neededToStart(std::vector<const Member*> candidates,
    const Geometry& geometry, std::vector<bool> inSync, bool dirty)
{
    const auto* level = personality(geometry.level);
    std::ranges::stable_sort(
        candidates, std::ranges::greater{}, [](const Member* member) { return member->events; });
    std::vector<const Member*> needed;
    for (const Member* member : candidates) {
        const bool asFresh = !needed.empty() && needed.back()->events == member->events;
        if (!asFresh && level != nullptr && level->canStart(geometry, inSync, dirty))
            break;
        const auto role =
            member->role >= 0 ? std::size_t(member->role) : std::size_t(member->superblock->role());
        if (role >= inSync.size() || inSync[role])
            continue;
        inSync[role] = true;
        needed.push_back(member);
    }
    return needed;
}

std::optional<Role> Judge::given(const Member& member) const
{
    const auto found = std::ranges::find(m_choices.roles, member.path, &GivenRole::path);
    if (found == m_choices.roles.end() || found->role < 0 || found->role >= int(kRoleLimit))
        return std::nullopt;
    return Role(found->role);
}

// mdadm's way of forcing, for the members that were named: the freshest first, and only while the
// array cannot start without.
void Judge::acceptStale()
{
    const Superblock& fresh = *m_reference->superblock;
    const Geometry geometry = geometryOf(fresh);
    std::vector<bool> inSync(std::min<std::uint64_t>(fresh.raidDisks, kMostSlots), false);
    std::vector<bool> taken(inSync.size(), false);
    for (const auto& member : m_members) {
        const auto role = std::size_t(member.role);
        if (settled(member) || member.role < 0 || role >= inSync.size())
            continue;
        taken[role] = true;
        inSync[role] = member.state == MemberState::InSync;
    }
    std::vector<const Member*> candidates;
    for (auto& member : m_members) {
        const auto& accepted = m_choices.acceptStale;
        if (std::ranges::find(accepted, member.path) == accepted.end() || !isBehind(member))
            continue;
        const Role role = ownRole(member);
        const std::int64_t seconds = m_reference->updateTime - member.updateTime;
        member.reason = {ReasonCode::AcceptanceImpossible, m_reference->events - member.events,
            std::uint64_t(std::max<std::int64_t>(seconds, 0)), m_reference->path};
        if (role >= inSync.size() || taken[role] ||
            member.superblock->has(feature::kRecoveryOffset))
            continue;
        member.role = int(role);
        member.reason.code = ReasonCode::AcceptanceNotNeeded;
        candidates.push_back(&member);
    }
    // A dirty one starts with all of them, or when a person accepts that as well.
    const bool dirty = fresh.isDirty() && !m_choices.acceptDirtyDegraded;
    for (const Member* needed : neededToStart(candidates, geometry, inSync, dirty)) {
        Member& member = m_members[std::size_t(needed - m_members.data())];
        std::erase(m_settled, needed);
        member.state = MemberState::InSync;
        member.reason.code = ReasonCode::AcceptedStale;
    }
}

// In the table everyone has a place of their own; a member whose number is taken gets a free one.
void Judge::numberGiven()
{
    const auto isTaken = [&](const Member& asking, int number) {
        return std::ranges::any_of(m_members,
            [&](const Member& member) { return &member != &asking && member.devNumber == number; });
    };
    for (auto& member : m_members) {
        if (member.state != MemberState::InSync || !given(member))
            continue;
        const bool inTable = member.devNumber >= 0 &&
                             std::size_t(member.devNumber) < member.superblock->devRoles.size();
        if (inTable && !isTaken(member, member.devNumber))
            continue;
        int number = 0;
        while (isTaken(member, number))
            ++number;
        member.devNumber = number;
    }
}

} // namespace bitmend
