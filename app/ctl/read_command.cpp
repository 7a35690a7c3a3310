// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/json.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"
#include "engine/array/array.h"
#include "engine/base/aligned_buffer.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <future>
#include <utility>
#include <vector>

namespace bitmend::ctl {

namespace {

// Long enough that a stripe is asked for as a whole, and two on the way at a time: what is missing
// is computed while the next piece is read.
constexpr std::size_t kPiece = std::size_t{4} << 20;
constexpr std::size_t kAhead = 2;
constexpr std::size_t kBlock = 4096; // what is given up around an unreadable place

struct ByteRange
{
    std::uint64_t offset;
    std::uint64_t length;
};

struct ReadOutcome
{
    std::uint64_t copied = 0;
    std::vector<ByteRange> unreadable;
    bool completed = false;
};

class Output
{
public:
    explicit Output(int descriptor) : m_descriptor(descriptor) {}
    ~Output()
    {
        if (m_descriptor > STDERR_FILENO)
            ::close(m_descriptor);
    }
    Output(Output&& other) noexcept : m_descriptor(std::exchange(other.m_descriptor, -1)) {}
    Output& operator=(Output&&) = delete;

    Result<void> write(std::span<const std::byte> bytes, const std::string& name) const
    {
        while (!bytes.empty()) {
            const auto written = ::write(m_descriptor, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR)
                continue;
            if (written < 0) {
                return fail(errno == ENOSPC ? ErrorCode::NoSpace : ErrorCode::Io, name, -1, errno);
            }
            bytes = bytes.subspan(std::size_t(written));
        }
        return {};
    }

private:
    int m_descriptor;
};

// An existing file could be a member, or somebody's work: it is never written over.
Result<Output> openOutput(const std::string& name)
{
    if (name == "-")
        return Output(STDOUT_FILENO);
    struct stat there{};
    const bool sink =
        ::stat(name.c_str(), &there) == 0 && (S_ISCHR(there.st_mode) || S_ISFIFO(there.st_mode));
    const int flags = O_WRONLY | O_CLOEXEC | (sink ? 0 : O_CREAT | O_EXCL);
    const int descriptor = ::open(name.c_str(), flags, 0666);
    if (descriptor < 0) {
        return fail(errno == EEXIST ? ErrorCode::InUse : ErrorCode::CannotOpen, name, -1, errno);
    }
    return Output(descriptor);
}

void noteUnreadable(std::vector<ByteRange>& ranges, ByteRange lost)
{
    if (!ranges.empty() && ranges.back().offset + ranges.back().length == lost.offset) {
        ranges.back().length += lost.length;
    } else {
        ranges.push_back(lost);
    }
}

// A piece that the members do not give as a whole is read block by block; what is lost becomes
// zeros.
std::vector<ByteRange> readPiece(
    const Array& array, std::uint64_t offset, std::span<std::byte> piece)
{
    std::vector<ByteRange> unreadable;
    if (array.readAt(offset, piece))
        return unreadable;
    for (std::size_t at = 0; at < piece.size(); at += kBlock) {
        const auto block = piece.subspan(at, std::min(kBlock, piece.size() - at));
        if (array.readAt(offset + at, block))
            continue;
        std::ranges::fill(block, std::byte{0});
        noteUnreadable(unreadable, {offset + at, block.size()});
    }
    return unreadable;
}

// Reads pieces in threads of their own, or one by one when they are asked for, and hands them out
// in order.
class PieceReader
{
public:
    PieceReader(const Array& array, ByteRange range, std::launch how)
        : m_array(array)
        , m_range(range)
        , m_how(how)
    {
        for (auto& slot : m_slots)
            start(slot);
    }

    // The next piece, or an empty one at the end. It is good until nextIsFree().
    std::span<const std::byte> wait(std::vector<ByteRange>& unreadable)
    {
        auto& slot = m_slots[m_turn];
        if (!slot.reading.valid())
            return {};
        for (const auto& lost : slot.reading.get())
            noteUnreadable(unreadable, lost);
        return slot.buffer.first(slot.length);
    }

    void nextIsFree()
    {
        start(m_slots[m_turn]);
        m_turn = (m_turn + 1) % kAhead;
    }

private:
    struct Slot
    {
        AlignedBuffer buffer{kPiece};
        std::size_t length = 0;
        std::future<std::vector<ByteRange>> reading; // none behind the end
    };

    void start(Slot& slot)
    {
        slot.length = std::size_t(std::min<std::uint64_t>(kPiece, m_range.length - m_asked));
        if (slot.length == 0)
            return;
        slot.reading = std::async(m_how,
            [this, offset = m_range.offset + m_asked, piece = slot.buffer.first(slot.length)] {
                return readPiece(m_array, offset, piece);
            });
        m_asked += slot.length;
    }

    const Array& m_array;
    ByteRange m_range;
    std::launch m_how;
    std::uint64_t m_asked = 0;
    std::size_t m_turn = 0;
    std::array<Slot, kAhead> m_slots;
};

Result<ReadOutcome> copy(
    const Array& array, ByteRange range, const Options& options, JobControl& control)
{
    const auto& name = options.output;
    const auto output = BM_TRY(openOutput(name));
    ReadOutcome outcome;
    PieceReader pieces(
        array, range, options.threads == 1 ? std::launch::deferred : std::launch::async);
    control.setTotal({range.length / kSectorBytes});
    while (outcome.copied < range.length) {
        if (!control.keepGoing())
            return outcome;
        const auto piece = pieces.wait(outcome.unreadable);
        BM_TRY(output.write(piece, name));
        outcome.copied += piece.size();
        pieces.nextIsFree();
        control.setDone({outcome.copied / kSectorBytes});
    }
    outcome.completed = true;
    return outcome;
}

Json outcomeJson(
    const Array& array, ByteRange range, const Options& options, const ReadOutcome& outcome)
{
    Json unreadable = Json::array();
    for (const auto& lost : outcome.unreadable)
        unreadable.push_back({{"offset", lost.offset}, {"length", lost.length}});
    return {{"action", "read"}, {"name", array.name()}, {"completed", outcome.completed},
        {"offset", range.offset}, {"length", range.length}, {"read_bytes", outcome.copied},
        {"output", options.output}, {"recomputed_bytes", array.recomputedBytes()},
        {"unreadable", std::move(unreadable)}};
}

ExitCode report(
    const Array& array, ByteRange range, const Options& options, const ReadOutcome& outcome)
{
    if (options.json)
        printJson(outcomeJson(array, range, options, outcome));
    for (const auto& lost : outcome.unreadable) {
        complain("No member gives " + std::to_string(lost.length) + " bytes from byte " +
                 std::to_string(lost.offset) + " of " + array.name() +
                 " on; the copy has zeros there.");
    }
    if (!outcome.completed)
        return ExitCode::Interrupted;
    return outcome.unreadable.empty() ? ExitCode::Done : ExitCode::Findings;
}

} // namespace

ExitCode readCommand(const Options& options)
{
    if (options.output.empty())
        return misused("read", "Say where to: --output FILE, or --output - for standard output.");
    if (options.json && options.output == "-")
        return misused("read", "Standard output can carry the contents or the JSON, not both.");
    WatchedJob job("Read");
    const auto found = scanPaths(options, job.control());
    if (job.wasInterrupted())
        return ExitCode::Interrupted;
    complainAboutSources(found);
    const auto array = openArray(found, options, WriteMode::ReadOnly);
    if (!array)
        return complain(array.error());
    const auto size = (*array)->sizeBytes();
    if (options.offset > size || options.length.value_or(0) > size - options.offset) {
        return misused("read",
            "The array ends at byte " + std::to_string(size) + ", before the asked range does.");
    }
    const ByteRange range{options.offset, options.length.value_or(size - options.offset)};
    const auto outcome = copy(**array, range, options, job.control());
    if (!outcome) {
        if (outcome.error().code == ErrorCode::InUse) {
            complain(options.output + " exists already and is not written over. Nothing was "
                                      "changed. Name a new file.");
            return ExitCode::Refused;
        }
        return complain(outcome.error());
    }
    return report(**array, range, options, *outcome);
}

} // namespace bitmend::ctl
