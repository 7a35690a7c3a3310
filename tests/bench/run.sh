#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Speed, as ratios measured in one run: tests/bench/run.sh [--no-install]
# Prints tables for the README; asserts nothing, as machines differ. Needs 8 GiB in memory (/dev/shm); without
# them it takes TMPDIR, and what is measured is rather the disk.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"
if [ "${1:-}" != --no-install ]; then
    packaging/install_packages.sh packaging/packages tests/packages
fi
cmake --preset release -DBITMEND_TESTS=ON > /dev/null
benches=(bench_scan bench_sync bench_write)
[ ! -e tests/bench/bench_heatmap.cpp ] || benches+=(bench_heatmap bench_window)
cmake --build --preset release --target bitmendctl bench_random_writes "${benches[@]}" > /dev/null

echo "$(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(date -u +%F)"
python3 -B tests/bench/scan_ratios.py build/release/bin
folder=/dev/shm
room=$(df --output=avail -BM "$folder" 2> /dev/null | tail -n 1 | tr -dc 0-9)
[ "${room:-0}" -ge 8192 ] || folder=${TMPDIR:-/tmp}
for bench in "${benches[@]}"; do
    if [ "$bench" = bench_sync ]; then
        echo "in $folder:"
        build/release/bin/bench_sync "$folder"
        build/release/bin/bench_sync "${TMPDIR:-/tmp}" 1024 5 --cold
        python3 -B tests/bench/kernel_ratios.py build/release/bin "$folder"
        continue
    fi
    if [ "$bench" = bench_write ]; then
        build/release/bin/bench_write "$folder"
        python3 -B tests/bench/kernel_writes.py build/release/bin "$folder"
        continue
    fi
    [ "$bench" = bench_scan ] || QT_QPA_PLATFORM=offscreen "build/release/bin/$bench"
done
