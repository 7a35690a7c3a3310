// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/heatmap_text.h"

#include "ui/text.h"

#include <QCoreApplication>

#include <algorithm>

namespace bitmend::heatmap {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("heatmap", text); }

// Worst first; what is said about a range.
constexpr std::array kTold = {
    ChunkState::Bad,
    ChunkState::Syncing,
    ChunkState::Dirty,
    ChunkState::Differs,
    ChunkState::Stale,
    ChunkState::Ignored,
    ChunkState::Done,
};

std::uint64_t startByte(const BitmapFrame& frame, ChunkRange range)
{
    return range.first * frame.chunkBytes;
}

// The last chunk may be cut short by the end of what the bitmap covers.
std::uint64_t endByte(const BitmapFrame& frame, ChunkRange range)
{
    const std::uint64_t end = (range.last + 1) * frame.chunkBytes;
    const std::uint64_t covered = frame.syncSize.bytes();
    return covered > startByte(frame, range) ? std::min(end, covered) : end;
}

// In a unit small enough to tell the two ends apart, and no smaller.
QString sizeRange(std::uint64_t begin, std::uint64_t end)
{
    static constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    const std::uint64_t length = end - begin;
    std::size_t power = 0;
    while (power + 1 < kUnits.size() && length * 64 >> (10 * (power + 1)) > 0)
        ++power;
    const auto number = [power](std::uint64_t bytes) {
        const std::uint64_t whole = bytes >> (10 * power);
        const std::uint64_t part = ((bytes - (whole << (10 * power))) * 100) >> (10 * power);
        return power == 0 ? numberText(bytes)
                          : QStringLiteral("%1.%2")
                                .arg(numberText(whole))
                                .arg(part, 2, 10, QLatin1Char('0'));
    };
    const QLatin1String unit(kUnits[power]);
    return tr("%1 %3 \u2013 %2 %3").arg(number(begin), number(end), unit);
}

QString fromTo(const QString& first, const QString& last)
{
    return first == last ? first : tr("%1 \u2013 %2").arg(first, last);
}

bool hasCopy(const MemberBits& member) { return member.set.size() > 0; }

QString copyText(const MemberBits& member, ChunkRange range)
{
    const std::uint64_t set = member.set.count(range.first, range.last);
    QString text;
    if (set == 0) {
        text = tr("clear");
    } else if (set == range.length()) {
        text = tr("set");
    } else {
        text = tr("%1 of %2 set").arg(numberText(set), numberText(range.length()));
    }
    return member.evidence ? text : tr("%1, counts for nothing").arg(text);
}

} // namespace

QString stateWord(ChunkState state)
{
    switch (state) {
    case ChunkState::Clean:
        return tr("clean");
    case ChunkState::Done:
        return tr("done");
    case ChunkState::Ignored:
        return tr("set, not due");
    case ChunkState::Stale:
        return tr("only in a stale copy");
    case ChunkState::Differs:
        return tr("copies disagree");
    case ChunkState::Dirty:
        return tr("dirty");
    case ChunkState::Syncing:
        return tr("syncing");
    case ChunkState::Bad:
        return tr("unreadable");
    }
    return {};
}

QString stateMeaning(ChunkState state)
{
    switch (state) {
    case ChunkState::Clean:
        return tr("The bit is clear: according to the bitmap the members are the same here.");
    case ChunkState::Done:
        return tr("Was due and has been made equal.");
    case ChunkState::Ignored:
        return tr("The bit is set, but the array was stopped cleanly: nothing will be copied.");
    case ChunkState::Stale:
        return tr("Set only on a member that was left behind; it counts for nothing.");
    case ChunkState::Differs:
        return tr("The members' copies of the bitmap do not say the same here.");
    case ChunkState::Dirty:
        return tr("The bit is set: the members may differ here, and it will be copied. Paler where "
                  "only a part of the cell is dirty.");
    case ChunkState::Syncing:
        return tr("Being read, compared and copied now.");
    case ChunkState::Bad:
        return tr("Could not be read from any member.");
    }
    return {};
}

QString pageDueWord() { return tr("page to be written"); }

QString pageDueMeaning()
{
    return tr("This page of the bitmap is not yet on every member that must have it.");
}

QString listedBadWord() { return tr("known bad blocks"); }

QString listedBadMeaning()
{
    return tr("A member's bad block log lists sectors here. What they should hold is read from the "
              "other members; writing to them makes them good again.");
}

QString title(ChunkRange range)
{
    if (range.first == range.last)
        return tr("Chunk %1").arg(numberText(range.first));
    return tr("Chunks %1 \u2013 %2").arg(numberText(range.first), numberText(range.last));
}

QString counts(const BitmapFrame& frame, ChunkRange range)
{
    QStringList parts;
    for (const ChunkState state : kTold) {
        const std::uint64_t count = frame.in(state).count(range.first, range.last);
        if (count == 0)
            continue;
        if (range.length() == 1)
            return stateWord(state);
        if (parts.isEmpty()) {
            parts += tr("%1 of %2 %3")
                         .arg(numberText(count), numberText(range.length()), stateWord(state));
        } else {
            parts += tr("%1 %2").arg(numberText(count), stateWord(state));
        }
    }
    return parts.isEmpty() ? stateWord(ChunkState::Clean) : parts.join(tr(", "));
}

QString agreement(const BitmapFrame& frame, ChunkRange range)
{
    int copies = 0;
    int set = 0;
    for (const MemberBits& member : frame.members) {
        if (!member.evidence || !hasCopy(member))
            continue;
        ++copies;
        set += member.set.count(range.first, range.last) > 0 ? 1 : 0;
    }
    if (set == 0)
        return {};
    return tr("set on %1 of %2 members").arg(set).arg(copies);
}

QString place(const BitmapFrame& frame, ChunkRange range)
{
    const QString text = sizeRange(startByte(frame, range), endByte(frame, range));
    return frame.arrayAddressed ? tr("array %1").arg(text) : tr("each member %1").arg(text);
}

QString sectors(const BitmapFrame& frame, ChunkRange range)
{
    const QString text = fromTo(numberText(startByte(frame, range) / kSectorBytes),
        numberText(endByte(frame, range) / kSectorBytes - 1));
    return frame.arrayAddressed ? tr("array sectors %1").arg(text)
                                : tr("component sectors %1").arg(text);
}

QStringList members(const BitmapFrame& frame, ChunkRange range)
{
    // On level 10 a range of the array is many places on the members.
    const bool placed = frame.mirrored || !frame.arrayAddressed;
    QStringList lines;
    for (const MemberBits& member : frame.members) {
        if (member.role < 0 && !hasCopy(member))
            continue; // an idle spare holds nothing here
        QStringList parts;
        if (placed) {
            const std::uint64_t sector =
                member.dataOffset.count + startByte(frame, range) / kSectorBytes;
            parts += tr("%1 sector %2").arg(nameOf(member.path), numberText(sector));
        } else {
            parts += nameOf(member.path);
        }
        if (hasCopy(member))
            parts += copyText(member, range);
        if (member.bad.total() > 0 && member.bad.count(range.first, range.last) > 0)
            parts += listedBadWord();
        lines += parts.join(tr(" \u00b7 "));
    }
    return lines;
}

QString oneLine(const BitmapFrame& frame, ChunkRange range)
{
    QStringList parts = {
        title(range), counts(frame, range), agreement(frame, range), place(frame, range)};
    parts.removeAll(QString());
    return parts.join(tr(" \u00b7 "));
}

QString plainLines(const BitmapFrame& frame, ChunkRange range)
{
    QStringList lines = {title(range) + tr(": ") + counts(frame, range), agreement(frame, range),
        place(frame, range), sectors(frame, range)};
    lines.removeAll(QString());
    lines += members(frame, range);
    return lines.join(u'\n');
}

QString cellName(const BitmapFrame& frame, ChunkRange range)
{
    const QString chunks = range.first == range.last
                               ? tr("chunk %1").arg(range.first)
                               : tr("chunks %1-%2").arg(range.first).arg(range.last);
    const QString due = frame.pageDue(range) ? tr(", %1").arg(pageDueWord()) : QString();
    const QString bad = frame.hasListedBad(range) ? tr(", %1").arg(listedBadWord()) : QString();
    return tr("%1, %2").arg(chunks, counts(frame, range)) + due + bad;
}

QString summary(const BitmapFrame& frame)
{
    if (frame.chunks == 0)
        return tr("This array has no write-intent bitmap.");
    return tr("%1 chunks of %2: %3")
        .arg(numberText(frame.chunks), sizeText(frame.chunkBytes),
            counts(frame, {0, frame.chunks - 1}));
}

} // namespace bitmend::heatmap
