// SPDX-License-Identifier: Apache-2.0
// The superblocks that a forced start will write, made by the code that will write them, against
// those that are there.
#include "engine/array/array_state.h"
#include "engine/array/assembly_parts.h"
#include "engine/array/next_superblock.h"
#include "engine/metadata/metadata_format.h"
#include "engine/metadata/to_text.h"

#include <algorithm>
#include <span>

namespace bitmend {

namespace {

std::span<const std::byte> bytesOf(const Superblock& superblock, const FieldText& field)
{
    const std::span<const std::byte> raw(superblock.raw);
    return field.offset + field.length <= raw.size() ? raw.subspan(field.offset, field.length)
                                                     : std::span<const std::byte>();
}

// Unused entries of a role table are one item, of which a changed table makes several.
std::string valueAt(const std::vector<FieldText>& fields, std::size_t offset)
{
    const auto holds = [offset](const FieldText& field) {
        return field.offset <= offset && offset < field.offset + field.length;
    };
    const auto found = std::ranges::find_if(fields, holds);
    return found == fields.end() ? std::string() : found->value;
}

// Known only at the moment of writing.
bool isOfTheMoment(const FieldText& field)
{
    return field.field == "utime" || field.field == "sb_csum";
}

void compare(const std::string& path, const Superblock& before, const Superblock& after,
    std::vector<FieldChange>& changes)
{
    const auto was = describe(before);
    const auto is = describe(after);
    const auto& finer = is.size() >= was.size() ? is : was;
    for (const auto& field : finer) {
        if (std::ranges::equal(bytesOf(before, field), bytesOf(after, field)) &&
            !isOfTheMoment(field))
            continue;
        changes.push_back({path, before.location.bytes() + field.offset, field.length, field.field,
            valueAt(was, field.offset),
            isOfTheMoment(field) ? std::string() : valueAt(is, field.offset)});
    }
}

Superblock decoded(const Superblock& next, const Superblock& present)
{
    auto raw = present.raw;
    std::ranges::copy(formatOf(next.version).encode(next), raw.begin());
    Superblock after = next;
    after.raw = std::move(raw);
    return after;
}

} // namespace

std::vector<FieldChange> forcedChanges(const AssemblyPlan& plan)
{
    std::vector<FieldChange> changes;
    if (!plan.array.canStart || plan.choices.mode == WriteMode::ReadOnly)
        return changes;
    // As assembling leaves it in memory, without devices.
    ArrayState state(plan, {});
    for (const auto& path : plan.taking) {
        const auto planned = std::ranges::find(plan.array.members, path, &Member::path);
        state.members.push_back(asPlanned(state, *planned));
    }
    ++state.events;
    const auto& bitmap = plan.array.bitmap;
    for (const auto& member : state.members) {
        auto next = nextSuperblock(state, member);
        if (bitmap && !bitmap->location.external) {
            next.featureMap |= feature::kBitmapOffset;
            next.bitmapOffset = state.reference->bitmapOffset;
        }
        const auto planned = std::ranges::find(plan.array.members, member.path, &Member::path);
        const auto& present = *planned->superblock;
        compare(member.path, present, decoded(next, present), changes);
    }
    return changes;
}

} // namespace bitmend
