// SPDX-License-Identifier: Apache-2.0
// What a finished job has to say, with its numbers; and what the array pages say of an array in one
// line.
#pragma once

#include "engine/session/engine.h"
#include "ui/appearance.h"

#include <QString>

namespace bitmend {

struct Outcome
{
    Tone tone = Tone::Neutral;
    QString sentence;
};

Outcome outcomeOf(const SyncOutcome& sync);
Outcome outcomeOf(const HotAddResult& hotAdd);
Outcome outcomeOf(const MembershipOutcome& change); // a member failed or removed
Outcome outcomeOf(const BitmapOutcome& change);     // a bitmap added or removed
Outcome outcomeOf(const WriterOutcome& written);
Outcome outcomeOf(const MountOutcome& mount);
Outcome outcomeOf(const UnmountOutcome& unmount);
Outcome outcomeOf(const PlugOutcome& plug);
Outcome outcomeOf(const StopOutcome& stop);
Outcome outcomeOf(const ArraySnapshot& assembled);
Outcome outcomeOf(const Error& error, const ArrayReport& array);

// What the page says of an array: what is wrong, what that means and what the next step costs, and
// whatever else is known.
struct Verdict
{
    QString headline;
    QString explanation;
    QString remarks;
};
Verdict verdictOf(const ArrayView& array);

// "RAID 1 · 2 of 2 members · stands one more loss · 1.8 TiB · metadata 1.2 · on overlays, nothing
// is written to the images"
QString subtitleOf(const ArrayView& array);

QString chunksText(std::uint64_t count); // "37 chunks"

// "reads 4.6 GiB, writes at most 2.3 GiB"
QString costOf(const SyncEstimate& estimate);
QString costOf(const ReAddPlan& plan); // "12 chunks, 0.8 GiB"
SyncEstimate costOfCheck(const ArrayReport& array, SyncAction action);

QString purposeText(WritePurpose purpose);

} // namespace bitmend
