// SPDX-License-Identifier: Apache-2.0
#include "engine/array/write_intent.h"

#include "engine/base/assert.h"
#include "engine/metadata/write_intent_bitmap.h"

#include <algorithm>
#include <limits>

namespace bitmend {

WriteIntent::WriteIntent(std::uint64_t chunks)
    : m_groups((chunks + kGroupChunks - 1) / kGroupChunks)
{
}

std::uint16_t WriteIntent::counter(std::uint64_t chunk) const
{
    const auto& group = m_groups[chunk / kGroupChunks];
    return group ? group->counters[chunk % kGroupChunks] : std::uint16_t{0};
}

WriteIntent::Group& WriteIntent::groupOf(std::uint64_t chunk)
{
    auto& group = m_groups[chunk / kGroupChunks];
    if (!group)
        group = std::make_unique<Group>();
    return *group;
}

void WriteIntent::adopt(const BitmapBits& set)
{
    for (std::uint64_t chunk = 0; chunk < set.chunks; ++chunk) {
        if (chunk % 64 == 0 && set.words[chunk / 64] == 0) {
            chunk += 63;
            continue;
        }
        if (!set.test(chunk))
            continue;
        auto& group = groupOf(chunk);
        group.counters[chunk % kGroupChunks] = kIdle;
        group.isPending = true;
    }
}

bool WriteIntent::begin(std::uint64_t chunk)
{
    auto& counter = groupOf(chunk).counters[chunk % kGroupChunks];
    const bool isClean = counter == 0;
    BM_ASSERT(counter < std::numeric_limits<std::uint16_t>::max());
    counter = static_cast<std::uint16_t>(std::max(counter, kIdle) + 1);
    return isClean;
}

void WriteIntent::end(std::uint64_t chunk)
{
    auto& group = groupOf(chunk);
    auto& counter = group.counters[chunk % kGroupChunks];
    BM_ASSERT(counter > kIdle);
    --counter;
    group.isPending |= counter == kIdle;
}

void WriteIntent::forget(std::uint64_t chunk)
{
    BM_ASSERT(!isUnderWay(chunk));
    if (isTouched(chunk))
        groupOf(chunk).counters[chunk % kGroupChunks] = 0;
}

bool WriteIntent::isPending() const
{
    return std::ranges::any_of(
        m_groups, [](const auto& group) { return group && group->isPending; });
}

std::vector<std::uint64_t> WriteIntent::sweep(const std::function<bool(std::uint64_t)>& isNeeded)
{
    std::vector<std::uint64_t> goes;
    for (std::size_t index = 0; index < m_groups.size(); ++index) {
        auto* group = m_groups[index].get();
        if (!group || !group->isPending)
            continue;
        group->isPending = false;
        for (std::size_t i = 0; i < kGroupChunks; ++i) {
            auto& counter = group->counters[i];
            const auto chunk = index * kGroupChunks + i;
            if (counter == 0 || counter > kIdle || isNeeded(chunk))
                continue;
            if (counter == 1 && !m_headerFirst) {
                counter = 0;
                goes.push_back(chunk);
                continue;
            }
            counter = 1;
            group->isPending = true;
        }
    }
    return goes;
}

} // namespace bitmend
