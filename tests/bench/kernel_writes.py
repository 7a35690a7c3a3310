#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""4 KiB writes at random into an array of ours, beside the md driver of a user-mode-linux kernel, on the same files:

  kernel_writes.py BIN FOLDER [--mebibytes N] [--rounds N] [--seconds S]

The kernel makes each array, with an internal bitmap. Then, in every round, one boot of the kernel is written to past
the page cache by one process and by sixteen, and so is the engine in a process of ours by as many threads; the first
seconds of each set the bits and do not count. Printed are the writes in a second, as medians with the spread, and how
many times as many ours are; nothing is asserted.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from kernel_ratios import GUEST, lab, make_members, nodes, spread

# Title, level, members.
SHAPES = [("RAID 1 of 2", 1, 2), ("RAID 5 of 4", 5, 4), ("RAID 6 of 6", 6, 6)]
WRITERS = [1, 16]


def guest(script, share, images):
    lab.require(lab.run(GUEST + script, share, images, 900, memory=512))


def create(level, share, images):
    guest(f"""
mdadm --create /dev/md1 --run --quiet --level={level} --bitmap=internal --metadata=1.2 --raid-devices={len(images)} \\
    {nodes(len(images))} > create.log 2>&1 || die "not created"
hurry
finish
mdadm --quiet --stop /dev/md1
""", share, images)


def kernel_round(share, images, seconds):
    lines = "\n".join(f"/share/random_writes /dev/md1 {writers} {seconds} > rate.{writers} || die 'no writes'"
                      for writers in WRITERS)
    guest(f"""
mdadm --assemble /dev/md1 --run {nodes(len(images))} > assemble.log 2>&1 || die "not assembled"
hurry
{lines}
mdadm --quiet --stop /dev/md1
""", share, images)
    return {writers: float((share / f"rate.{writers}").read_text()) for writers in WRITERS}


def our_round(tool, folder, images, seconds):
    rates = {}
    for writers in WRITERS:
        restore = folder / "restore"
        restore.unlink(missing_ok=True)
        command = [tool, str(writers), str(seconds), restore, *images]
        rates[writers] = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return rates


def measure(title, level, count, options):
    with tempfile.TemporaryDirectory(prefix="kernel-writes-", dir=options.folder) as scratch:
        folder = Path(scratch)
        images = make_members(folder, count, options.mebibytes << 20)
        share = folder / "share"
        share.mkdir()
        source = Path(__file__).resolve().parent / "random_writes.c"
        lab.compile_c(source, share / "random_writes", "-static")
        create(level, share, images)
        kernels = {writers: [] for writers in WRITERS}
        ours = {writers: [] for writers in WRITERS}
        for _ in range(options.rounds):
            for rates, all_of in ((kernel_round(share, images, options.seconds), kernels),
                                  (our_round(options.bin / "bench_random_writes", folder, images, options.seconds), ours)):
                for writers, rate in rates.items():
                    all_of[writers].append(rate)
        for writers in WRITERS:
            beside = [mine / its for mine, its in zip(ours[writers], kernels[writers])]
            who = "1 writer" if writers == 1 else f"{writers} writers"
            print(f"{title}, 4 KiB at random, {who:10} kernel {spread([rate / 1000 for rate in kernels[writers]])} "
                  f"ours {spread([rate / 1000 for rate in ours[writers]])} thousand a second  "
                  f"{spread(beside)} x the kernel  load {os.getloadavg()[0]:.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mebibytes", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    options = parser.parse_args()
    try:
        for title, level, count in SHAPES:
            measure(title, level, count, options)
    except (lab.LabError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
