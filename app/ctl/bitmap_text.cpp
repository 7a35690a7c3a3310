// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/array_text.h"
#include "app/ctl/console.h"
#include "app/ctl/json.h"

#include <algorithm>

namespace bitmend::ctl {

namespace {

constexpr std::uint64_t kCells = 64;
constexpr std::size_t kRangesShown = 40;

// One character per equal share of the chunks: '.' none of them set, '+' some, '#' all.
std::string strip(const BitmapBits& bits)
{
    const auto cells = std::min(kCells, bits.chunks);
    std::string text;
    for (std::uint64_t cell = 0; cell < cells; ++cell) {
        const auto first = bits.chunks / cells * cell + std::min(cell, bits.chunks % cells);
        const auto next =
            bits.chunks / cells * (cell + 1) + std::min(cell + 1, bits.chunks % cells);
        std::uint64_t set = 0;
        for (auto chunk = first; chunk < next; ++chunk)
            set += bits.test(chunk) ? 1 : 0;
        text += set == 0 ? '.' : set == next - first ? '#' : '+';
    }
    return text;
}

std::string rangesText(const std::vector<ChunkRun>& runs)
{
    std::string text;
    for (std::size_t i = 0; i < std::min(runs.size(), kRangesShown); ++i) {
        text += (i == 0 ? "" : " ") + std::to_string(runs[i].first);
        if (runs[i].last != runs[i].first)
            text += "-" + std::to_string(runs[i].last);
    }
    if (runs.size() > kRangesShown)
        text += " and " + grouped(runs.size() - kRangesShown) + " more ranges (--json has all)";
    return text.empty() ? "none" : text;
}

} // namespace

std::string bitmapText(const BitmapCopy& bitmap, std::size_t indent)
{
    const auto& header = bitmap.header;
    Table fields({});
    fields.add({"version", std::to_string(header.version)});
    fields.add(
        {"events", grouped(header.events) + ", cleared up to " + grouped(header.eventsCleared) +
                       (bitmap.stale ? " (stale: every chunk counts as dirty)" : "")});
    fields.add({"chunk", iecSize(header.chunkBytes)});
    fields.add({"covers", iecSize(header.syncSize.bytes())});
    fields.add({"sweep", "every " + std::to_string(header.daemonSleep) + " s"});
    fields.add({"chunks", grouped(bitmap.bits.chunks) + ", dirty " + grouped(bitmap.dirty)});
    auto text = fields.text(indent);
    text.erase(0, text.find('\n') + 1); // the empty header
    const std::string margin(indent, ' ');
    if (bitmap.bits.chunks > 0)
        text += margin + "[" + strip(bitmap.bits) + "]  . clean  + partly  # dirty\n";
    return text + wrapped("dirty: " + rangesText(dirtyRuns(bitmap.bits)), indent);
}

} // namespace bitmend::ctl
