// SPDX-License-Identifier: Apache-2.0
#include "engine/array/assembly_parts.h"

#include <algorithm>
#include <tuple>

namespace bitmend {

namespace {

bool is090(const FoundSuperblock& found)
{
    return found.superblock->version == MetadataVersion::V0_90;
}

bool isRefused(const FoundSuperblock& found)
{
    return std::ranges::any_of(found.problems,
        [&](const Problem& problem) { return refusesMember(*found.superblock, problem); });
}

void collect(const SourceReport& source, std::vector<Candidate>& candidates)
{
    for (const auto& found : source.found) {
        if (found.superblock && !found.leftBehind && !found.ambiguous)
            candidates.push_back({source.path, &found, {}});
    }
    for (const auto& partition : source.partitions)
        collect(partition, candidates);
}

// A source has one member's data on it, whatever number of superblocks it carries: old ones
// survive at the other end of a disk that was used again. The likeliest is the one that other
// sources confirm, then the one whose array was made last (that is how mdadm decides).
void overrule(std::vector<Candidate>& candidates)
{
    const auto confirmations = [&](const Candidate& candidate) {
        return std::ranges::count_if(candidates, [&](const Candidate& other) {
            return other.path != candidate.path &&
                   other.found->superblock->arrayUuid == candidate.found->superblock->arrayUuid &&
                   !isRefused(*other.found);
        });
    };
    const auto likelihood = [&](const Candidate& candidate) {
        const Superblock& superblock = *candidate.found->superblock;
        return std::tuple(!isRefused(*candidate.found), confirmations(candidate), superblock.ctime,
            superblock.utime, superblock.events);
    };

    for (auto first = candidates.begin(); first != candidates.end();) {
        const auto last = std::find_if(
            first, candidates.end(), [&](const Candidate& c) { return c.path != first->path; });
        if (last - first > 1) {
            const auto best = std::max_element(first, last,
                [&](const auto& a, const auto& b) { return likelihood(a) < likelihood(b); });
            for (auto it = first; it != last; ++it) {
                if (it != best)
                    it->overruledBy = toString(best->found->superblock->version);
            }
        }
        first = last;
    }
}

} // namespace

std::vector<CandidateGroup> groupCandidates(const ScanReport& report)
{
    std::vector<Candidate> candidates;
    for (const auto& source : report.sources)
        collect(source, candidates);
    overrule(candidates);

    std::vector<CandidateGroup> groups;
    for (auto& candidate : candidates) {
        const Uuid& uuid = candidate.found->superblock->arrayUuid;
        const bool old = is090(*candidate.found);
        auto group = std::ranges::find_if(
            groups, [&](const CandidateGroup& g) { return g.uuid == uuid && g.is090 == old; });
        if (group == groups.end())
            group = groups.insert(groups.end(), {uuid, old, {}});
        group->candidates.push_back(std::move(candidate));
    }
    return groups;
}

} // namespace bitmend
