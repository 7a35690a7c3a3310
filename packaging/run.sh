#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds Bitmend and opens it: packaging/run.sh [IMAGE...]
#
# Without an image it opens the bundled demo, a mirror whose power was cut while it was written.
# Without a display it does the same job in the terminal, on overlays, and leaves a picture of the
# window.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bitmend

"$top/packaging/install_packages.sh" "$top/packaging/packages"

cd "$top"
cmake --preset release -DBITMEND_TESTS=OFF > /dev/null
cmake --build --preset release --target bitmend bitmendctl
cd - > /dev/null
ctl=$top/build/release/bin/bitmendctl
window=$top/build/release/bin/bitmend

# The demo's images, unpacked once; they are only ever read.
unpack_demo() {
    mkdir -p "$cache/demo"
    local packed image
    for packed in "$top"/resources/demo/*.img.zst; do
        image=$cache/demo/$(basename "$packed" .zst)
        if [ ! -e "$image" ] || [ "$packed" -nt "$image" ]; then
            zstd -q -d -f --sparse --no-progress "$packed" -o "$image.part"
            touch "$image.part"
            mv "$image.part" "$image"
        fi
    done
}

images=("$@")
if [ ${#images[@]} = 0 ]; then
    unpack_demo
    images=("$cache"/demo/*.img)
fi

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec "$window" "${images[@]}"
fi

# From here on: no display.
work=$(mktemp -d "${TMPDIR:-/tmp}/bitmend-XXXXXX")
overlay=$work/overlay

step() {
    printf '\n== %s\n\n' "$1"
    shift
    printf '$ bitmendctl'
    printf ' %q' "$@"
    printf '\n\n'
    local status=0
    "$ctl" "$@" || status=$?
    # 4: done, and there is something to tell, which was told.
    [ $status = 4 ] || return $status
}

# An image with nothing on it, no superblock and no other content either, can become a member.
is_blank() {
    [ -f "$1" ] && ! "$ctl" examine "$1" > /dev/null 2>&1 || return 1
    local report
    report=$("$ctl" scan --json "$1" 2> /dev/null) || return 1
    [ "$(grep -c '"content": null' <<< "$report")" = 1 ] && [ "$(grep -c '"path":' <<< "$report")" = 1 ]
}

members=()
spare=
for image in "${images[@]}"; do
    if [ -z "$spare" ] && is_blank "$image"; then
        spare=$image
    else
        members+=("$image")
    fi
done
[ ${#members[@]} -gt 0 ] || members=("${images[@]}")

mend() {
    step "Which byte ranges would be written, and where" plan "${members[@]}" || return
    step "Make the members agree again, by the bitmap" resync --overlay "$overlay" "${members[@]}" || return
    if [ -n "$spare" ] && ! grep -q '"degraded": 0,' <<< "$("$ctl" plan --json "${members[@]}")"; then
        step "Give the array a new member" add --overlay "$overlay" --spare "$spare" "${members[@]}" || return
        members+=("$spare")
    fi
    step "Leave the array as after a clean shutdown" stop --overlay "$overlay" "${members[@]}" || return
    step "What it looks like now, seen through the overlays" scan --overlay "$overlay" "${members[@]}" || return
}

echo
echo "There is no display, so this is done in the terminal. The images are only read; what is"
echo "written goes to overlay files."
status=0
step "What is there" scan "${images[@]}" || status=$?
if [ $status = 0 ]; then
    mend || status=$?
fi

picture=$work/bitmend.png
echo
if QT_QPA_PLATFORM=offscreen "$window" --screenshot "$picture" "${images[@]}"; then
    echo "A picture of the window with these images: $picture"
else
    echo "The window could not be drawn."
    [ $status != 0 ] || status=1
fi
if [ -d "$overlay" ]; then
    echo "The overlays: $overlay"
fi
if [ $status != 0 ]; then
    echo "The job ended early; the sentence above says why and what to do next."
fi
exit $status
