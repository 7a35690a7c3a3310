// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/array_text.h"

#include "app/ctl/console.h"
#include "engine/array/planned_writes.h"
#include "engine/raid/personality.h"

#include <algorithm>

namespace bitmend::ctl {

namespace {

constexpr std::string_view kNone = "-";

std::string numberOr(std::uint64_t number, bool known)
{
    return known ? grouped(number) : std::string(kNone);
}

std::vector<std::string> memberRow(const Member& member)
{
    const bool present = member.state != MemberState::Missing;
    return {member.role < 0 ? std::string(kNone) : std::to_string(member.role),
        std::string(word(member.state)), present ? member.path : std::string(kNone),
        numberOr(member.events, present),
        member.updateTime > 0 ? utcText(member.updateTime) : std::string(kNone),
        numberOr(member.bitmap ? member.bitmap->dirty : 0, member.bitmap != nullptr)};
}

std::string membersText(const ArrayReport& array)
{
    Table table({"SLOT", "STATE", "MEMBER", "EVENTS", "LAST UPDATE (UTC)", "DIRTY CHUNKS"});
    for (const auto& member : array.members) {
        table.add(memberRow(member));
        if (member.reason.code != ReasonCode::None)
            table.note(plain(reasonOf(member)));
        if (const auto bad = badBlocksOf(member))
            table.note(plain(*bad));
        for (const auto& problem : member.problems) {
            if (problem.severity != Severity::Note)
                table.note(plain(sentence(problem, member.path)));
        }
    }
    return table.text(2);
}

std::string whatItIs(const SourceReport& source, const std::vector<ArrayReport>& arrays)
{
    for (const auto& array : arrays) {
        for (const auto& member : array.members) {
            if (member.path != source.path || member.path.empty())
                continue;
            const auto role = member.role >= 0 ? "member " + std::to_string(member.role)
                                               : std::string(word(member.state));
            return role + " of " + array.name;
        }
    }
    if (source.externalBitmap)
        return "write-intent bitmap";
    if (!source.partitions.empty())
        return "partitions: " + std::to_string(source.partitions.size());
    return source.content.type.empty() ? "no RAID" : "no RAID, " + source.content.type;
}

void addSource(Table& table, const SourceReport& source, const std::vector<ArrayReport>& arrays)
{
    table.add({source.path, iecSize(source.sizeBytes),
        source.error ? "not readable" : whatItIs(source, arrays)});
    if (source.error)
        table.note(plain(sentence(*source.error)));
    for (const auto& found : source.found) {
        if (found.leftBehind) {
            table.note("A superblock left behind at byte " +
                       std::to_string(found.superblock->location.bytes()) + ": array " +
                       toString(found.superblock->arrayUuid) + ", events " +
                       grouped(found.superblock->events) + ".");
        } else if (found.ambiguous) {
            table.note("The same superblock is seen through the disk and through its last "
                       "partition. " +
                       found.likelier + " is the likelier member and is taken.");
        }
    }
    if (source.partitionsAreContent) {
        table.note("The partition table at its start is the array's content: its partitions are "
                   "those of the array, not of this member.");
    }
    for (const auto& child : source.partitions)
        addSource(table, child, arrays);
}

} // namespace

std::string shapeText(const ArrayReport& array)
{
    const int present = std::max(0, array.geometry.raidDisks - array.missing);
    std::string text = levelName(array.geometry.level);
    const auto* level = personality(array.geometry.level);
    const auto layout = level != nullptr ? level->layoutName(array.geometry) : std::string();
    if (!layout.empty())
        text += " (" + layout + ")";
    text += ", " + std::to_string(present) + " of " + std::to_string(array.geometry.raidDisks) +
            " members, " + iecSize(array.arraySize.bytes()) + ", metadata " +
            std::string(toString(array.version));
    return text;
}

std::string arrayText(const ArrayReport& array)
{
    std::string text =
        array.name + "  " + shapeText(array) + "  [" + std::string(word(array.needs)) + "]\n";
    text += "  " + toString(array.uuid) + "\n\n";
    text += wrapped(plain(headline(array)), 2);
    for (const auto& phrase : explanation(array))
        text += wrapped(plain(phrase), 2);
    return text + "\n" + membersText(array);
}

std::string sourcesText(const ScanReport& report, const std::vector<ArrayReport>& arrays)
{
    Table table({"SOURCE", "SIZE", "CONTENT"});
    for (const auto& source : report.sources)
        addSource(table, source, arrays);
    return table.text(0);
}

std::string problemsText(
    const std::vector<Problem>& problems, std::string_view source, std::size_t indent)
{
    std::string text;
    for (const auto& problem : problems)
        text += wrapped(plain(sentence(problem, source)), indent);
    return text;
}

std::string forceText(const Force& force, const ArrayReport& array)
{
    std::string text;
    for (const auto& phrase : consequences(force, array))
        text += wrapped(plain(phrase), 2);
    if (force.changes.empty())
        return text;
    text += wrapped("In the superblocks these fields change:", 2) + "\n";
    Table table({"MEMBER", "BYTES", "FIELD", "NOW", "THEN"});
    for (const auto& change : force.changes) {
        const auto last = change.offset + change.length - 1;
        table.add({change.path, std::to_string(change.offset) + "-" + std::to_string(last),
            change.field, change.before, change.after.empty() ? "as of then" : change.after});
    }
    return text + table.text(2);
}

std::string writesText(const std::vector<PlannedWrite>& writes)
{
    constexpr auto purpose = [](WritePurpose what) -> std::string {
        switch (what) {
        case WritePurpose::Superblock:
            return "superblock";
        case WritePurpose::BitmapHeader:
            return "bitmap header";
        case WritePurpose::Bitmap:
            return "bitmap";
        case WritePurpose::Data:
            return "data, where members differ";
        case WritePurpose::DataIfUnreadable:
            return "data, where it cannot be read";
        case WritePurpose::BadBlockLog:
            return "list of bad blocks";
        }
        return {};
    };
    Table table({"MEMBER", "FROM BYTE", "BYTES", "WHAT"});
    for (const auto& write : writes) {
        table.add({write.path, std::to_string(write.offset), std::to_string(write.length),
            purpose(write.purpose)});
    }
    return table.text(2);
}

std::string planText(const AssemblyPlan& plan)
{
    std::string text = arrayText(plan.array) + "\n";
    if (plan.force && plan.array.canStart)
        text += forceText(*plan.force, plan.array) + "\n";
    if (!plan.array.canStart)
        return text + wrapped("It does not start like this. Nothing would be written.", 2);
    std::string taking;
    for (const auto& path : plan.taking)
        taking += (taking.empty() ? "" : ", ") + path;
    text += wrapped("It starts with: " + taking + ".", 2);
    if (plan.writes.empty())
        return text + wrapped("Nothing would be written.", 2);
    const bool inPlace = plan.choices.mode == WriteMode::InPlace;
    text += wrapped(
        "At most " + iecSize(writeBytes(plan.writes)) +
            " would be written, here and nowhere else, " +
            (inPlace ? "to the members themselves:" : "to overlays and not to the members:"),
        2);
    return text + "\n" + writesText(plan.writes);
}

} // namespace bitmend::ctl
