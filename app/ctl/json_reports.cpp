// SPDX-License-Identifier: Apache-2.0
// Scan reports, arrays and plans as JSON.
#include "app/ctl/json.h"
#include "engine/array/planned_writes.h"
#include "engine/raid/personality.h"
#include "ui/words.h"

#include <nlohmann/json.hpp>

namespace bitmend::ctl {

namespace {

Json roleOrNull(int role) { return role < 0 ? Json() : Json(role); }

Json uuidOrNull(const Uuid& uuid) { return uuid.isNull() ? Json() : Json(toString(uuid)); }

Json foundJson(const FoundSuperblock& found, std::string_view source)
{
    const auto& superblock = *found.superblock;
    const auto role = superblock.role();
    return {{"metadata", toString(superblock.version)}, {"offset", superblock.location.bytes()},
        {"left_behind", found.leftBehind}, {"ambiguous", found.ambiguous},
        {"likelier", found.likelier.empty() ? Json() : Json(found.likelier)},
        {"array_uuid", toString(superblock.arrayUuid)}, {"array_name", superblock.name},
        {"device_uuid", uuidOrNull(superblock.deviceUuid)}, {"dev_number", superblock.devNumber},
        {"role", role < kRoleLimit ? Json(role) : Json()}, {"events", superblock.events},
        {"update_time", timeOrNull(superblock.utime)}, {"problems", json(found.problems, source)},
        {"bitmap_error", sentenceOrNull(found.bitmapError)}};
}

void addSource(Json& list, const SourceReport& source)
{
    Json found = Json::array();
    for (const auto& superblock : source.found)
        found.push_back(foundJson(superblock, source.path));
    Json partition;
    if (const auto& place = source.partition) {
        partition = {{"number", place->number}, {"offset", place->range.begin.bytes()},
            {"type", place->type}, {"name", place->name}};
    }
    list.push_back(
        {{"path", source.path}, {"size_bytes", source.sizeBytes}, {"found", std::move(found)},
            {"error", sentenceOrNull(source.error)}, {"partition", std::move(partition)},
            {"partitions_are_content", source.partitionsAreContent},
            {"content", source.content.type.empty() ? Json() : Json(source.content.type)},
            {"bitmap_file",
                source.externalBitmap ? json(*source.externalBitmap, source.path) : Json()}});
    for (const auto& child : source.partitions)
        addSource(list, child);
}

Json memberJson(const Member& member)
{
    const bool present = member.state != MemberState::Missing;
    return {{"path", member.path.empty() ? Json() : Json(member.path)},
        {"role", roleOrNull(member.role)}, {"dev_number", roleOrNull(member.devNumber)},
        {"device_uuid", uuidOrNull(member.deviceUuid)}, {"state", key(member.state)},
        {"events", present ? Json(member.events) : Json()},
        {"update_time", timeOrNull(member.updateTime)}, {"reason", plain(reasonOf(member))},
        {"bitmap", member.bitmap ? json(*member.bitmap, member.path) : Json()},
        {"bitmap_counts", member.bitmapIsEvidence}, {"bad_blocks", rangesJson(member.badBlocks)},
        {"freshest", member.isFreshest}, {"problems", json(member.problems, member.path)}};
}

Json bitmapThatCounts(const ArrayReport& array)
{
    if (!array.bitmap)
        return {};
    Json bitmap = array.bitmap->copy ? json(*array.bitmap->copy, array.bitmap->from) : Json();
    bitmap["from"] = array.bitmap->from;
    bitmap["due"] = array.bitmap->due;
    bitmap["differing"] = array.bitmap->differing;
    return bitmap;
}

Json lackingJson(const std::vector<Lack>& lacks)
{
    Json list = Json::array();
    for (const auto& lack : lacks)
        list.push_back({{"count", lack.count}, {"of", lack.roles}});
    return list;
}

std::string explanationOf(const ArrayReport& array)
{
    std::string text = plain(headline(array));
    for (const auto& phrase : explanation(array))
        text += " " + plain(phrase);
    return text;
}

} // namespace

Json json(const ScanReport& report)
{
    Json sources = Json::array();
    for (const auto& source : report.sources)
        addSource(sources, source);
    return sources;
}

Json json(const ArrayReport& array)
{
    Json members = Json::array();
    for (const auto& member : array.members)
        members.push_back(memberJson(member));
    const auto* level = personality(array.geometry.level);
    const auto layout = level != nullptr ? level->layoutName(array.geometry) : std::string();
    return {{"uuid", toString(array.uuid)}, {"name", array.name},
        {"metadata", toString(array.version)},
        {"level",
            level != nullptr ? std::string(level->name()) : std::to_string(array.geometry.level)},
        {"layout", layout.empty() ? Json() : Json(layout)},
        {"chunk_bytes", array.geometry.chunk.bytes()}, {"raid_disks", array.geometry.raidDisks},
        {"array_bytes", array.arraySize.bytes()},
        {"component_bytes", array.geometry.componentSize.bytes()}, {"events", array.events},
        {"create_time", timeOrNull(array.createTime)},
        {"resync_offset_bytes", bytesOrNull(array.resyncOffset)}, {"can_start", array.canStart},
        {"kernel_would_start", array.kernelWouldStart}, {"opens", key(array.opens)},
        {"degraded", array.missing}, {"lacking", lackingJson(array.lacking)},
        {"needs", key(array.needs)}, {"explanation", explanationOf(array)},
        {"resync", json(array.resync)}, {"bitmap", bitmapThatCounts(array)},
        {"members", std::move(members)}};
}

namespace {

// [first, last] in sectors, both included; null when it may be anywhere.
Json tornJson(const TornChunks& torn)
{
    if (torn.anywhere)
        return {};
    return rangesJson(torn.ranges);
}

Json changesJson(const std::vector<FieldChange>& changes)
{
    Json list = Json::array();
    for (const auto& change : changes) {
        list.push_back({{"path", change.path}, {"offset", change.offset}, {"length", change.length},
            {"field", change.field}, {"before", change.before},
            {"after", change.after.empty() ? Json() : Json(change.after)}});
    }
    return list;
}

Json forceJson(const Force& force, const ArrayReport& array)
{
    Json accepted = Json::array();
    for (const auto& member : force.accepted) {
        accepted.push_back(
            {{"path", member.path}, {"role", member.role}, {"events_behind", member.behind},
                {"seconds_behind", member.seconds}, {"torn_sectors", tornJson(member.torn)}});
    }
    Json roles = Json::array();
    for (const auto& given : force.roles)
        roles.push_back({{"path", given.path}, {"role", given.role}});
    Json raised = Json::array();
    for (const auto& one : force.mdadm.raised)
        raised.push_back({{"path", one.path}, {"from", one.from}, {"to", one.to}});
    const auto& clean = force.mdadm.markedClean;
    std::string text;
    for (const auto& phrase : consequences(force, array))
        text += (text.empty() ? "" : " ") + plain(phrase);
    return {{"accepted", std::move(accepted)}, {"roles", std::move(roles)},
        {"dirty_degraded", force.dirtyDegraded},
        {"untrusted_sectors", force.dirtyDegraded ? tornJson(force.hole) : Json::array()},
        {"resync_follows", force.resyncs}, {"copies_of_two_ages", force.copiesOfTwoAges},
        {"mdadm_force",
            {{"raised", std::move(raised)}, {"marked_clean", clean.empty() ? Json() : Json(clean)},
                {"starts", force.mdadm.starts}}},
        {"changes", changesJson(force.changes)}, {"explanation", std::move(text)}};
}

} // namespace

Json json(const AssemblyPlan& plan)
{
    return {{"mode", key(plan.choices.mode)}, {"taking", plan.taking},
        {"write_bytes", writeBytes(plan.writes)}, {"writes", json(plan.writes)},
        {"force", plan.force ? forceJson(*plan.force, plan.array) : Json()},
        {"array", json(plan.array)}};
}

} // namespace bitmend::ctl
