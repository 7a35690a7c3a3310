// SPDX-License-Identifier: Apache-2.0
// A quick scan in process: bench_scan IMAGE... prints how many microseconds it took, opening and
// closing each image, and how many superblocks were found. One untimed scan warms the page cache.
#include "engine/array/assembly.h"
#include "engine/array/scan.h"

#include <chrono>
#include <cstdio>

using namespace bitmend;

namespace {

std::size_t superblocks(const ScanReport& report)
{
    std::size_t count = 0;
    for (const auto& source : report.sources)
        count += source.found.size();
    return count;
}

} // namespace

int main(int argc, char* argv[])
{
    const std::vector<std::string> paths(argv + 1, argv + argc);
    JobControl control;
    (void)scan(paths, {}, control);

    const auto begin = std::chrono::steady_clock::now();
    const auto report = scan(paths, {}, control);
    const auto arrays = findArrays(report);
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - begin;
    std::printf("%.1f %zu %zu\n", time.count(), superblocks(report), arrays.size());
}
