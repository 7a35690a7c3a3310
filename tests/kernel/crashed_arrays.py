#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes freshly crashed mirrors, different with every seed, for judging mends.

  crashed_arrays.py --out FOLDER --count N [--seed S]

Each is RAID 1, metadata 1.2 unless asked for another, with an internal bitmap, dirty, one slot empty, in FOLDER/<number>/:
  a.img (b.img)  the members that were there when the power went; where there are two they differ
  spare.img      zeros, of the same size
  case.json      {"seed", "slots", "members": ["a", "b"], "bitmap_chunk", "sectors", "dirty": chunks set
                 in a's bitmap, "differing": chunks in which a and b differ}
"""

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

import lab
import mdimage
import pool

CHUNKS_KIB = [4, 16, 64, 256, 1024]


def describe(number, seed, metadata="1.2"):
    """One array by its seed; the same seed gives the same description."""
    choice = random.Random(seed)
    slots = choice.choice([2, 3, 3])
    mib = choice.choice([8, 12, 16, 24])
    spots = [choice.randrange(0, (mib - 2) * 1024, 4) for _ in range(choice.randrange(4, 20))]
    return {"metadata": metadata, "name": f"x{number}", "md": f"md{100 + number}", "seed": seed, "slots": slots,
            "members": ["a", "b", "c"][:slots - 1], "bitmap_chunk": choice.choice(CHUNKS_KIB) << 10,
            "sectors": mib * 2048 + choice.choice([0, 0, 8, 344]),
            "early": spots[:len(spots) // 2], "writes": [(spot, choice.choice([4, 12, 64, 128])) for spot in spots],
            "late": choice.sample(spots, max(1, len(spots) // 3))}


def scenario(arrays):
    lines = []
    for array in arrays:
        nodes = []
        for index in range(array["slots"]):
            lines.append(f"cut_member {array['name']}-{index} {array['sectors']}")
            nodes.append(f"/dev/mapper/{array['name']}-{index}")
        lines.append(f"mdadm --create /dev/{array['md']} --run --quiet --assume-clean --level=1 --metadata={array['metadata']} "
                     f"--raid-devices={array['slots']} --homehost=lab --name=crashed{array['seed']} --bitmap=internal "
                     f"--bitmap-chunk={array['bitmap_chunk'] >> 10}K {' '.join(nodes)} || die no {array['md']}")
        lines += [f"scribble {array['md']} before{array['seed']} {spot} 64" for spot in array["early"]]
        lines.append(f"md_set {array['md']} bitmap/time_base 1")
    for array in arrays:
        last = f"{array['name']}-{array['slots'] - 1}"
        lines.append(f"wait_clear {array['md']} {array['name']}-0")
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
            late = DATA_KIB[array["metadata"]] + array["late"][0]
            lines.append(f"until_true 30 holds_text {array['name']}-0 {late} || die nothing late")
    lines.append("sleep 1")
    lines.append("crash_now")
    return HELPERS + "\n".join(lines) + "\n"


# Where the data of members as small as these begins.
DATA_KIB = {"1.0": 0, "1.1": 1024, "1.2": 1024}
HELPERS = r"""
holds_text() {
    dd if="/dev/mapper/$1" bs=4k skip=$(($2 / 4)) count=1 iflag=direct 2>/dev/null | grep -q second
}
"""


def make(folder, count, seed, timeout=240, metadata="1.2"):
    """Makes the arrays and returns their folders."""
    folder = Path(folder)
    arrays = [describe(number, seed + number, metadata) for number in range(count)]
    made = []
    with tempfile.TemporaryDirectory(prefix="crashed-") as scratch:
        disk = Path(scratch) / "pool.img"
        share = Path(scratch) / "share"
        pool.make(disk, sum(array["slots"] * (array["sectors"] + 4096) for array in arrays) * 512)
        lab.require(lab.run(scenario(arrays), share, [disk], timeout), crash=True)
        for number, array in enumerate(arrays):
            target = folder / str(number)
            target.mkdir(parents=True, exist_ok=True)
            for index, letter in enumerate(array["members"]):
                pool.extract(disk, share, f"{array['name']}-{index}", target / f"{letter}.img")
            pool.make(target / "spare.img", array["sectors"] * 512)
            (target / "case.json").write_text(json.dumps(facts(target, array), indent=2) + "\n")
            made.append(target)
    return made


def facts(target, array):
    first = mdimage.Member(target / "a.img")
    differing = set()
    if "b" in array["members"]:
        differing = mdimage.differing_chunks(first, mdimage.Member(target / "b.img"), array["bitmap_chunk"])
    dirty = first.bitmap().dirty()
    if differing - set(dirty) or not dirty:
        raise lab.LabError(f"The kernel left differences outside the set chunks of {target}: {sorted(differing - set(dirty))}")
    return {key: array[key] for key in ("seed", "slots", "members", "bitmap_chunk", "sectors")} | {
        "dirty": len(dirty), "differing": len(differing)}


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
