#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A quick scan of 100 images beside 100 runs of mdadm --examine: scan_ratios.py BIN [--rounds N]

Everything is timed in alternating rounds in this one run, with warm caches. Printed are the medians,
their ratios, and the spread of each as (slowest - fastest) / median; nothing is asserted.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
COUNT = 100
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
# The shell starts a program sooner than Python does, which is to mdadm's advantage.
EXAMINE_EACH = 'for image; do /sbin/mdadm --examine "$image"; done'


def make_images(folder):
    """Members of the demo's mirror, and as many blank images and images of a file system."""
    member = folder / "member.img"
    subprocess.run(["zstd", "-q", "-d", "--sparse", str(TOP / "resources/demo/disk-a.img.zst"), "-o", str(member)], check=True)
    blank = folder / "blank.img"
    with open(blank, "wb") as file:
        file.truncate(member.stat().st_size)
    ext4 = folder / "ext4.img"
    with open(ext4, "wb") as file:
        file.truncate(member.stat().st_size)
    subprocess.run(["/sbin/mke2fs", "-q", "-F", "-t", "ext4", str(ext4)], check=True)
    sets = {}
    for name, model in (("members", member), ("blank images", blank), ("file systems", ext4)):
        (folder / name).mkdir()
        sets[name] = [folder / name / f"{number:03}.img" for number in range(COUNT)]
        for path in sets[name]:
            subprocess.run(["cp", "--sparse=always", str(model), str(path)], check=True)
    return sets


def seconds(command):
    begin = time.perf_counter()
    subprocess.run(command, check=False, **QUIET)
    return time.perf_counter() - begin


def measured(images, binaries, rounds):
    times = {"mdadm": [], "process": [], "inside": []}
    for _ in range(rounds):
        times["mdadm"].append(seconds(["sh", "-c", EXAMINE_EACH, "sh", *images]))
        times["process"].append(seconds([binaries / "bitmendctl", "scan", "--json", *images]))
        inside = subprocess.run([binaries / "bench_scan", *images], capture_output=True, text=True, check=True)
        times["inside"].append(float(inside.stdout.split()[0]) / 1e6)
    return times


def row(name, times, base):
    median = statistics.median(times)
    spread = (max(times) - min(times)) / median
    return f"| {name} | {median * 1e3:.2f} ms | {spread:.0%} | {base / median:.1f} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binaries", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bitmend-bench-") as name:
        for kind, images in make_images(Path(name)).items():
            times = measured([str(image) for image in images], arguments.binaries, arguments.rounds)
            base = statistics.median(times["mdadm"])
            print(f"\n| quick scan of {COUNT} {kind} | median of {arguments.rounds} | spread | times as fast |")
            print("| --- | ---: | ---: | ---: |")
            print(row("100 x `mdadm --examine`", times["mdadm"], base))
            print(row("`bitmendctl scan --json`, one process (floor 10)", times["process"], base))
            print(row("in process (floor 50)", times["inside"], base))
