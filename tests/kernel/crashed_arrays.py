#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes freshly crashed mirrors, different with every seed, for judging mends.

  crashed_arrays.py --out FOLDER --count N [--seed S]

Each is RAID 1, dirty, one slot empty, in FOLDER/<number>/:
  a.img (b.img)  the members that were there when the power went; where there are two they differ
  spare.img      zeros, of the same size
  bitmap         the file of an external bitmap, where there is one
  case.json      {"seed", "slots", "members": ["a", "b"], "metadata", "bitmap", "bitmap_chunk", "sectors",
                 "dirty": chunks set in a's bitmap, "differing": chunks in which a and b differ}
Metadata is 1.2 and the bitmap internal unless make() is told otherwise.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import lab
import mdimage
import pool

CHUNKS_KIB = [4, 16, 64, 256, 1024]
USUAL = ("1.2", "internal")


def describe(number, seed, flavour=USUAL):
    """One array by its seed; the same seed gives the same description. The flavour is (metadata version,
    "internal", "none" or "file")."""
    choice = random.Random(seed)
    slots = choice.choice([2, 3, 3])
    mib = choice.choice([8, 12, 16, 24])
    spots = [choice.randrange(0, (mib - 2) * 1024, 4) for _ in range(choice.randrange(4, 20))]
    return {"name": f"x{number}", "md": f"md{100 + number}", "seed": seed, "slots": slots,
            "members": ["a", "b", "c"][:slots - 1], "metadata": flavour[0], "bitmap": flavour[1],
            "bitmap_chunk": choice.choice(CHUNKS_KIB) << 10,
            "sectors": mib * 2048 + choice.choice([0, 0, 8, 344]),
            "early": spots[:len(spots) // 2], "writes": [(spot, choice.choice([4, 12, 64, 128])) for spot in spots],
            "late": choice.sample(spots, max(1, len(spots) // 3))}


def create(array, nodes):
    command = (f"mdadm --create /dev/{array['md']} --run --quiet --assume-clean --level=1 --metadata={array['metadata']} "
               f"--raid-devices={array['slots']} --homehost=lab ")
    if array["metadata"] != "0.90":
        command += f"--name=crashed{array['seed']} "
    if array["bitmap"] == "none":
        command += "--bitmap=none "
    else:
        place = "internal" if array["bitmap"] == "internal" else f"/files/{array['name']}"
        command += f"--bitmap={place} --bitmap-chunk={array['bitmap_chunk'] >> 10}K "
    return f"{command}{' '.join(nodes)} || die no {array['md']}"


def scenario(arrays):
    lines = []
    files = [array for array in arrays if array["bitmap"] == "file"]
    if files:
        # Without a journal: what is synced lies in its place, and can be read after the crash.
        lines += [f"cut_member files {FILES_SECTORS}", "files_on /dev/mapper/files"]
    for array in arrays:
        nodes = []
        for index in range(array["slots"]):
            lines.append(f"cut_member {array['name']}-{index} {array['sectors']}")
            nodes.append(f"/dev/mapper/{array['name']}-{index}")
        lines.append(create(array, nodes))
        if array["bitmap"] == "file":
            lines.append(f"ln -s /files/{array['name']} /dev/mapper/{array['name']}-file")
        lines += [f"scribble {array['md']} before{array['seed']} {spot} 64" for spot in array["early"]]
        if array["bitmap"] != "none":
            lines.append(f"md_set {array['md']} bitmap/time_base 1")
    if files:
        lines.append("sync")
    for array in arrays:
        last = f"{array['name']}-{array['slots'] - 1}"
        if array["bitmap"] != "none":
            holder = "file" if array["bitmap"] == "file" else "0"
            lines.append(f"wait_clear {array['md']} {array['name']}-{holder}")
            lines.append(f"md_set {array['md']} bitmap/time_base 5")
        lines.append(f"mdadm --quiet /dev/{array['md']} --fail /dev/mapper/{last} --remove /dev/mapper/{last}")
        lines.append(f"md_set {array['md']} safe_mode_delay 3000")
        lines += [f"scribble {array['md']} first{array['seed']} {spot} {kib}" for spot, kib in array["writes"]]
    for array in arrays:
        if array["slots"] == 3:
            lines.append(f"slow_member {array['name']}-1 600000")
            for spot in array["late"]:
                lines.append(f"scribble_at_once {array['md']} second{array['seed']} {spot} 4 &")
    for array in arrays:
        if array["slots"] == 3:
            data = 256 if array["metadata"] in ("1.1", "1.2") else 0
            lines.append(f"until_true 30 holds_text {array['name']}-0 $(({data} + {array['late'][0]} / 4)) || die nothing late")
    lines.append("sleep 1")
    lines.append("crash_now")
    return HELPERS + "\n".join(lines) + "\n"


FILES_SECTORS = 16384

# 1.1 and 1.2 put the data of members as small as these 1 MiB behind their beginning.
HELPERS = r"""
holds_text() {
    dd if="/dev/mapper/$1" bs=4k skip="$2" count=1 iflag=direct 2>/dev/null | grep -q second
}
"""


def make(folder, count, seed, timeout=240, flavours=(USUAL,)):
    """Makes the arrays, the flavours in turn, and returns their folders."""
    folder = Path(folder)
    arrays = [describe(number, seed + number, flavours[number % len(flavours)]) for number in range(count)]
    made = []
    with tempfile.TemporaryDirectory(prefix="crashed-") as scratch:
        disk = Path(scratch) / "pool.img"
        share = Path(scratch) / "share"
        pool.make(disk, (FILES_SECTORS + sum(array["slots"] * (array["sectors"] + 4096) for array in arrays)) * 512)
        lab.require(lab.run(scenario(arrays), share, [disk], timeout), crash=True)
        for number, array in enumerate(arrays):
            target = folder / str(number)
            target.mkdir(parents=True, exist_ok=True)
            for index, letter in enumerate(array["members"]):
                pool.extract(disk, share, f"{array['name']}-{index}", target / f"{letter}.img")
            pool.make(target / "spare.img", array["sectors"] * 512)
            if array["bitmap"] == "file":
                take_file(disk, share, array["name"], target / "bitmap")
            (target / "case.json").write_text(json.dumps(facts(target, array), indent=2) + "\n")
            made.append(target)
    return made


def take_file(disk, share, name, target):
    with tempfile.TemporaryDirectory(prefix="files-") as scratch:
        image = Path(scratch) / "files.img"
        pool.extract(disk, share, "files", image)
        done = subprocess.run([lab.find_program("debugfs"), "-R", f"dump /{name} {target}", str(image)],
                              capture_output=True, text=True)
    if not target.is_file() or target.stat().st_size < mdimage.BITMAP_HEADER:
        raise lab.LabError(f"The bitmap file {name} could not be taken out: {done.stderr.strip()}")


def facts(target, array):
    first = mdimage.Member(target / "a.img")
    differing = set()
    if "b" in array["members"]:
        differing = mdimage.differing_chunks(first, mdimage.Member(target / "b.img"), array["bitmap_chunk"])
    bitmap = mdimage.Bitmap(target / "bitmap", 0) if array["bitmap"] == "file" else first.bitmap()
    dirty = bitmap.dirty() if bitmap else []
    if bitmap and (differing - set(dirty) or not dirty):
        raise lab.LabError(f"The kernel left differences outside the set chunks of {target}: {sorted(differing - set(dirty))}")
    keys = ("seed", "slots", "members", "metadata", "bitmap", "bitmap_chunk", "sectors")
    return {key: array[key] for key in keys} | {"dirty": len(dirty), "differing": len(differing)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        for folder in make(options.out, options.count, options.seed):
            print(folder)
    except lab.LabError as error:
        print(error, file=sys.stderr)
        return lab.BROKEN
    return 0


if __name__ == "__main__":
    sys.exit(main())
