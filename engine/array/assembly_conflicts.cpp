// SPDX-License-Identifier: Apache-2.0
// Members that contradict each other or themselves, and what is left when that is settled.
#include "engine/array/assembly_judge.h"

#include <span>
#include <tuple>

namespace bitmend {

namespace {

// What does not matter any more once a person has said which role it is.
bool concernsItsRole(const Problem& problem)
{
    return problem.code == ProblemCode::DevNumberOutOfRange ||
           problem.code == ProblemCode::RoleBeyondRaidDisks ||
           problem.code == ProblemCode::JournalRoleWithoutFeature ||
           problem.code == ProblemCode::TruncatedRoleTable;
}

} // namespace

// Whether it was last together with somebody who then went on without it, in the reference's half.
// The reference itself may have come later, so that the member never heard of it.
bool Judge::countsOnOurs(const Member& member) const
{
    const Superblock& fresh = *m_reference->superblock;
    return std::ranges::any_of(m_members, [&](const Member& other) {
        return &other != &member && !isReference(other) && hasOwnRole(other) &&
               other.events + 1 >= m_reference->events &&
               roleIn(fresh, other.devNumber) == other.superblock->role() &&
               roleIn(*member.superblock, other.devNumber) == other.superblock->role();
    });
}

// Each half ran without the other and says so. Whichever has more events, the other's data are not
// older but different.
void Judge::findSplit()
{
    const Superblock& fresh = *m_reference->superblock;
    if (!hasOwnRole(*m_reference))
        return;
    for (auto& member : m_members) {
        if (isReference(member) || !hasOwnRole(member) || given(member))
            continue;
        const bool stale =
            member.isAccepted() ||
            (member.state == MemberState::Stale && member.reason.code != ReasonCode::ChosenAgainst);
        if (settled(member) && member.state != MemberState::Stale &&
            member.state != MemberState::Faulty && member.reason.code != ReasonCode::NotInTable)
            continue;
        const Superblock& own = *member.superblock;
        const Role ourRole = roleIn(own, m_reference->devNumber);
        const bool weCallItMissing = roleIn(fresh, member.devNumber) != own.role();
        // One side alone is enough where the other cannot just be older: it recorded a failure
        // that the reference knows nothing of.
        const bool split = weCallItMissing ? ourRole != fresh.role() && !countsOnOurs(member)
                                           : !stale && ourRole == kRoleFaulty;
        if (!split)
            continue;
        member.role = roleNumber(own.role());
        settle(member, MemberState::Foreign,
            {ReasonCode::SplitBrain, member.events, 0, m_reference->path});
        if (m_choices.reference.empty()) {
            m_draft.needsChoice = true;
            m_draft.blockers.push_back(
                {RemarkCode::SplitBrain, member.events, m_reference->events, member.path});
        }
    }
}

void Judge::resolveRole(std::vector<Member*>& claims)
{
    const auto better = [&](const Member* a, const Member* b) {
        const auto rank = [&](const Member* member) {
            // What replaces a member that is still there stands behind it, however new it is.
            return std::tuple(member->superblock->has(feature::kReplacement), !isReference(*member),
                ~member->events, member);
        };
        return rank(a) < rank(b);
    };
    std::ranges::sort(claims, better);
    Member& kept = *claims.front();
    for (Member* other : std::span(claims).subspan(1)) {
        const auto role = std::uint64_t(kept.role);
        if (other->superblock->has(feature::kReplacement) &&
            !kept.superblock->has(feature::kReplacement)) {
            settle(
                *other, MemberState::Replacement, {ReasonCode::ReplacesRole, role, 0, kept.path});
            continue;
        }
        const bool sameNumber = other->devNumber == kept.devNumber;
        settle(*other, MemberState::Duplicate,
            {sameNumber ? ReasonCode::SameDevNumber : ReasonCode::SameRoleTwice, role, 0,
                kept.path});
        if (other->events == kept.events && !chosen(kept)) {
            m_draft.needsChoice = true;
            m_draft.blockers.push_back({RemarkCode::SameRoleTwice, role, 0, other->path});
        }
    }
}

void Judge::resolveRoles()
{
    std::vector<std::vector<Member*>> claims(
        std::min(slotCount(*m_reference->superblock), kMostSlots));
    for (auto& member : m_members) {
        const bool claiming =
            member.state == MemberState::InSync || member.state == MemberState::Rebuilding;
        if (claiming && !settled(member) && member.role >= 0 &&
            std::size_t(member.role) < claims.size())
            claims[std::size_t(member.role)].push_back(&member);
    }
    for (auto& claim : claims) {
        if (claim.size() > 1)
            resolveRole(claim);
    }
}

// What is wrong with a member that is used, though the kernel takes it: rule one and rule three.
void Judge::checkUsed()
{
    const Role role = ownRole(*m_reference);
    if (m_reference->state == MemberState::Spare && role < kRoleLimit) {
        // The kernel makes the freshest member a spare without a word, and overwrites it.
        m_draft.blockers.push_back({RemarkCode::FreshestInconsistent, 0, 0, m_reference->path});
        m_draft.unsupported = true;
    }
    for (const auto& member : m_members) {
        const bool used = member.state == MemberState::InSync ||
                          member.state == MemberState::Rebuilding ||
                          member.state == MemberState::Replacement ||
                          member.state == MemberState::Journal || isReference(member);
        if (!used)
            continue;
        for (const auto& problem : member.problems) {
            if (problem.bars() && !(given(member) && concernsItsRole(problem)))
                checkUsed(member, problem);
        }
    }
}

void Judge::checkUsed(const Member& member, const Problem& problem)
{
    const auto block = [&](RemarkCode code, bool kernelToo) {
        const bool known = std::ranges::any_of(m_draft.blockers, [&](const Remark& remark) {
            return remark.code == code && remark.where == member.path;
        });
        if (!known)
            m_draft.blockers.push_back({code, 0, 0, member.path});
        m_draft.kernelRefuses = m_draft.kernelRefuses || kernelToo;
        m_draft.unsupported = true;
    };
    const bool kernelToo = problem.severity == Severity::KernelRefuses;
    switch (problem.code) {
    case ProblemCode::ComponentLargerThanData:
        block(RemarkCode::ComponentTooLarge, kernelToo);
        break;
    case ProblemCode::BitmapOnUnsuitableLevel:
        block(RemarkCode::Raid0BitmapPanics, true);
        break;
    case ProblemCode::BitmapOverlapsData:
    case ProblemCode::BitmapOverlapsSuperblock:
    case ProblemCode::BitmapBeyondDevice:
        block(RemarkCode::BitmapRefused, true);
        break;
    case ProblemCode::UnknownLevel: // the personality says it better
    case ProblemCode::BadLayout:
    case ProblemCode::BadChunk:
    case ProblemCode::NoRaidDisks:
        break;
    default:
        block(RemarkCode::FreshestInconsistent, kernelToo);
        break;
    }
}

void Judge::addMissing()
{
    const Superblock& fresh = *m_reference->superblock;
    if (fresh.raidDisks > kMostSlots)
        return;
    for (int role = 0; role < int(fresh.raidDisks); ++role) {
        const bool shown = std::ranges::any_of(m_members, [&](const Member& member) {
            return member.role == role && member.state != MemberState::Duplicate;
        });
        if (shown)
            continue;
        const bool expected = std::ranges::find(fresh.devRoles, Role(role)) != fresh.devRoles.end();
        Member missing;
        missing.role = role;
        missing.reason = {
            expected ? ReasonCode::NeverSeen : ReasonCode::WasRemoved, std::uint64_t(role), 0, {}};
        m_draft.array.members.push_back(std::move(missing));
    }
}

void Judge::sortMembers()
{
    const auto rank = [](const Member& member) {
        const int role = member.role < 0 ? int(kRoleLimit) : member.role;
        return std::tuple(role, member.state);
    };
    std::ranges::stable_sort(
        m_draft.array.members, [&](const Member& a, const Member& b) { return rank(a) < rank(b); });
}

void Judge::describe()
{
    ArrayReport& array = m_draft.array;
    const Member* speaker = m_reference;
    if (speaker == nullptr) {
        // No member that could lead. For a look, the newest that is left, damaged or not.
        const auto newest = std::ranges::max_element(m_members, {}, [](const Member& member) {
            return std::tuple(member.state != MemberState::Damaged, member.events);
        });
        speaker = &*newest;
    }
    const Superblock& superblock = *speaker->superblock;
    array.uuid = m_group.uuid;
    array.name = superblock.name.empty() ? toString(m_group.uuid).substr(0, 8) : superblock.name;
    array.version = superblock.version;
    array.geometry = geometryOf(superblock);
    array.events = superblock.events;
    array.createTime = superblock.ctime;
    array.resyncOffset = superblock.resyncOffset;
    if (speaker->state != MemberState::Damaged) {
        array.reference = speaker->path;
        array.superblock = speaker->superblock;
    }
}

} // namespace bitmend
