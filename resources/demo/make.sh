#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the demo's images anew: the real md driver builds a three-way mirror with a file system, loses
# one disk, goes on writing and then loses power. Needs what tests/packages names; takes some seconds.
#
#   make.sh [FOLDER]      default: the folder of this script
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$(mkdir -p "${1:-$here}" && cd "${1:-$here}" && pwd)
lab=$here/../../tests/kernel/lab.py
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/share"
python3 "$here/pictures.py" "$work/share/files"
cp "$here/make-guest.sh" "$work/scenario.sh"
for disk in a b c; do
    truncate -s 32M "$work/disk-$disk.img"
done
python3 "$lab" run "$work/scenario.sh" --share "$work/share" --timeout 120 --crash --quiet \
    --disk "$work/disk-a.img" --disk "$work/disk-b.img" --disk "$work/disk-c.img" || {
    tail -n 20 "$work/share/.lab/console" >&2
    exit 1
}

truncate -s 32M "$work/spare.img"
for image in disk-a disk-b spare; do
    zstd -q -19 -f --no-progress "$work/$image.img" -o "$target/$image.img.zst"
done
