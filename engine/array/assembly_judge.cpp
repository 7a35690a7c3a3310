// SPDX-License-Identifier: Apache-2.0
// Who is who. The order of the tests is the kernel's; what it decides silently against the data is
// marked for a person instead.
#include "engine/array/assembly_parts.h"
#include "engine/base/endian.h"

#include <algorithm>
#include <cstring>
#include <tuple>

namespace bitmend {

namespace {

constexpr std::uint64_t kMostMembers = 1920; // entries of the largest role table

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

bool hasOwnRole(const Member& member) { return member.superblock->role() < kRoleLimit; }

int roleNumber(Role role) { return role < kRoleLimit ? int(role) : -1; }

std::uint64_t slots(const Superblock& superblock)
{
    std::uint64_t count = superblock.raidDisks;
    if (superblock.reshape && superblock.reshape->deltaDisks < 0)
        count += std::uint64_t(-std::int64_t(superblock.reshape->deltaDisks));
    return count;
}

// What `table` says about the member that calls itself `devNumber`.
Role roleIn(const Superblock& table, int devNumber)
{
    const auto index = std::size_t(devNumber);
    return devNumber >= 0 && index < table.devRoles.size() ? table.devRoles[index] : kRoleSpare;
}

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
    return member;
}

void Judge::listMembers()
{
    for (const auto& candidate : m_group.candidates)
        m_members.push_back(memberOf(candidate));
    for (std::size_t i = 0; i < m_members.size(); ++i) {
        Member& member = m_members[i];
        const auto refuses = [&](const Problem& problem) {
            return refusesMember(*member.superblock, problem);
        };
        if (std::ranges::find(m_choices.leaveOut, member.path) != m_choices.leaveOut.end())
            settle(member, MemberState::Missing, {ReasonCode::ChosenAgainst, 0, 0, {}});
        else if (!m_group.candidates[i].overruledBy.empty())
            settle(member, MemberState::Foreign,
                {ReasonCode::OtherSuperblockCounts, 0, 0, m_group.candidates[i].overruledBy});
        else if (std::ranges::any_of(member.problems, refuses))
            settle(member, MemberState::Damaged, {ReasonCode::SuperblockRefused, 0, 0, {}});
    }
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
        return std::tuple(~member.events, member.superblock->role(), replacement);
    };
    const auto eligible = [&](const Member& member) {
        const Role role = member.superblock->role();
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
        slot(member, member.superblock->role());
        return;
    }
    if (!belongs(member))
        return;

    const Role own = member.superblock->role();
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
    const Role own = member.superblock->role();
    if (m_group.is090 || own >= kRoleLimit || member.events == m_reference->events) {
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
    } else if (role >= slots(*m_reference->superblock)) {
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

// Each half ran without the other and says so. Whichever has more events, the other's data are not
// older but different.
void Judge::findSplit()
{
    const Superblock& fresh = *m_reference->superblock;
    if (!hasOwnRole(*m_reference))
        return;
    for (auto& member : m_members) {
        if (isReference(member) || !hasOwnRole(member))
            continue;
        const bool stale =
            member.state == MemberState::Stale && member.reason.code != ReasonCode::ChosenAgainst;
        if (settled(member) && member.state != MemberState::Stale &&
            member.state != MemberState::Faulty && member.reason.code != ReasonCode::NotInTable)
            continue;
        const Superblock& own = *member.superblock;
        const Role ourRole = roleIn(own, m_reference->devNumber);
        const bool weCallItMissing = roleIn(fresh, member.devNumber) != own.role();
        // One side alone is enough where the other cannot just be older: it recorded a failure
        // that the reference knows nothing of.
        const bool split =
            weCallItMissing ? ourRole != fresh.role() : !stale && ourRole == kRoleFaulty;
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
            return std::tuple(!isReference(*member), member->superblock->has(feature::kReplacement),
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
        std::min(slots(*m_reference->superblock), kMostMembers));
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
    const Role role = m_reference->superblock->role();
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
            if (problem.bars())
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
    if (fresh.raidDisks > kMostMembers)
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
        findSplit();
        resolveRoles();
        checkUsed();
    } else {
        for (auto& member : m_members) {
            const bool faulty = member.superblock->role() == kRoleFaulty;
            if (!settled(member))
                settle(member, faulty ? MemberState::Faulty : MemberState::Spare,
                    {faulty ? ReasonCode::RecordedFaulty : ReasonCode::IdleSpare, 0, 0,
                        faulty ? member.path : std::string()});
        }
    }
    describe();
    m_draft.array.members = m_members;
    if (m_reference != nullptr)
        addMissing();
    sortMembers();
    return std::move(m_draft);
}

} // namespace

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
