// SPDX-License-Identifier: Apache-2.0
// One line of the log: who, what, how much. The time stands in front of it.
#include "ui/phrase.h"

#include <system_error>

namespace bitmend {

namespace {

std::string cause(const LogRecord& record)
{
    return std::generic_category().message(int(record.other));
}

} // namespace

Phrase sentence(const LogRecord& record)
{
    const std::string& array = record.array;
    const std::string& where = record.where;
    const std::string number = grouped(record.number);
    const std::string other = grouped(record.other);

    switch (record.event) {
    case LogEvent::ScanStarted:
        return phrase("scan: started, sources: %1", number);
    case LogEvent::ScanFinished:
        return phrase("scan: finished, superblocks found: %1", number);
    case LogEvent::ArrayOpened:
        return phrase("assemble %1: members: %2, events %3", array, number, other);
    case LogEvent::BitmapRead:
        return phrase(
            "bitmap %1: read from %2 (events %4), dirty chunks: %3", array, where, number, other);
    case LogEvent::BitmapReadFailed:
        return phrase("bitmap %1: not readable on %2, the next member is asked", array, where);
    case LogEvent::SyncStarted:
        return phrase("sync %1: started, %2 of %3 chunks", array, number, other);
    case LogEvent::SyncFinished:
        return phrase("sync %1: finished, read %2, written %3", array, iecSize(record.number),
            iecSize(record.other));
    case LogEvent::ChunkDiffered:
        return phrase(
            "sync %1: %3 sectors from sector %2 on differed and were copied", array, number, other);
    case LogEvent::Checkpoint:
        return phrase("sync %1: recorded as done up to sector %2", array, number);
    case LogEvent::SpareWritten:
        return phrase("add %1: superblock written to %2 as a spare", array, where);
    case LogEvent::BitmapPagesWritten:
        return phrase("add %1: bitmap pages written to %2: %3", array, where, number);
    case LogEvent::MemberSlotted:
        return phrase("add %1: %2 takes slot %3", array, where, number);
    case LogEvent::MemberReplaced:
        return phrase(
            "replace %1: %2 in slot %3 is replaced and no member any more", array, where, number);
    case LogEvent::MemberInSync:
        return phrase("recover %1: %2 in slot %3 is in sync", array, where, number);
    case LogEvent::SuperblocksWritten:
        return phrase("superblocks %1: events %2 on members: %3", array, number, other);
    case LogEvent::ArrayStopped:
        return phrase("stop %1: stopped cleanly at events %2", array, number);
    case LogEvent::ReadFailed:
        return phrase("%1: reading at byte %2 gave an error: %3", where,
            std::to_string(record.number), cause(record));
    case LogEvent::BadBlockListed:
        return phrase("%1: nobody gives what %2 holds from sector %3 on; %4 sectors are listed as "
                      "bad blocks",
            array, where, number, other);
    case LogEvent::WriteFailed:
        return phrase("%1: writing at byte %2 gave an error: %3", where,
            std::to_string(record.number), cause(record));
    case LogEvent::MemberFailed:
        return phrase("%1: %2 in slot %3 failed and is not written any more", array, where, number);
    case LogEvent::BitmapAdded:
        return phrase("bitmap %1: added, chunks: %2", array, number);
    case LogEvent::BitmapRemoved:
        return phrase("bitmap %1: removed", array);
    case LogEvent::BitmapKicked:
        return phrase("%1: no member takes the bitmap; the array runs on without it", array);
    }
    return {};
}

} // namespace bitmend
