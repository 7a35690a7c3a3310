// SPDX-License-Identifier: Apache-2.0
// The same as random_writes.c through an array of ours, in place:
//
//   bench_random_writes WRITERS SECONDS RESTORE_FILE MEMBER...
//
// Its bits are set by the seconds that are not counted.
#include "engine/array/array.h"
#include "engine/array/planned_writes.h"
#include "engine/array/scan.h"
#include "tests/bench/measure.h"

#include <atomic>
#include <random>
#include <thread>

using namespace bitmend;
using namespace bitmend::bench;

namespace {

constexpr std::size_t kBlock = 4096;

std::unique_ptr<Array> assembled(const std::vector<std::string>& members, const char* restoreFile)
{
    JobControl control;
    const auto report = scan(members, {}, control);
    AssemblyChoices choices;
    choices.mode = WriteMode::InPlace;
    choices.restoreFile = restoreFile;
    for (const auto& source : report.sources) {
        if (source.found.empty())
            continue;
        const auto plan = planAssembly(report, source.found.front().superblock->arrayUuid, choices);
        auto array = plan ? assemble(*plan, {}) : std::unexpected(plan.error());
        if (!array ||
            !(*array)->authorize(foregroundWrites(plan->array, {{}, plan->array.arraySize})))
            giveUp("assembling");
        return std::move(*array);
    }
    giveUp("finding an array");
}

double ratePerSecond(Array& array, unsigned writers, std::chrono::seconds seconds)
{
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    std::atomic<std::uint64_t> count = 0;
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < writers; ++i) {
        threads.emplace_back([&, i] {
            std::mt19937_64 random(i);
            const std::vector<std::byte> block(kBlock, std::byte(i + 1));
            for (auto at = Clock::now(); at < begin + 2 * seconds; at = Clock::now()) {
                for (int n = 0; n < 16; ++n) {
                    const auto place = random() % (array.sizeBytes() / kBlock) * kBlock;
                    if (!array.writeAt(place, block))
                        giveUp("writing");
                }
                count += at >= begin + seconds ? 16 : 0;
            }
        });
    }
    threads.clear();
    return static_cast<double>(count) / static_cast<double>(seconds.count());
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 5)
        return 2;
    const auto writers = static_cast<unsigned>(argument(argc, argv, 1, 1));
    const std::chrono::seconds seconds{argument(argc, argv, 2, 2)};
    const auto array = assembled({argv + 4, argv + argc}, argv[3]);
    std::printf("%.0f\n", ratePerSecond(*array, writers, seconds));
    if (!stop(*array))
        giveUp("stopping");
    return 0;
}
