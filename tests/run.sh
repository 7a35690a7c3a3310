#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds everything and runs all tests through ctest: tests/run.sh [--long] [--no-install]
#
#   release  every test, the kernel's judgement and the checks of the sources
#   asan     the tests again under AddressSanitizer and UndefinedBehaviorSanitizer
#   tsan     the core's own tests again under ThreadSanitizer
#   fuzz     the decoders under libFuzzer
#
# --long adds the full set of arrays made by the kernel, longer fuzzing and clang-tidy. The last line says how
# many tests passed and failed over all builds; the exit status is not zero when one failed.
set -uo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
long=
install=yes
for argument in "$@"; do
    case $argument in
        --long) long=yes ;;
        --no-install) install= ;;
        *)
            echo "Usage: tests/run.sh [--long] [--no-install]" >&2
            exit 2
            ;;
    esac
done
if [ -n "$install" ]; then
    packaging/install_packages.sh packaging/packages packaging/appimage/packages tests/packages \
        ${long:+tests/appimage/packages tests/checks/packages} || exit 1
fi

# A changed file must not be found up to date because a cache was restored with odd times.
export CTEST_PARALLEL_LEVEL=${CTEST_PARALLEL_LEVEL:-$(nproc)}
export LC_ALL=C.UTF-8
export BITMEND_LONG=${long:+1}
results=$top/build/results
mkdir -p "$results"
rm -f "$results"/*.txt

passed=0
failed=0
broken=()

heading() { printf '\n==== %s (%s)\n' "$1" "$(date -u +%H:%M:%SZ)"; }

# build PRESET [CMAKE-ARGUMENT...]
build() {
    local preset=$1
    shift
    heading "build $preset"
    cmake --preset "$preset" "$@" > "$results/$preset-configure.txt" 2>&1 &&
        cmake --build "build/$preset" > "$results/$preset-build.txt" 2>&1 && return
    tail -n 60 "$results/$preset-configure.txt" "$results/$preset-build.txt" 2> /dev/null
    broken+=("$preset does not build")
    return 1
}

# run PRESET [CTEST-ARGUMENT...]: what failed is printed in full, and counted either way.
run() {
    local preset=$1 line
    shift
    heading "test $preset"
    ctest --test-dir "build/$preset" --output-on-failure --no-tests=error "$@" 2>&1 |
        tee "$results/$preset-tests.txt"
    line=$(grep -E '^[0-9]+% tests passed' "$results/$preset-tests.txt" | tail -n 1)
    if [[ $line =~ ([0-9]+)\ tests\ failed\ out\ of\ ([0-9]+) ]]; then
        failed=$((failed + BASH_REMATCH[1]))
        passed=$((passed + BASH_REMATCH[2] - BASH_REMATCH[1]))
    else
        broken+=("ctest of $preset gave no result")
    fi
}

long_only=(-LE full)
[ -z "$long" ] || long_only=()

# clang-tidy reads how each file is compiled, and the headers that moc makes.
if [ -n "$long" ]; then
    if cmake --preset lint > "$results/lint-configure.txt" 2>&1; then
        tests/checks/tidy.py --prepare build/lint > "$results/lint-build.txt" 2>&1 ||
            broken+=("lint cannot be prepared")
    else
        tail -n 40 "$results/lint-configure.txt"
        broken+=("lint does not configure")
    fi
fi

build release -DBITMEND_TESTS=ON && run release "${long_only[@]}"
build asan && run asan -LE "full|kernel|check|appimage"
build tsan && run tsan -LE "full|kernel|check|app|one-thread"
build fuzz && run fuzz

heading "all"
for sentence in "${broken[@]}"; do
    echo "$sentence"
done
grep -hE '^[[:space:]]+[0-9]+ - .*\((Failed|Timeout|Not Run|SEGFAULT|Subprocess aborted|ILLEGAL|BAD_COMMAND)' \
    "$results"/*-tests.txt 2> /dev/null
failed=$((failed + ${#broken[@]}))
echo "$passed passed, $failed failed"
[ $failed = 0 ]
