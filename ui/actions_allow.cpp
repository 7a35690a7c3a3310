// SPDX-License-Identifier: Apache-2.0
// What is possible now, what it would take, and where it is not possible, why.
#include "engine/raid/personality.h"
#include "ui/actions.h"
#include "ui/outcomes.h"
#include "ui/text.h"
#include "ui/widgets/force_choices.h"

#include <QAction>
#include <QCoreApplication>

#include <algorithm>

namespace bitmend {

namespace {

QString tr(const char* pattern) { return QCoreApplication::translate("Actions", pattern); }

// Possible when `reason` is empty; then the tooltip says what it does.
void permit(QAction* action, const QString& reason, const QString& does)
{
    action->setEnabled(reason.isEmpty());
    action->setToolTip(reason.isEmpty() ? does : reason);
    action->setStatusTip(action->toolTip());
}

// The menu's words: "Resync: 37 chunks, reads 4.6 GiB, writes at most 2.3 GiB".
void say(QAction* action, const QString& words, const QString& cost)
{
    const bool told = action->isEnabled() && !cost.isEmpty();
    action->setText(told ? tr("%1: %2").arg(words, cost) : words);
}

// What forbids every operation that changes the array.
QString whyNoWriting(const Situation& now)
{
    if (!now.array)
        return tr("Choose an array first.");
    if (now.activity != Activity::None)
        return tr("Another job is running on this array.");
    if (!now.array->assembled)
        return tr("Assemble the array first.");
    if (now.array->assembled->mode != WriteMode::ReadOnly)
        return {};
    const auto& report = now.array->report;
    return report.limit ? text(sentence(*report.limit, report))
                        : tr("The array is assembled read-only. Stop it and assemble it on "
                             "overlays.");
}

QString whyNotAssemble(const Situation& now)
{
    if (!now.array)
        return tr("Choose an array first.");
    if (now.activity != Activity::None)
        return tr("Another job is running on this array.");
    if (now.array->assembled)
        return tr("The array is assembled already.");
    // Where a choice would let it start, the review is where it is made.
    const auto& report = now.array->report;
    const bool never = report.canStart ? report.opens == Opens::Never
                                       : report.needs != Needs::Choice && !offersForce(report);
    return never ? text(headline(report)) : QString();
}

std::ptrdiff_t inSync(const ArrayReport& array)
{
    return std::ranges::count(array.members, MemberState::InSync, &Member::state);
}

QString whyNotCompare(const Situation& now)
{
    return inSync(now.array->report) < 2 ? tr("Fewer than two members are in sync: there is "
                                              "nothing to compare.")
                                         : QString();
}

// Writes nothing, so an array that is only read will do.
QString whyNotCheck(const Situation& now)
{
    const bool readOnly = now.array && now.activity == Activity::None && now.array->assembled &&
                          now.array->assembled->mode == WriteMode::ReadOnly;
    const QString reason = readOnly ? QString() : whyNoWriting(now);
    return reason.isEmpty() ? whyNotCompare(now) : reason;
}

QString whyNotAdd(const Situation& now, const QString& reason)
{
    if (!reason.isEmpty())
        return reason;
    if (now.array->report.missing == 0)
        return tr("No slot is vacant: every member is there.");
    const auto& open = now.array->assembled;
    if (open && open->resyncDue)
        return tr("Resync the members that are there first.");
    if (open && open->recoveryDue)
        return tr("Finish the recovery first.");
    return {};
}

const Member* chosenMember(const Situation& now)
{
    if (!now.array || now.member.empty())
        return nullptr;
    const auto& members = now.array->report.members;
    const auto found = std::ranges::find(members, now.member, &Member::path);
    return found == members.end() ? nullptr : &*found;
}

bool hasSlot(const Member& member)
{
    return member.state == MemberState::InSync || member.state == MemberState::Rebuilding ||
           member.state == MemberState::Replacement;
}

QString whyNotFail(const Situation& now, const Member* member)
{
    if (!member)
        return tr("Choose a member in the list first.");
    if (!hasSlot(*member))
        return tr("%1 has no slot in the array.").arg(nameOf(member->path));
    if (member->state == MemberState::InSync && inSync(now.array->report) == 1) {
        return tr("%1 is the last member in sync: without it the array is gone.")
            .arg(nameOf(member->path));
    }
    return {};
}

QString whyNotReplace(const Situation& now, const Member* member)
{
    if (!member)
        return tr("Choose a member in the list first.");
    if (member->state != MemberState::InSync)
        return tr("%1 is not in sync: it cannot be copied.").arg(nameOf(member->path));
    const auto& report = now.array->report;
    if (report.geometry.level < 1)
        return tr("This level cannot replace members while it runs.");
    if (report.version == MetadataVersion::V0_90)
        return tr("Metadata 0.90 has no word for a member that replaces another.");
    const auto isReplacing = [member](const Member& other) {
        return other.state == MemberState::Replacement && other.role == member->role;
    };
    if (std::ranges::any_of(report.members, isReplacing))
        return tr("%1 is being replaced already.").arg(nameOf(member->path));
    if (now.array->assembled && now.array->assembled->resyncDue)
        return tr("Resync the members first.");
    return {};
}

QString whyNotRemove(const Member* member)
{
    if (!member)
        return tr("Choose a member in the list first.");
    if (hasSlot(*member))
        return tr("%1 has a slot in the array. Fail it first.").arg(nameOf(member->path));
    if (member->state != MemberState::Faulty && member->state != MemberState::Spare)
        return tr("The array does not list %1.").arg(nameOf(member->path));
    return {};
}

QString whyNotReAdd(const Situation& now, const Returning* returning)
{
    if (!returning && now.member.empty())
        return tr("No member is out of the array.");
    if (!returning)
        return tr("%1 is not out of the array.").arg(nameOf(now.member));
    return returning->plan ? QString() : text(returning->plan.error());
}

} // namespace

const Returning* returningMember(const Situation& now)
{
    if (!now.array)
        return nullptr;
    const Returning* only = nullptr;
    int possible = 0;
    for (const auto& returning : now.array->returning) {
        if (returning.path == now.member)
            return &returning;
        if (returning.plan) {
            only = &returning;
            ++possible;
        }
    }
    return possible == 1 ? only : nullptr;
}

void Actions::allow(const Situation& now)
{
    const ArrayView* array = now.array;
    permit(assemble, whyNotAssemble(now),
        tr("Review what takes part and what would be written, then assemble (Ctrl+A)"));
    allowSyncs(now);
    allowMembership(now);
    allowBitmap(now);
    allowMount(now);

    QString whyNotStop;
    if (!array || now.activity != Activity::None) {
        whyNotStop = whyNoWriting(now);
    } else if (!array->assembled) {
        whyNotStop = tr("The array is not assembled.");
    }
    permit(stop, whyNotStop, tr("Close the array cleanly; what is still due stays recorded"));

    const bool throughOverlays = array && !array->overlay.empty() && !array->assembled;
    permit(lookAtMembers,
        throughOverlays ? QString() : tr("What is shown lies on the members themselves."),
        tr("Show the members as they are, without what lies on the overlays"));

    Situation beside = now; // it goes on beside other jobs
    beside.activity = now.activity == Activity::Stopping ? now.activity : Activity::None;
    QString whyNotWrite = now.isDemo ? whyNoWriting(beside) : tr("Open the demo array first.");
    if (now.isWriting)
        whyNotWrite = tr("Something is being written already.");
    permit(writeSomething, whyNotWrite,
        tr("Write 160 blocks of 4 KiB here and there, each with what it holds already, and see "
           "the bitmap follow (Ctrl+W)"));
    writeSomething->setVisible(now.isDemo);
    permit(pullPlug, now.isDemo ? whyNoWriting(now) : tr("Open the demo array first."),
        tr("As if the power went now, best while something is written: nothing more reaches the "
           "overlays, and the array is not stopped"));
    pullPlug->setVisible(now.isDemo);
}

// Beside whatever job runs. An array that is only read can only be read there.
void Actions::allowMount(const Situation& now)
{
    const bool isOpen = now.array && now.array->assembled;
    QString whyNot;
    if (!isOpen) {
        whyNot = now.array ? tr("Assemble the array first.") : tr("Choose an array first.");
    } else if (now.activity == Activity::Stopping || now.isMounting) {
        whyNot = tr("Another job is running on this array.");
    }
    const bool isMounted = isOpen && !now.array->mounted.empty();
    const bool isRead = isOpen && now.array->assembled->mode == WriteMode::ReadOnly;
    const QString address = isMounted ? QString::fromStdString(now.array->address) : QString();
    permit(mount, whyNot,
        !address.isEmpty() ? tr("Copy the address for NBD clients, %1 (Ctrl+M)").arg(address)
        : isRead           ? tr("Show the contents as a file that other programs can read (Ctrl+M)")
                 : tr("Show the contents as a file that other programs can read and write, and see "
                      "the bitmap follow (Ctrl+M)"));
    permit(unmount, whyNot.isEmpty() && !isMounted ? tr("The array is not mounted.") : whyNot,
        isMounted ? tr("Take %1 away; everything written there is in the array")
                        .arg(pathText(now.array->mounted.string()))
                  : QString());
}

void Actions::allowSyncs(const Situation& now)
{
    const QString reason = whyNoWriting(now);
    const ArraySnapshot* open =
        now.array && now.array->assembled ? &*now.array->assembled : nullptr;
    const auto due = [open](bool ArraySnapshot::* what, SyncEstimate ArraySnapshot::* cost) {
        if (!open || !(open->*what))
            return QString();
        const auto& estimate = open->*cost;
        return estimate.chunks == 0
                   ? costOf(estimate)
                   : tr("%1, %2").arg(chunksText(estimate.chunks), costOf(estimate));
    };

    const QString resyncCost = due(&ArraySnapshot::resyncDue, &ArraySnapshot::resync);
    permit(resync, reason.isEmpty() && resyncCost.isEmpty() ? tr("No resync is due.") : reason,
        tr("Make the members equal where they may differ: %1 (Ctrl+R)").arg(resyncCost));
    say(resync, tr("&Resync"), resyncCost);

    const QString recoveryCost = due(&ArraySnapshot::recoveryDue, &ArraySnapshot::recovery);
    permit(recover, reason.isEmpty() && recoveryCost.isEmpty() ? tr("No recovery is due.") : reason,
        tr("Bring the new member up to date: %1").arg(recoveryCost));
    say(recover, tr("Re&cover"), recoveryCost);

    const auto costOfAll = [&now](SyncAction action) {
        return now.array ? costOf(costOfCheck(now.array->report, action)) : QString();
    };
    permit(check, whyNotCheck(now),
        tr("Compare all members, whatever the bitmap says: %1 (Ctrl+K)")
            .arg(costOfAll(SyncAction::Check)));
    say(check, tr("Chec&k"), costOfAll(SyncAction::Check));
    permit(repair, reason.isEmpty() ? whyNotCompare(now) : reason,
        tr("Compare all members and overwrite what differs with the lowest slot's copy: %1")
            .arg(costOfAll(SyncAction::Repair)));
    say(repair, tr("Re&pair\u2026"), costOfAll(SyncAction::Repair));
}

void Actions::allowBitmap(const Situation& now)
{
    QString forbidden = whyNoWriting(now);
    const auto whyNot = [&](bool isPossible, const QString& otherwise) {
        if (!forbidden.isEmpty())
            return forbidden;
        if (!isPossible)
            return otherwise;
        const auto& open = *now.array->assembled;
        return open.resyncDue || open.recoveryDue
                   ? tr("Finish the resync or recovery that is due first.")
                   : QString();
    };
    const bool hasBitmap = now.array && now.array->report.bitmap.has_value();
    const auto* level = now.array ? personality(now.array->report.geometry.level) : nullptr;
    const bool takesBitmap = level && level->takesBitmap();
    permit(addBitmap,
        whyNot(takesBitmap && !hasBitmap, hasBitmap ? tr("The array has a bitmap.")
                                                    : tr("This level has no write-intent bitmap.")),
        tr("Write a bitmap beside each superblock: after a power cut only what was being written "
           "is "
           "resynced"));
    permit(removeBitmap, whyNot(hasBitmap, tr("The array has no bitmap.")),
        tr("Make the superblocks forget the bitmap; a resync then goes through everything"));
}

void Actions::allowMembership(const Situation& now)
{
    const QString reason = whyNoWriting(now);
    const QString rebuild =
        now.array ? tr("full rebuild, %1").arg(sizeText(now.array->report.arraySize.bytes()))
                  : QString();
    const QString noRoom = whyNotAdd(now, reason);
    permit(hotAdd, noRoom, tr("Give the vacant slot a new member: %1 (Ctrl+H)").arg(rebuild));
    say(hotAdd, tr("&Hot-add\u2026"), rebuild);

    const Returning* returning = returningMember(now);
    permit(reAdd, noRoom.isEmpty() ? whyNotReAdd(now, returning) : noRoom,
        tr("Take a member back and copy to it only what was written meanwhile: %1")
            .arg(returning && returning->plan ? costOf(*returning->plan) : QString()));
    if (reAdd->isEnabled()) {
        say(reAdd, tr("R&e-add %1").arg(nameOf(returning->path)), costOf(*returning->plan));
    } else {
        say(reAdd, tr("R&e-add"), {});
    }

    const Member* member = chosenMember(now);
    const QString others =
        now.array ? tr("writes %1 superblocks")
                        .arg(std::ranges::count_if(now.array->report.members, hasSlot) - 1)
                  : QString();
    const auto onMember = [&](QAction* action, const QString& words, const QString& withName,
                              const QString& whyNot, const QString& does) {
        permit(action, reason.isEmpty() ? whyNot : reason, does);
        say(action, action->isEnabled() ? withName.arg(nameOf(now.member)) : words, others);
    };
    const QString whyNot = reason.isEmpty() ? whyNotReplace(now, member) : reason;
    permit(replace, whyNot, tr("Copy the member onto a new one, which then takes its place"));
    replace->setText(replace->isEnabled() ? tr("Rep&lace %1\u2026").arg(nameOf(now.member))
                                          : tr("Rep&lace\u2026"));
    onMember(fail, tr("&Fail\u2026"), tr("&Fail %1\u2026"),
        reason.isEmpty() ? whyNotFail(now, member) : reason,
        tr("Mark the member as failed: the array goes on without it"));
    onMember(remove, tr("Rem&ove\u2026"), tr("Rem&ove %1\u2026"),
        reason.isEmpty() ? whyNotRemove(member) : reason,
        tr("Take a failed or spare member off the array's list"));
}

QString whyNotOpened(const ArrayReport& planned, WriteMode mode)
{
    if (!planned.canStart || planned.opens == Opens::Never)
        return text(headline(planned));
    if (planned.opens == Opens::ReadOnly && mode != WriteMode::ReadOnly)
        return tr("This array is only opened to be read: choose read only.");
    return {};
}

} // namespace bitmend
