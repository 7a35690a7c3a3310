// SPDX-License-Identifier: Apache-2.0
// Who is who. The order of the tests is the kernel's; what it decides silently against the data is
// marked for a person instead.
#include "engine/array/assembly_judge.h"

#include "engine/base/endian.h"

#include <cstring>
#include <optional>
#include <tuple>

namespace bitmend {

namespace {

// The first 32 words of 0.90 but nr_disks are the array's, and equal on all members.
std::optional<std::uint64_t> differingWord(const Superblock& a, const Superblock& b)
{
    constexpr std::size_t kFixedWords = 32;
    constexpr std::size_t kNrDisks = 9;
    if (a.raw.size() < kFixedWords * 4 || b.raw.size() < kFixedWords * 4)
        return std::nullopt;
    const auto word = [](const Superblock& from, std::size_t index) {
        le32 value;
        std::memcpy(&value, from.raw.data() + index * 4, sizeof value);
        return value.read(from.byteOrder);
    };
    for (std::size_t index = 0; index < kFixedWords; ++index) {
        if (index != kNrDisks && word(a, index) != word(b, index))
            return index;
    }
    return std::nullopt;
}

Member memberOf(const Candidate& candidate)
{
    const FoundSuperblock& found = *candidate.found;
    const Superblock& superblock = *found.superblock;
    Member member;
    member.path = candidate.path;
    member.role = roleNumber(superblock.role());
    member.devNumber = superblock.devNumber <= 0xffff ? int(superblock.devNumber) : -1;
    member.deviceUuid = superblock.deviceUuid;
    member.writeMostly = superblock.isWriteMostly();
    member.events = superblock.events;
    member.updateTime = superblock.utime;
    member.superblock = found.superblock;
    member.problems = found.problems;
    member.bitmap = found.bitmap;
    member.badBlocks = found.badBlocks;
    return member;
}

// The same member twice: a disk and its image, two clones. 0.90 has no UUID per member, but
// identical bytes say the same.
bool isCopy(const Member& a, const Member& b)
{
    if (!a.deviceUuid.isNull() || !b.deviceUuid.isNull())
        return a.deviceUuid == b.deviceUuid;
    return a.devNumber == b.devNumber && a.events == b.events &&
           a.superblock->storedChecksum == b.superblock->storedChecksum;
}

} // namespace

std::uint64_t slotCount(const Superblock& superblock)
{
    std::uint64_t count = superblock.raidDisks;
    if (superblock.reshape && superblock.reshape->deltaDisks < 0)
        count += std::uint64_t(-std::int64_t(superblock.reshape->deltaDisks));
    return count;
}

Role roleIn(const Superblock& table, int devNumber)
{
    const auto index = std::size_t(devNumber);
    return devNumber >= 0 && index < table.devRoles.size() ? table.devRoles[index] : kRoleSpare;
}

void Judge::listMembers()
{
    m_members.reserve(m_group.candidates.size());
    for (const auto& candidate : m_group.candidates)
        m_members.push_back(memberOf(candidate));
    for (std::size_t i = 0; i < m_members.size(); ++i) {
        Member& member = m_members[i];
        const auto refuses = [&](const Problem& problem) {
            return refusesMember(*member.superblock, problem);
        };
        if (std::ranges::find(m_choices.leaveOut, member.path) != m_choices.leaveOut.end()) {
            settle(member, MemberState::Missing, {ReasonCode::ChosenAgainst, 0, 0, {}});
        } else if (!m_group.candidates[i].overruledBy.empty()) {
            settle(member, MemberState::Foreign,
                {ReasonCode::OtherSuperblockCounts, 0, 0, m_group.candidates[i].overruledBy});
        } else if (std::ranges::any_of(member.problems, refuses)) {
            settle(member, MemberState::Damaged, {ReasonCode::SuperblockRefused, 0, 0, {}});
        }
    }
}

void Judge::findDuplicates()
{
    for (auto& member : m_members) {
        if (settled(member))
            continue;
        for (auto& other : m_members) {
            if (&other == &member || settled(other) || !isCopy(member, other) || chosen(other))
                continue;
            const bool better = chosen(member) || member.events > other.events ||
                                (member.events == other.events && &member < &other);
            if (!better)
                continue;
            settle(other, MemberState::Duplicate,
                {ReasonCode::SameDeviceUuid, other.superblock->devNumber, 0, member.path});
            // Copies that lived on by themselves: equally new, yet not the same.
            if (member.events == other.events && !chosen(member) &&
                member.superblock->storedChecksum != other.superblock->storedChecksum) {
                m_draft.needsChoice = true;
                m_draft.blockers.push_back({RemarkCode::SameRoleTwice,
                    std::uint64_t(std::max(member.role, 0)), 0, other.path});
            }
        }
    }
}

// The kernel: the highest event count among members that are no spares. On equal counts the member
// it was given last, which with mdadm is the one in the lowest slot.
void Judge::electReference()
{
    const auto rank = [](const Member& member) {
        const bool replacement = member.superblock->has(feature::kReplacement);
        // The kernel does not even see a superblock of the other byte order.
        const bool foreign = member.superblock->byteOrder != std::endian::native;
        return std::tuple(foreign, ~member.events, replacement, member.superblock->role());
    };
    const auto eligible = [&](const Member& member) {
        const Role role = ownRole(member);
        return !settled(member) && (role < kRoleLimit || role == kRoleJournal);
    };
    for (auto& member : m_members) {
        if (settled(member))
            continue;
        if (chosen(member)) {
            m_reference = &member;
            return;
        }
        if (eligible(member) && (!m_reference || rank(member) < rank(*m_reference)))
            m_reference = &member;
    }
}

// False, with the reason, for a member that the kernel would not put beside the reference.
bool Judge::belongs(Member& member)
{
    const Superblock& own = *member.superblock;
    const Superblock& fresh = *m_reference->superblock;
    Reason reason{ReasonCode::None, 0, 0, m_reference->path};
    if (own.byteOrder != fresh.byteOrder) {
        settle(member, MemberState::Damaged, {ReasonCode::SuperblockRefused, 0, 0, {}});
        return false;
    }
    if (m_group.is090) {
        if (const auto word = differingWord(own, fresh))
            reason = {ReasonCode::FixedFieldsDiffer, *word, 0, m_reference->path};
    } else if (own.level != fresh.level) {
        reason.code = ReasonCode::LevelDiffers;
    } else if (own.layout != fresh.layout) {
        reason.code = ReasonCode::LayoutDiffers;
    } else if (own.chunk != fresh.chunk) {
        reason.code = ReasonCode::ChunkDiffers;
    }
    if (reason.code == ReasonCode::None)
        return true;
    settle(member, MemberState::Foreign, std::move(reason));
    return false;
}

void Judge::judgeOne(Member& member)
{
    if (isReference(member)) {
        slot(member, ownRole(member));
        return;
    }
    if (!belongs(member))
        return;

    const Role own = ownRole(member);
    const bool counts = own < kRoleLimit || own == kRoleJournal;
    if (counts && member.events + 1 < m_reference->events) {
        const std::int64_t seconds = m_reference->updateTime - member.updateTime;
        settle(member, MemberState::Stale,
            {ReasonCode::EventsBehind, m_reference->events - member.events,
                std::uint64_t(std::max<std::int64_t>(seconds, 0)), m_reference->path});
        return;
    }
    if (counts && member.events > m_reference->events) {
        // Only when a person made an older member the reference.
        settle(member, MemberState::Stale, {ReasonCode::ChosenAgainst, 0, 0, m_reference->path});
        return;
    }
    giveRole(member);
}

// A member that is one update behind may have been failed in that very update: the freshest table
// knows, its own does not. 0.90 has only the member's own descriptor.
void Judge::giveRole(Member& member)
{
    const Role own = ownRole(member);
    if (m_group.is090 || own >= kRoleLimit || member.events == m_reference->events ||
        given(member)) {
        slot(member, own);
    } else {
        const Role role = roleIn(*m_reference->superblock, member.devNumber);
        slot(member, role);
        if (member.state == MemberState::Spare && member.reason.code == ReasonCode::IdleSpare)
            member.reason = {ReasonCode::NotInTable, 0, 0, m_reference->path};
        if (member.state == MemberState::Faulty)
            member.reason.where = m_reference->path;
    }
    const std::uint64_t behind =
        m_reference->events > member.events ? m_reference->events - member.events : 0;
    if (behind != 0 && member.state == MemberState::InSync)
        member.reason = {ReasonCode::OneEventBehind, behind, 0, m_reference->path};
    const Role recorded = behind == 0 || m_group.is090
                              ? member.superblock->role()
                              : roleIn(*m_reference->superblock, member.devNumber);
    if (given(member) && recorded != own && member.state == MemberState::InSync)
        member.reason = {ReasonCode::RoleGiven, own, 0, {}};
}

void Judge::slot(Member& member, Role role)
{
    const Superblock& superblock = *member.superblock;
    member.role = roleNumber(role);
    if (role == kRoleFaulty) {
        settle(member, MemberState::Faulty, {ReasonCode::RecordedFaulty, 0, 0, member.path});
    } else if (role == kRoleJournal && !superblock.has(feature::kJournal) && !isReference(member)) {
        settle(member, MemberState::Damaged, {ReasonCode::SuperblockRefused, 0, 0, {}});
    } else if (role == kRoleJournal) {
        settle(member, MemberState::Journal, {ReasonCode::JournalDevice, 0, 0, {}});
    } else if (role >= kRoleLimit) {
        settle(member, MemberState::Spare, {ReasonCode::IdleSpare, 0, 0, {}});
    } else if (role >= slotCount(*m_reference->superblock)) {
        member.role = -1;
        settle(member, MemberState::Spare, {ReasonCode::RoleBeyondArray, role, 0, {}});
    } else if (superblock.has(feature::kRecoveryOffset)) {
        const bool byBitmap = superblock.has(feature::kRecoveryBitmap);
        member.state = MemberState::Rebuilding;
        member.reason = {byBitmap ? ReasonCode::RecoveryByBitmap : ReasonCode::RecoveryUnderway,
            superblock.recoveryOffset.count, superblock.componentSize.count, {}};
    } else {
        member.state = MemberState::InSync;
        member.reason = {};
    }
}

Draft Judge::run()
{
    listMembers();
    findDuplicates();
    electReference();
    if (m_reference != nullptr) {
        m_reference->isFreshest = true;
        for (auto& member : m_members) {
            if (!settled(member))
                judgeOne(member);
        }
        acceptStale();
        findSplit();
        resolveRoles();
        numberGiven();
        checkUsed();
    } else {
        for (auto& member : m_members) {
            const bool faulty = member.superblock->role() == kRoleFaulty;
            if (!settled(member)) {
                settle(member, faulty ? MemberState::Faulty : MemberState::Spare,
                    {faulty ? ReasonCode::RecordedFaulty : ReasonCode::IdleSpare, 0, 0,
                        faulty ? member.path : std::string()});
            }
        }
    }
    describe();
    m_draft.array.members = m_members;
    if (m_reference != nullptr)
        addMissing();
    sortMembers();
    return std::move(m_draft);
}

bool refusesMember(const Superblock& superblock, const Problem& problem)
{
    if (problem.severity != Severity::KernelRefuses)
        return false;
    switch (problem.code) {
    case ProblemCode::BadChecksum:
    case ProblemCode::BadMajorVersion:
    case ProblemCode::BadMinorVersion:
    case ProblemCode::PaddingNotZero:
    case ProblemCode::RoleTableTooLarge:
    case ProblemCode::NotWhereItSays:
    case ProblemCode::UnknownFeature:
    case ProblemCode::DataSizeTooSmall:
    case ProblemCode::DataSizeTooLarge:
    case ProblemCode::DataOverlapsSuperblock:
    case ProblemCode::Raid0LayoutOnOtherLevel:
    case ProblemCode::BadBlocksWithoutLog:
    case ProblemCode::BadBlockLogTooLarge:
    case ProblemCode::ComponentBeyondDevice:
        return true;
    case ProblemCode::NoRaidDisks:
    case ProblemCode::DevNumberOutOfRange:
        return superblock.version == MetadataVersion::V0_90;
    default:
        return false;
    }
}

Draft judge(const CandidateGroup& group, const AssemblyChoices& choices)
{
    return Judge(group, choices).run();
}

Geometry geometryOf(const Superblock& superblock)
{
    Geometry geometry;
    geometry.level = superblock.level;
    geometry.layout = superblock.layout;
    geometry.raidDisks =
        superblock.raidDisks <= kRoleLimit ? int(superblock.raidDisks) : int(kRoleLimit);
    geometry.chunk = superblock.chunk;
    geometry.componentSize = superblock.componentSize;
    geometry.hasLayout = superblock.level != 0 || superblock.has(feature::kRaid0Layout);
    return geometry;
}

} // namespace bitmend
