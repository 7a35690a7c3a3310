// SPDX-License-Identifier: Apache-2.0
// What happened, for the log panel and stderr: facts again, no sentences. One sink per process.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace bitmend {

enum class LogEvent : std::uint8_t {
    ScanStarted,        // number = sources
    ScanFinished,       // number = superblocks found
    ArrayOpened,        // number = members, other = events
    BitmapRead,         // where = the member it came from, number = dirty chunks, other = events
    BitmapReadFailed,   // where = the member that failed; the next one is asked
    SyncStarted,        // number = chunks due, other = chunks in all
    SyncFinished,       // number = bytes read, other = bytes written
    ChunkDiffered,      // number = first sector, other = sectors copied
    Checkpoint,         // number = sector
    SpareWritten,       // where = the new member
    BitmapPagesWritten, // where = the new member, number = pages
    MemberSlotted,      // where = the new member, number = role
    MemberReplaced,     // where = the member whose place is taken, number = its role
    MemberInSync,       // where = the member, number = role
    SuperblocksWritten, // number = events, other = members
    ArrayStopped,       // number = events
    ReadFailed,         // where, number = byte offset, other = errno
    BadBlockListed,     // where = the member, number = first sector of it, other = sectors
    WriteFailed,        // where, number = byte offset, other = errno
    MemberFailed,       // where = the member, number = the role it had
    BitmapAdded,        // where = its file, if it has one; number = chunks, other = bytes of each
    BitmapRemoved,
    BitmapKicked, // stale from now on; number = copies that still could be told so
};

struct LogRecord
{
    std::int64_t timeMicros = 0; // since the epoch, UTC
    LogEvent event{};
    std::string array; // name, may be empty
    std::string where; // source, may be empty
    std::uint64_t number = 0;
    std::uint64_t other = 0;
};

using LogSink = std::function<void(const LogRecord&)>;

// The sink is called from whatever thread logs, one call at a time. Null drops records.
void setLogSink(LogSink sink);

// Stamps the time and hands the record on.
void log(LogEvent event, std::string array, std::string where = {}, std::uint64_t number = 0,
    std::uint64_t other = 0);

} // namespace bitmend
