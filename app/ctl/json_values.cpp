// SPDX-License-Identifier: Apache-2.0
// The small values that several commands print.
#include "app/ctl/console.h"
#include "app/ctl/json.h"
#include "ui/words.h"

#include <nlohmann/json.hpp>

#include <bit>

namespace bitmend::ctl {

Json timeOrNull(std::int64_t seconds) { return seconds == 0 ? Json() : Json(utcRfc3339(seconds)); }

Json bytesOrNull(Sectors sectors) { return sectors == kMaxSector ? Json() : Json(sectors.bytes()); }

Json sentenceOrNull(const std::optional<Error>& error)
{
    return error ? Json(plain(sentence(*error))) : Json();
}

Json json(const Problem& problem, std::string_view source)
{
    return {{"severity", key(problem.severity)}, {"field", problem.field},
        {"offset", problem.offset < 0 ? Json() : Json(problem.offset)}, {"found", problem.found},
        {"expected", problem.expected}, {"message", plain(sentence(problem, source))}};
}

Json json(const std::vector<Problem>& problems, std::string_view source)
{
    Json list = Json::array();
    for (const auto& problem : problems)
        list.push_back(json(problem, source));
    return list;
}

std::vector<ChunkRun> dirtyRuns(const BitmapBits& bits)
{
    std::vector<ChunkRun> runs;
    for (std::size_t i = 0; i < bits.words.size(); ++i) {
        // Each turn takes one run of ones out of the word.
        for (std::uint64_t word = bits.words[i]; word != 0;) {
            const auto low = std::countr_zero(word);
            const auto length = std::countr_one(word >> low);
            const std::uint64_t first = i * 64 + std::uint64_t(low);
            const std::uint64_t last = first + std::uint64_t(length) - 1;
            if (!runs.empty() && runs.back().last + 1 == first) {
                runs.back().last = last;
            } else {
                runs.push_back({first, last});
            }
            word = low + length == 64 ? 0 : word >> (low + length) << (low + length);
        }
    }
    return runs;
}

Json json(const BitmapCopy& bitmap, std::string_view source)
{
    Json ranges = Json::array();
    for (const auto& run : dirtyRuns(bitmap.bits))
        ranges.push_back({run.first, run.last});
    const auto& header = bitmap.header;
    return {{"location", bitmap.location.external ? "external" : "internal"},
        {"offset_bytes", bitmap.location.byteOffset}, {"version", header.version},
        {"uuid", toString(header.uuid)}, {"events", header.events},
        {"events_cleared", header.eventsCleared}, {"state", header.state},
        {"sync_size_bytes", bytesOrNull(header.syncSize)}, {"chunk_bytes", header.chunkBytes},
        {"daemon_sleep_seconds", header.daemonSleep}, {"write_behind", header.writeBehind},
        {"stale", bitmap.stale}, {"chunks", bitmap.bits.chunks}, {"dirty", bitmap.dirty},
        {"dirty_ranges", std::move(ranges)}, {"problems", json(bitmap.problems, source)}};
}

Json json(const std::vector<PlannedWrite>& writes)
{
    Json list = Json::array();
    for (const auto& write : writes) {
        list.push_back({{"path", write.path}, {"offset", write.offset}, {"length", write.length},
            {"purpose", key(write.purpose)}});
    }
    return list;
}

Json json(const SyncEstimate& estimate)
{
    return {{"chunks", estimate.chunks}, {"read_bytes", estimate.readBytes},
        {"write_bytes", estimate.writeBytes}};
}

void printJson(const Json& object)
{
    Json result = {{"schema", 1}};
    result.update(object);
    print(result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

Json rangesJson(const std::vector<SectorRange>& ranges)
{
    Json list = Json::array();
    for (const auto& range : ranges)
        list.push_back({range.begin.count, range.end.count - 1});
    return list;
}

} // namespace bitmend::ctl
