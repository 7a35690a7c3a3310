// SPDX-License-Identifier: Apache-2.0
#include "engine/raid/lacking.h"

#include "engine/raid/personalities.h"

#include <algorithm>

namespace bitmend {

namespace {

std::vector<Lack> setsWithoutMember(const Geometry& geometry, const std::vector<bool>& inSync)
{
    std::vector<Lack> lacks;
    for (auto& roles : raid10Sets(geometry)) {
        const bool any = std::ranges::any_of(
            roles, [&inSync](int role) { return inSync[static_cast<std::size_t>(role)]; });
        std::ranges::sort(roles);
        Lack lack{1, std::move(roles)};
        if (!any && std::ranges::find(lacks, lack) == lacks.end())
            lacks.push_back(std::move(lack));
    }
    return lacks;
}

} // namespace

std::vector<Lack> whatLacks(const Geometry& geometry, const std::vector<bool>& inSync, bool dirty)
{
    const auto* level = personality(geometry.level);
    if (level == nullptr || inSync.size() != static_cast<std::size_t>(geometry.raidDisks) ||
        level->canStart(geometry, inSync, dirty))
        return {};
    if (geometry.level == 10)
        return setsWithoutMember(geometry, inSync);
    // Elsewhere one member is worth as much as another.
    Lack lack;
    for (int role = 0; role < geometry.raidDisks; ++role) {
        if (!inSync[static_cast<std::size_t>(role)])
            lack.roles.push_back(role);
    }
    auto present = inSync;
    for (const auto role : lack.roles) {
        if (level->canStart(geometry, present, dirty))
            break;
        present[static_cast<std::size_t>(role)] = true;
        ++lack.count;
    }
    if (lack.count == 0)
        return {}; // it has no members
    return {lack};
}

} // namespace bitmend
