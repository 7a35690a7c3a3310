// SPDX-License-Identifier: Apache-2.0
#include "ui/outcomes.h"

#include "ui/text.h"

#include <QCoreApplication>

#include <algorithm>

namespace bitmend {

namespace {

QString tr(const char* pattern) { return QCoreApplication::translate("outcomes", pattern); }

QString pages(std::uint64_t count)
{
    return count == 1 ? tr("1 page") : tr("%1 pages").arg(numberText(count));
}

QString ranges(std::uint64_t count)
{
    return count == 1 ? tr("1 range") : tr("%1 ranges").arg(numberText(count));
}

Outcome outcomeOfCheck(const SyncOutcome& sync)
{
    const bool repair = sync.action == SyncAction::Repair;
    QStringList sentences;
    if (!sync.completed) {
        sentences += repair ? tr("The repair was stopped; another one begins anew.")
                            : tr("The check was stopped; another one begins anew.");
    }
    if (sync.differing.empty()) {
        sentences += tr("%1 of the array compared on all members, nothing differs.")
                         .arg(sizeText(sync.checkedBytes));
    } else {
        sentences += tr("%1 in %2 differ between the members, of %3 compared; md counts %4 sectors "
                        "for it (mismatch_cnt).")
                         .arg(sizeText(sync.differingBytes), ranges(sync.differing.size()),
                             sizeText(sync.checkedBytes), numberText(sync.mismatch.count));
    }
    if (!sync.unreadable.empty()) {
        sentences += tr("No member could be read in %1.").arg(ranges(sync.unreadable.size()));
    }
    sentences += repair && sync.writtenBytes > 0
                     ? tr("%1 read, %2 overwritten with the lowest slot's copy.")
                           .arg(sizeText(sync.readBytes), sizeText(sync.writtenBytes))
                     : tr("%1 read, nothing written.").arg(sizeText(sync.readBytes));
    const bool clean = sync.unreadable.empty() && (repair || sync.differing.empty());
    return {clean && sync.completed ? Tone::Good : Tone::Warning, sentences.join(u' ')};
}

} // namespace

Outcome outcomeOf(const SyncOutcome& sync)
{
    if (sync.action == SyncAction::Check || sync.action == SyncAction::Repair)
        return outcomeOfCheck(sync);
    const bool resync = sync.action == SyncAction::Resync;
    QString sentence;
    if (sync.lost) {
        sentence = text(*sync.lost) + u' ' +
                   tr("Places that no member gives: %1. They stay due.")
                       .arg(numberText(sync.unreadable.size()));
    } else if (!sync.completed) {
        sentence = resync ? tr("The resync was stopped.") : tr("The recovery was stopped.");
        sentence += u' ' + tr("What was done is recorded; the next run carries on from there.");
    } else {
        sentence = resync ? tr("The members agree again.")
                          : tr("The new member is in sync with the others.");
    }
    if (sync.listedBadBytes > 0) {
        sentence += u' ' + tr("No member gives %1 of it: that is listed as bad blocks.")
                               .arg(sizeText(sync.listedBadBytes));
    }
    sentence +=
        u' ' + tr("%1 read, %2 written").arg(sizeText(sync.readBytes), sizeText(sync.writtenBytes));
    if (resync)
        sentence += tr(", %1 had differed").arg(sizeText(sync.differingBytes));
    if (sync.skippedBytes > 0)
        sentence += tr("; %1 skipped, clean in the bitmap").arg(sizeText(sync.skippedBytes));
    sentence += u'.';
    const bool isWhole = sync.completed && sync.listedBadBytes == 0;
    return {sync.lost ? Tone::Bad : isWhole ? Tone::Good : Tone::Warning, sentence};
}

Outcome outcomeOf(const HotAddResult& hotAdd)
{
    const QString added = tr("%1 took slot %2; %3 of the bitmap written to it.")
                              .arg(nameOf(hotAdd.added.path))
                              .arg(hotAdd.added.role)
                              .arg(pages(hotAdd.added.pagesWritten));
    if (hotAdd.recoveryError)
        return {Tone::Bad, added + u' ' + text(*hotAdd.recoveryError)};
    if (!hotAdd.recovery)
        return {Tone::Good, added};
    const Outcome recovery = outcomeOf(*hotAdd.recovery);
    return {recovery.tone, added + u' ' + recovery.sentence};
}

Outcome outcomeOf(const MembershipOutcome& change)
{
    return {
        Tone::Good, tr("The superblocks of the others say so now, at event count %1; %2 written.")
                        .arg(numberText(change.events), sizeText(change.writtenBytes))};
}

Outcome outcomeOf(const BitmapOutcome& change)
{
    return {Tone::Good, tr("Every superblock says so now, at event count %1; %2 written.")
                            .arg(numberText(change.events), sizeText(change.writtenBytes))};
}

Outcome outcomeOf(const WriterOutcome& written)
{
    return {written.completed ? Tone::Good : Tone::Warning,
        tr("Writes: %1, %2 of the array, each with what was there. Their bits go when the bitmap "
           "is swept, some seconds after the last write.")
            .arg(numberText(written.writes), sizeText(written.writtenBytes))};
}

Outcome outcomeOf(const MountOutcome& mount)
{
    QStringList files;
    for (const auto& file : mount.files)
        files.append(mount.address.empty() ? nameOf(file) : QString::fromStdString(file));
    if (!mount.address.empty()) {
        const QString words =
            mount.writable
                ? tr("This computer has no FUSE. NBD clients read and write it instead, at %1.")
                : tr("This computer has no FUSE. NBD clients read it instead, at %1.");
        return {Tone::Good, words.arg(files.join(QStringLiteral(", ")))};
    }
    const QString words = mount.writable ? tr("Mounted at %1, to be read and written: %2.")
                                         : tr("Mounted at %1, to be read: %2.");
    return {
        Tone::Good, words.arg(pathText(mount.folder.string()), files.join(QStringLiteral(", ")))};
}

Outcome outcomeOf(const UnmountOutcome& unmount)
{
    if (unmount.folder.empty())
        return {Tone::Neutral, tr("It was not mounted any more.")};
    return {Tone::Good, tr("%1 is unmounted. What was written there is in the array.")
                            .arg(pathText(unmount.folder.string()))};
}

Outcome outcomeOf(const PlugOutcome& plug)
{
    return {Tone::Warning,
        tr("The power is gone; nobody stopped the array. Bits that were set at that moment: %1. "
           "Assemble it again: the resync goes through their chunks and no others.")
            .arg(numberText(plug.chunks))};
}

Outcome outcomeOf(const StopOutcome& stop)
{
    QString sentence = tr("Stopped at event count %1; %2 written.")
                           .arg(numberText(stop.events), sizeText(stop.writtenBytes));
    if (stop.chunksKept > 0) {
        sentence +=
            u' ' + tr("Bitmap chunks that still have to be resynced: %1; their bits were kept.")
                       .arg(numberText(stop.chunksKept));
    }
    return {Tone::Good, sentence};
}

Outcome outcomeOf(const ArraySnapshot& assembled)
{
    const auto& report = assembled.report;
    if (assembled.mode == WriteMode::ReadOnly) {
        return {Tone::Good, tr("%1 is assembled read-only. Nothing was written.")
                                .arg(QString::fromStdString(report.name))};
    }
    if (assembled.mode == WriteMode::InPlace) {
        return {Tone::Good,
            tr("%1 is assembled in place. What was where metadata is written is saved in %2.")
                .arg(QString::fromStdString(report.name), pathText(assembled.restoreFile))};
    }
    return {Tone::Good, tr("%1 is assembled on overlays. The members are only read.")
                            .arg(QString::fromStdString(report.name))};
}

Outcome outcomeOf(const Error& error, const ArrayReport& array)
{
    return {error.code == ErrorCode::Cancelled ? Tone::Warning : Tone::Bad,
        text(sentence(error, array))};
}

Verdict verdictOf(const ArrayView& array)
{
    std::vector<QString> sentences;
    for (const auto& remark : array.report.remarks) {
        // Both are about an array at rest: in one that runs, bits linger until they are cleared.
        if (array.assembled && (remark.code == RemarkCode::AllWell ||
                                   remark.code == RemarkCode::BitsIgnoredBecauseClean))
            continue;
        if (isWorthSaying(remark, array.report))
            sentences.push_back(text(sentence(remark, array.report)));
    }
    Verdict verdict;
    verdict.headline = text(headline(array.report));
    if (array.assembled && sentences.empty())
        sentences.push_back(tr("Nothing is left to do. Stop the array to finish."));
    for (std::size_t i = 0; i < sentences.size(); ++i) {
        QString& to = i == 0 ? verdict.explanation : verdict.remarks;
        to += to.isEmpty() ? sentences[i] : u' ' + sentences[i];
    }
    return verdict;
}

namespace {

QString lossesText(int stood)
{
    if (stood <= 0)
        return tr("stands no more loss");
    return stood == 1 ? tr("stands one more loss") : tr("stands %1 more losses").arg(stood);
}

} // namespace

QString subtitleOf(const ArrayView& array)
{
    const auto& report = array.report;
    const int all = report.geometry.raidDisks;
    QStringList parts{levelText(report.geometry.level),
        tr("%1 of %2 members").arg(all - report.missing).arg(all),
        sizeText(report.arraySize.bytes()),
        tr("metadata %1").arg(QString::fromUtf8(toString(report.version).data()))};
    if (report.canStart)
        parts.insert(2, lossesText(report.tolerance));
    if (array.assembled && array.assembled->mode == WriteMode::ReadOnly) {
        parts += tr("assembled read-only");
    } else if (array.assembled && array.assembled->mode == WriteMode::InPlace) {
        parts += tr("in place, written to the members themselves");
    } else if (array.assembled) {
        parts += tr("on overlays, nothing is written to the members");
    } else if (!array.overlay.empty()) {
        parts += tr("as the overlays show it; the members are unchanged");
    }
    if (!array.address.empty()) {
        parts += tr("for NBD clients in %1").arg(pathText(array.mounted.string()));
    } else if (!array.mounted.empty()) {
        parts += tr("mounted at %1").arg(pathText(array.mounted.string()));
    }
    return parts.join(QStringLiteral(" \u00b7 "));
}

QString chunksText(std::uint64_t count)
{
    return count == 1 ? tr("1 chunk") : tr("%1 chunks").arg(numberText(count));
}

QString costOf(const SyncEstimate& estimate)
{
    if (estimate.writeBytes == 0)
        return tr("reads %1, writes nothing").arg(sizeText(estimate.readBytes));
    return tr("reads %1, writes at most %2")
        .arg(sizeText(estimate.readBytes), sizeText(estimate.writeBytes));
}

QString costOf(const ReAddPlan& plan)
{
    if (plan.recovery.chunks == 0)
        return tr("nothing to copy");
    return tr("%1, %2").arg(chunksText(plan.recovery.chunks), sizeText(plan.recovery.writeBytes));
}

// All of it on every member in sync; a repair may have to overwrite it on all but one.
SyncEstimate costOfCheck(const ArrayReport& array, SyncAction action)
{
    const auto copies =
        std::uint64_t(std::ranges::count(array.members, MemberState::InSync, &Member::state));
    SyncEstimate cost;
    cost.readBytes = copies * array.arraySize.bytes();
    if (action == SyncAction::Repair && copies > 1)
        cost.writeBytes = cost.readBytes - array.arraySize.bytes();
    return cost;
}

QString purposeText(WritePurpose purpose)
{
    switch (purpose) {
    case WritePurpose::Superblock:
        return tr("superblock");
    case WritePurpose::BitmapHeader:
        return tr("bitmap header");
    case WritePurpose::Bitmap:
        return tr("bitmap");
    case WritePurpose::DataIfUnreadable:
        return tr("data, where it cannot be read");
    case WritePurpose::BadBlockLog:
        return tr("list of bad blocks");
    case WritePurpose::Data:
        return tr("data, where it differs");
    }
    return {};
}

} // namespace bitmend
