// SPDX-License-Identifier: Apache-2.0
// The JSON that scripts read; resources/schema/bitmendctl.schema.json describes it. Integers are
// exact, md's MaxSector is null, times are RFC 3339 in UTC.
#pragma once

#include "engine/array/assembly.h"
#include "engine/array/scan.h"

#include <nlohmann/json_fwd.hpp>

namespace bitmend::ctl {

using Json = nlohmann::ordered_json;

// The words of the interface, which never change; ui/words has those for people.
std::string_view key(MemberState state);
std::string_view key(Needs needs);
std::string_view key(Opens opens);
std::string_view key(WritePurpose purpose);
std::string_view key(WriteMode mode);
std::string_view key(Severity severity);

Json json(const ScanReport& report); // the sources, partitions as sources of their own
Json json(const ArrayReport& array);
Json json(const AssemblyPlan& plan);
Json json(const Problem& problem, std::string_view source);
Json json(const std::vector<Problem>& problems, std::string_view source);
Json json(const BitmapCopy& bitmap, std::string_view source);
Json json(const std::vector<PlannedWrite>& writes);
Json json(const SyncEstimate& estimate);

Json timeOrNull(std::int64_t seconds); // null for 0
Json bytesOrNull(Sectors sectors);     // null for MaxSector
Json sentenceOrNull(const std::optional<Error>& error);
Json rangesJson(const std::vector<SectorRange>& ranges); // each [first, last], in sectors

// To standard output, with "schema" in front, indented, byte sequences that are not UTF-8 replaced.
void printJson(const Json& object);

// Chunks whose bits are set, as runs [first, last].
struct ChunkRun
{
    std::uint64_t first;
    std::uint64_t last;
};
std::vector<ChunkRun> dirtyRuns(const BitmapBits& bits);

} // namespace bitmend::ctl
