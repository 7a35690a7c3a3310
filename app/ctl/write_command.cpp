// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/input.h"
#include "app/ctl/outcome.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"
#include "engine/array/planned_writes.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace bitmend::ctl {

namespace {

constexpr std::uint64_t kPiece = std::uint64_t{1} << 20U;

struct WriteOutcome
{
    std::uint64_t length = 0;  // of the array
    std::uint64_t flushed = 0; // of them, known to be on stable storage
    std::uint64_t flushes = 0;
    bool completed = false;
    bool beyondEnd = false; // the input went on behind the end of the array
    StopOutcome stop;
    std::uint64_t writtenBytes = 0; // over all members
};

class ArrayWriter
{
public:
    ArrayWriter(Array& array, const Options& options, JobControl& control)
        : m_array(array)
        , m_options(options)
        , m_control(control)
    {
    }

    Result<WriteOutcome> run(const Input& input);

private:
    Result<bool> writePiece(const Input& input);
    Result<void> flush();
    std::uint64_t untilFlush() const;

    Array& m_array;
    const Options& m_options;
    JobControl& m_control;
    std::vector<std::byte> m_buffer{kPiece};
    WriteOutcome m_outcome;
    Result<void> m_upkeep; // while the input had nothing
};

std::uint64_t ArrayWriter::untilFlush() const
{
    if (m_options.flushEvery == 0)
        return kPiece;
    return m_options.flushEvery - (m_outcome.length - m_outcome.flushed);
}

// What was flushed is acknowledged, so that a script knows what no power cut takes away any more.
Result<void> ArrayWriter::flush()
{
    BM_TRY(m_array.flush());
    ++m_outcome.flushes;
    m_outcome.flushed = m_outcome.length;
    if (m_options.verbose)
        complain("flushed: bytes 0 to " + std::to_string(m_outcome.length) + " of the input");
    return {};
}

// False at the end of the input.
Result<bool> ArrayWriter::writePiece(const Input& input)
{
    const auto at = m_options.offset + m_outcome.length;
    const auto room = m_array.sizeBytes() - at;
    // One byte more than there is room for tells whether the input ends where the array does.
    const auto wanted = std::min({kPiece, untilFlush(), room + 1});
    const auto idle = [this] {
        m_upkeep = m_array.maintain();
    };
    const auto count =
        BM_TRY(input.read(std::span(m_buffer).first(std::size_t(wanted)), m_control, idle));
    BM_TRY(m_upkeep);
    const auto fits = std::min<std::uint64_t>(count, room);
    BM_TRY(m_array.writeAt(at, std::span(m_buffer).first(std::size_t(fits))));
    m_outcome.length += fits;
    m_outcome.beyondEnd = fits < count;
    m_control.setDone({m_outcome.length / kSectorBytes});
    if (m_options.flushEvery != 0 && m_outcome.length - m_outcome.flushed >= m_options.flushEvery)
        BM_TRY(flush());
    return count != 0 && !m_outcome.beyondEnd;
}

Result<WriteOutcome> ArrayWriter::run(const Input& input)
{
    m_control.setTotal({input.size().value_or(0) / kSectorBytes});
    const auto before = m_array.writtenBytes();
    while (BM_TRY(writePiece(input)))
        ;
    m_outcome.completed = m_control.keepGoing() && !m_outcome.beyondEnd;
    if (m_outcome.flushed < m_outcome.length)
        BM_TRY(flush());
    m_outcome.stop = BM_TRY(stop(m_array));
    m_outcome.writtenBytes = m_array.writtenBytes() - before;
    return m_outcome;
}

ExitCode report(const ArraySnapshot& array, const WriteOutcome& outcome, const Options& options)
{
    if (options.json) {
        SyncOutcome none;
        none.completed = outcome.completed;
        Json object = outcomeJson("write", array, none);
        object["offset"] = options.offset;
        object["length"] = outcome.length;
        object["written_bytes"] = outcome.writtenBytes;
        object["flushes"] = outcome.flushes;
        object["events"] = outcome.stop.events;
        object["chunks_kept"] = outcome.stop.chunksKept;
        printJson(object);
    } else {
        print(wrapped("Written to " + array.report.name + ": " + iecSize(outcome.length) +
                          " from byte " + grouped(options.offset) + " on, " +
                          iecSize(outcome.writtenBytes) +
                          " over all members; flushes: " + grouped(outcome.flushes) +
                          ". The array is stopped at events " + grouped(outcome.stop.events) + ".",
            0));
        printWayBack(array);
    }
    if (outcome.beyondEnd) {
        complain("The array ends at byte " + std::to_string(options.offset + outcome.length) +
                 "; what the input has behind that was not written.");
        return ExitCode::Failed;
    }
    return outcome.completed ? ExitCode::Done : ExitCode::Interrupted;
}

// Who forgets to name the input names a member in its place.
bool isMember(const std::string& path, JobControl& control)
{
    if (path == "-")
        return false;
    const std::vector<std::string> one{path};
    const auto found = scan(one, ScanOptions(), control);
    return std::ranges::any_of(
        found.sources, [](const SourceReport& source) { return !source.found.empty(); });
}

} // namespace

ExitCode writeCommand(const Options& given)
{
    if (given.paths.empty())
        return misused("write", "Name what is to be written: a file, or - for standard input.");
    auto options = given;
    const auto name = options.paths.front();
    options.paths.erase(options.paths.begin());
    WatchedJob job("Write");
    if (isMember(name, job.control())) {
        return misused(
            "write", name + " is a member of an array. Name what is to be written before the "
                            "members: a file, or - for standard input.");
    }
    const auto input = Input::open(name);
    if (!input)
        return complain(input.error());

    const auto found = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(found);
    // A pipe may be as long as the array has room.
    const auto more = [&](const ArrayReport& array) {
        const auto end = std::min(array.arraySize.bytes(),
            input->size() ? options.offset + *input->size() : array.arraySize.bytes());
        return foregroundWrites(array, {{std::min(options.offset, end) / kSectorBytes},
                                           {(end + kSectorBytes - 1) / kSectorBytes}});
    };
    const auto plan = planForWriting(found, options, more);
    if (!plan)
        return complain(plan.error());
    const auto size = plan->array.arraySize.bytes();
    if (options.offset > size || input->size().value_or(0) > size - options.offset) {
        return misused("write",
            "The array ends at byte " + std::to_string(size) + ", before the input would.");
    }
    if (options.dryRun)
        return printPlan(plan, options);
    const auto array = openForWriting(found, options, more);
    if (!array)
        return complain(array.error());
    const auto outcome = ArrayWriter(**array, options, job.control()).run(*input);
    if (!outcome)
        return complain(outcome.error(), **array);
    return withLosses(**array, report((*array)->snapshot(), *outcome, options));
}

} // namespace bitmend::ctl
