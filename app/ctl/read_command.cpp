// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/command.h"
#include "app/ctl/console.h"
#include "app/ctl/json.h"
#include "app/ctl/sources.h"
#include "app/ctl/watched_job.h"
#include "engine/array/array.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

namespace bitmend::ctl {

namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
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

void noteUnreadable(ReadOutcome& outcome, std::uint64_t offset, std::size_t length)
{
    auto& ranges = outcome.unreadable;
    if (!ranges.empty() && ranges.back().offset + ranges.back().length == offset)
        ranges.back().length += length;
    else
        ranges.push_back({offset, length});
}

// A piece that no member gives as a whole is read block by block; what is lost becomes zeros.
void readPiece(
    const Array& array, std::uint64_t offset, std::span<std::byte> piece, ReadOutcome& outcome)
{
    if (array.readAt(offset, piece))
        return;
    for (std::size_t at = 0; at < piece.size(); at += kBlock) {
        const auto block = piece.subspan(at, std::min(kBlock, piece.size() - at));
        if (array.readAt(offset + at, block))
            continue;
        std::ranges::fill(block, std::byte{0});
        noteUnreadable(outcome, offset + at, block.size());
    }
}

Result<ReadOutcome> copy(
    const Array& array, ByteRange range, const std::string& name, JobControl& control)
{
    const auto output = BM_TRY(openOutput(name));
    ReadOutcome outcome;
    std::vector<std::byte> buffer(kPiece);
    control.setTotal({range.length / kSectorBytes});
    while (outcome.copied < range.length) {
        if (!control.keepGoing())
            return outcome;
        const auto length = std::min<std::uint64_t>(kPiece, range.length - outcome.copied);
        const auto piece = std::span(buffer).first(std::size_t(length));
        readPiece(array, range.offset + outcome.copied, piece, outcome);
        BM_TRY(output.write(piece, name));
        outcome.copied += length;
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
        {"output", options.output}, {"unreadable", std::move(unreadable)}};
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

ExitCode usage(std::string_view sentence)
{
    complain(std::string(sentence) + " See 'bitmendctl read --help'.");
    return ExitCode::Usage;
}

} // namespace

ExitCode readCommand(const Options& options)
{
    if (options.output.empty())
        return usage("Say where to: --output FILE, or --output - for standard output.");
    if (options.json && options.output == "-")
        return usage("Standard output can carry the contents or the JSON, not both.");
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
        return usage(
            "The array ends at byte " + std::to_string(size) + ", before the asked range does.");
    }
    const ByteRange range{options.offset, options.length.value_or(size - options.offset)};
    const auto outcome = copy(**array, range, options.output, job.control());
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
