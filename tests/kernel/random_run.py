#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Arrays drawn at random: the kernel makes and fills them and crashes some, Bitmend reads them with members
missing and works on them, and the kernel judges what comes of that.

  random_run.py BITMENDCTL APPLY_OVERLAY [--seed N] [--cases N] [--sets N] [--only TEXT] [--keep DIR]

Without --seed every run is the same; --seed 0 takes one from the clock. Each difference is a line, with the
seed and the number of its case.
"""

import argparse
import hashlib
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import lab
import mend_cases
import pool
import random_judge
import random_operations
import random_shapes

CASES_PER_BOOT = 32
CRASHED = 0.4  # this part of the arrays is crashed as well
FIXED_SEED = 20
PATTERN = 16 << 20  # bytes of noise, of which each array takes a part

MAKE = r"""
make_array() {
    local name="$1" skip="$2"; shift 2
    mdadm --create /dev/md1 --run --quiet --assume-clean "$@" > "$name.log" 2>&1 || die "no $name: $*"
    dd if=/share/pattern of=/dev/md1 bs=64k skip="$skip" 2> /dev/null
    print_file array_size /sys/block/md1/size > "$name.sysfs"
    mdadm --quiet --stop /dev/md1 || die "$name does not stop"
}
"""

CRASH = r"""
# Writes, each "KiB_OFFSET KIB", that leave the array dirty; it is not stopped.
write_to() {
    local md="$1" spots="$2"; shift 2
    mdadm --assemble "/dev/$md" --run "$@" > /dev/null 2>&1 || die "$md does not start"
    hold_dirty "$md"
    set -- $spots
    while [ $# -gt 0 ]; do scribble "$md" crash "$1" "$2"; shift 2; done
}
"""


class Case:
    def __init__(self, number, shape, skip, folder):
        self.number, self.shape, self.skip = number, shape, skip
        self.folder = folder / str(number)
        self.folder.mkdir()
        self.images = [self.folder / f"{slot}.img" for slot in range(shape.members)]
        self.crashed = []  # the same after a crash, of some arrays
        self.size = 0  # bytes, as the kernel says

    def name(self):
        return f"c{self.number}"

    def content(self, pattern):
        begin = self.skip * 65536
        return pattern[begin:begin + self.size]

    def nodes(self):
        return [f"{self.name()}-{slot}" for slot in range(self.shape.members)]


class Runner:
    def __init__(self, options, folder):
        self.folder, self.sets, self.keep = folder, options.sets, options.keep is not None
        self.seed = options.seed if options.seed != 0 else time.time_ns() % 1000000
        self.choice = random.Random(self.seed)
        self.pattern = self.choice.randbytes(PATTERN)
        self.lines, self.judged, self.reads = [], 0, 0
        shapes = random_shapes.draw_all(self.choice, options.cases)
        self.cases = [Case(number, shape, self.choice.randrange(PATTERN // 65536), folder)
                      for number, shape in enumerate(shapes) if options.only in str(shape)]

    def differ(self, case, what):
        self.lines.append(f"seed {self.seed} case {case.number} ({case.shape}): {what}")
        print(self.lines[-1], flush=True)

    def make(self, cases):
        share = self.folder / "share"
        shutil.rmtree(share, ignore_errors=True)
        share.mkdir()
        # Twice, so that an array can begin anywhere in it.
        (share / "pattern").write_bytes(self.pattern * 3)
        at, slices, lines = 0, [], []
        for case in cases:
            for node, sectors in zip(case.nodes(), case.shape.sizes):
                slices.append(f"{node} {at} {sectors}")
                at += (sectors + 2047) // 2048 * 2048
            nodes = [f"/dev/mapper/{node}" for node in case.nodes()]
            lines.append(f"make_array {case.name()} {case.skip} {' '.join(case.shape.options() + nodes)}")
        (share / "slices").write_text("\n".join(slices) + "\n")
        disk = self.folder / "pool.img"
        pool.make(disk, at * 512)
        lab.require(lab.run(MAKE + "reopen_members\n" + "\n".join(lines) + "\n", share, [disk], 900))
        for case in cases:
            self.extract(disk, share, case, case.images)
            case.size = int(pool.parse_sysfs((share / f"{case.name()}.sysfs").read_text())["array_size"]) * 512
        redundant = [case for case in cases if case.shape.is_redundant()]
        self.crash(disk, share, [case for case in redundant if self.choice.random() < CRASHED])
        disk.unlink()

    def extract(self, disk, share, case, images):
        for node, image in zip(case.nodes(), images):
            pool.extract(disk, share, node, image)

    def crash(self, disk, share, cases):
        """The kernel is killed while it writes to these, all in one boot."""
        if not cases:
            return
        lines = []
        for case in cases:
            spots = []
            for _ in range(self.choice.randint(1, 6)):
                length = self.choice.choice([4, 12, 64])
                spots.append(f"{self.choice.randrange((case.size >> 10) - length) // 4 * 4} {length}")
            nodes = " ".join(f"/dev/mapper/{node}" for node in case.nodes())
            lines.append(f"write_to md{100 + case.number % CASES_PER_BOOT} '{' '.join(spots)}' {nodes}")
        scenario = CRASH + "reopen_members\n" + "\n".join(lines) + "\ncrash_now\n"
        lab.require(lab.run(scenario, share, [disk], 900, 512), crash=True)
        for case in cases:
            case.crashed = [case.folder / f"crashed{slot}.img" for slot in range(case.shape.members)]
            self.extract(disk, share, case, case.crashed)

    def read(self, case, missing):
        """What bitmendctl reads, or None when it refuses."""
        target = self.folder / "out"
        target.unlink(missing_ok=True)
        present = [image for slot, image in enumerate(case.images) if slot not in missing]
        done = mend_cases.run(mend_cases.BITMENDCTL, "read", "--output", target, *present, allowed=(0, 3))
        self.reads += 1
        return target.read_bytes() if done.returncode == 0 else None

    def judge_reading(self, case, expected):
        good, bad = case.shape.missing_sets(self.choice, self.sets)
        for missing in good:
            found = self.read(case, missing)
            if found is None:
                self.differ(case, f"without {sorted(missing)} it is not read")
            elif found != expected:
                at = next((i for i, pair in enumerate(zip(found, expected)) if pair[0] != pair[1]), "the end")
                self.differ(case, f"without {sorted(missing)} it reads another content from byte {at} on")
        if bad and self.read(case, bad) is not None:
            self.differ(case, f"without {sorted(bad)} it is read all the same")

    def run(self):
        print(f"seed {self.seed}, {len(self.cases)} arrays", flush=True)
        for first in range(0, len(self.cases), CASES_PER_BOOT):
            cases = self.cases[first:first + CASES_PER_BOOT]
            self.make(cases)
            works = []
            for case in cases:
                expected = case.content(self.pattern * 3)
                before = [hashlib.sha256(image.read_bytes()).digest() for image in case.images]
                self.judge_reading(case, expected)
                works += random_operations.work_on(case, expected, self.choice, self.differ)
                if before != [hashlib.sha256(image.read_bytes()).digest() for image in case.images]:
                    self.differ(case, "its members were changed")
            random_judge.judge(works, self.folder, self.differ, self.keep)
            self.judged += len(cases)
            for case in cases if not self.keep else []:
                shutil.rmtree(case.folder)
        print(f"seed {self.seed}: {self.judged} arrays, {self.reads} readings, "
              f"{', '.join(f'{count} {name}' for name, count in random_judge.COUNTS.items())}, "
              f"{len(self.lines)} differences")
        return 1 if self.lines or self.judged != len(self.cases) or not self.cases else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bitmendctl", type=Path)
    parser.add_argument("apply_overlay", type=Path)
    parser.add_argument("--seed", type=int, default=FIXED_SEED)
    parser.add_argument("--cases", type=int, default=64)
    parser.add_argument("--sets", type=int, default=3, help="missing sets that are read of each")
    parser.add_argument("--only", default="", help="only shapes whose description has this in it")
    parser.add_argument("--keep", type=Path, help="work here and leave everything")
    options = parser.parse_args()
    mend_cases.BITMENDCTL = os.path.abspath(options.bitmendctl)
    mend_cases.APPLY_OVERLAY = os.path.abspath(options.apply_overlay)
    try:
        lab.root_image()
        if options.keep:
            options.keep.mkdir(parents=True)
            return Runner(options, options.keep.resolve()).run()
        with tempfile.TemporaryDirectory(prefix="random-") as scratch:
            return Runner(options, Path(scratch)).run()
    except lab.LabError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
