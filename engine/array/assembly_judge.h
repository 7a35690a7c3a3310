// SPDX-License-Identifier: Apache-2.0
// Judging one array's candidates: the members, the freshest of them, states, conflicts.
#pragma once

#include "engine/array/assembly_parts.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bitmend {

class Judge
{
public:
    Judge(const CandidateGroup& group, const AssemblyChoices& choices)
        : m_group(group)
        , m_choices(choices)
    {
    }

    Draft run();

private:
    void listMembers();
    void findDuplicates();
    void electReference();
    void judgeOne(Member& member);
    bool belongs(Member& member);
    void giveRole(Member& member);
    void slot(Member& member, Role role);
    void acceptStale();
    void numberGiven();
    bool countsOnOurs(const Member& member) const;
    void findSplit();
    void resolveRoles();
    void resolveRole(std::vector<Member*>& claims);
    void checkUsed();
    void checkUsed(const Member& member, const Problem& problem);
    void addMissing();
    void sortMembers();
    void describe();

    bool isReference(const Member& member) const { return &member == m_reference; }
    bool chosen(const Member& member) const
    {
        return !m_choices.reference.empty() && m_choices.reference == member.path;
    }
    void settle(Member& member, MemberState state, Reason reason)
    {
        member.state = state;
        member.reason = std::move(reason);
        m_settled.push_back(&member);
    }
    // A role that a person gave this member; none: what its table says counts.
    std::optional<Role> given(const Member& member) const;
    Role ownRole(const Member& member) const
    {
        return given(member).value_or(member.superblock->role());
    }
    bool settled(const Member& member) const
    {
        return std::ranges::find(m_settled, &member) != m_settled.end();
    }

    const CandidateGroup& m_group;
    const AssemblyChoices& m_choices;
    Draft m_draft;
    std::vector<Member> m_members;        // fixed in number while judging
    std::vector<const Member*> m_settled; // out of the running, with their final state
    Member* m_reference = nullptr;
};

// Left out for its event count or by the newest table alone, so that a person may accept it.
bool couldBeAccepted(const Member& member, std::uint64_t slots);

// Those of the candidates, by their roles, that are needed before an array with these in sync
// starts, being dirty or not: the freshest first, and whoever is exactly as fresh as the last of
// them. All of them when even that is not enough.
std::vector<const Member*> neededToStart(std::vector<const Member*> candidates,
    const Geometry& geometry, std::vector<bool> inSync, bool dirty);

inline constexpr std::uint64_t kMostSlots = 1920; // entries of the largest role table

inline bool hasOwnRole(const Member& member) { return member.superblock->role() < kRoleLimit; }

inline int roleNumber(Role role) { return role < kRoleLimit ? int(role) : -1; }

// Slots that a role may name: while shrinking, those that will go are still there.
std::uint64_t slotCount(const Superblock& superblock);

// What `table` says about the member that calls itself `devNumber`.
Role roleIn(const Superblock& table, int devNumber);

} // namespace bitmend
