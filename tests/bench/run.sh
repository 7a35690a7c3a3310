#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Speed, as ratios measured in one run: tests/bench/run.sh [--no-install]
# Prints tables for the README; asserts nothing, as machines differ. Needs 8 GiB in TMPDIR.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"
if [ "${1:-}" != --no-install ]; then
    packaging/install_packages.sh packaging/packages tests/packages
fi
cmake --preset release -DBITMEND_TESTS=ON > /dev/null
benches=(bench_scan bench_sync)
[ ! -e tests/bench/bench_heatmap.cpp ] || benches+=(bench_heatmap bench_window)
cmake --build --preset release --target bitmendctl "${benches[@]}" > /dev/null

echo "$(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(date -u +%F)"
python3 -B tests/bench/scan_ratios.py build/release/bin
for bench in "${benches[@]}"; do
    if [ "$bench" = bench_sync ]; then
        build/release/bin/bench_sync "${TMPDIR:-/tmp}"
        continue
    fi
    [ "$bench" = bench_scan ] || QT_QPA_PLATFORM=offscreen "build/release/bin/$bench"
done
