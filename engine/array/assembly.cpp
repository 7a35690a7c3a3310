// SPDX-License-Identifier: Apache-2.0
#include "engine/array/assembly.h"

#include "engine/array/assembly_parts.h"

#include <algorithm>
#include <tuple>

namespace bitmend {

namespace {

Draft assembled(
    const CandidateGroup& group, const ScanReport& report, const AssemblyChoices& choices)
{
    Draft draft = judge(group, choices);
    sizeUp(draft);
    settleForce(draft, choices);
    weighBitmap(draft, report);
    weighForce(draft);
    decideStart(draft);
    return draft;
}

} // namespace

std::vector<ArrayReport> findArrays(const ScanReport& report)
{
    const auto groups = groupCandidates(report);
    std::vector<ArrayReport> arrays;
    arrays.reserve(groups.size());
    for (const auto& group : groups)
        arrays.push_back(assembled(group, report, {}).array);
    std::ranges::stable_sort(arrays, [](const ArrayReport& a, const ArrayReport& b) {
        return std::tie(a.canStart, a.name, a.uuid) < std::tie(b.canStart, b.name, b.uuid);
    });
    return arrays;
}

Result<AssemblyPlan> planAssembly(
    const ScanReport& report, const Uuid& uuid, const AssemblyChoices& choices)
{
    const auto groups = groupCandidates(report);
    const CandidateGroup* asked = nullptr;
    for (const auto& group : groups) {
        // The same UUID in both formats: one was converted, and more sources say so.
        const bool more = asked == nullptr || group.candidates.size() > asked->candidates.size();
        if (group.uuid == uuid && more)
            asked = &group;
    }
    if (asked == nullptr)
        return fail(ErrorCode::NoSuchArray, toString(uuid));

    AssemblyPlan plan;
    auto draft = assembled(*asked, report, choices);
    plan.array = std::move(draft.array);
    plan.force = std::move(draft.force);
    plan.choices = choices;
    for (const bool spares : {false, true}) {
        for (const auto& member : plan.array.members) {
            if (takesPart(member) && (member.state == MemberState::Spare) == spares)
                plan.taking.push_back(member.path);
        }
    }
    plan.writes = plannedWrites(plan);
    if (plan.force) {
        const AssemblyChoices unforced{choices.leaveOut, choices.reference, choices.mode};
        plan.force->mdadm = forcedByMdadm(assembled(*asked, report, unforced).array);
        plan.force->changes = forcedChanges(plan);
    }
    return plan;
}

} // namespace bitmend
