#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bitmendctl beside the md driver of a user-mode-linux kernel, on the same files, in alternating rounds:

  kernel_ratios.py BIN FOLDER [--mebibytes N] [--rounds N]

For each shape the kernel makes an array of noise and resyncs it. Then, in every round, one boot of the kernel
checks it and reads it degraded from end to end, and bitmendctl does the same as whole processes, beside `cat`
of the members that are read. Printed are the members' bytes in a second, of a reading the array's own, as
medians with the spread, and how many times as fast bitmendctl is; nothing is asserted. FOLDER should be in
memory, or the disk is measured.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "kernel"))
import lab  # noqa: E402  (it lies in the folder named above)

PIECE = 16 << 20
# Title, level, members, how many are missing when it is read degraded.
SHAPES = [("RAID 1 of 2", 1, 2, 0), ("RAID 5 of 4", 5, 4, 1), ("RAID 6 of 6", 6, 6, 2)]

GUEST = r"""
now() { read -r up rest < /proc/uptime; echo "$up"; }
# The 10 ms of the poll are the guest's own resolution.
finish() {
    until_true 5 sh -c "[ \$(cat /sys/block/md1/md/sync_action) != idle ]" || true
    while [ "$(cat /sys/block/md1/md/sync_action)" != idle ]; do usleep 10000; done
}
timed() { local begin=$(now); "$@"; echo "$begin $(now)"; }
hurry() {
    echo 10000000 > /proc/sys/dev/raid/speed_limit_min
    echo 10000000 > /proc/sys/dev/raid/speed_limit_max
    [ ! -e /sys/block/md1/md/stripe_cache_size ] || echo 8192 > /sys/block/md1/md/stripe_cache_size
}
check() { echo check > /sys/block/md1/md/sync_action; finish; }
read_all() { dd if=/dev/md1 of=/dev/null bs=1M iflag=direct 2> /dev/null; }
"""


def make_members(folder, count, size):
    noise = random.Random(count).randbytes(PIECE)
    images = [folder / f"{number}.img" for number in range(count)]
    for number, image in enumerate(images):
        with open(image, "wb") as file:
            for _ in range(0, size, PIECE):
                file.write(noise[number * 4096:] + noise[:number * 4096])
            file.truncate(size)
    return images


def nodes(count):
    return " ".join(f"/dev/ubd{chr(ord('a') + number)}" for number in range(count))


def guest(script, share, images):
    lab.require(lab.run(GUEST + script, share, images, 900, memory=512))
    times = {}
    for line in (share / "times").read_text().splitlines():
        name, begin, end = line.split()
        times[name] = float(end) - float(begin)
    return times


def create(level, share, images):
    share.mkdir()
    script = f"""
mdadm --create /dev/md1 --run --quiet --level={level} --bitmap=none --metadata=1.2 --raid-devices={len(images)} \\
    {nodes(len(images))} > create.log 2>&1 || die "not created"
hurry
finish
cat /sys/block/md1/md/array_size > size 2> /dev/null; cat /sys/block/md1/size > size
mdadm --quiet --stop /dev/md1
: > times
"""
    guest(script, share, images)
    return int((share / "size").read_text()) * 512


def kernel_round(missing, share, images):
    script = f"""
: > times
mdadm --assemble /dev/md1 --run {nodes(len(images))} > assemble.log 2>&1 || die "not assembled"
hurry
echo "check $(timed check)" >> times
mdadm --quiet --stop /dev/md1
"""
    if missing:
        # Only to be read, so that those that are left out do not fall behind.
        script += f"""
echo 1 > /sys/module/md_mod/parameters/start_ro
mdadm --assemble --readonly /dev/md1 --run {nodes(len(images) - missing)} > degraded.log 2>&1 || die "not degraded"
hurry
echo "read $(timed read_all)" >> times
mdadm --quiet --stop /dev/md1
"""
    return guest(script, share, images)


def seconds(command):
    begin = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr.decode()}")
    return time.perf_counter() - begin


def spread(values):
    return f"{statistics.median(values):6.2f} ({min(values):.2f}..{max(values):.2f})"


def row(title, moved, times):
    rate = {who: [moved / value / 1e9 for value in all_of] for who, all_of in times.items()}
    beside = [kernel / ours for kernel, ours in zip(times["kernel"], times["ours"])]
    cat = [cat / ours for cat, ours in zip(times["cat"], times["ours"])]
    print(f"{title:28} kernel {spread(rate['kernel'])} GB/s  bitmendctl {spread(rate['ours'])} GB/s  "
          f"{spread(beside)} x the kernel  {spread(cat)} x cat  load {os.getloadavg()[0]:.1f}", flush=True)


def measure(title, level, count, missing, options):
    with tempfile.TemporaryDirectory(prefix="kernel-ratios-", dir=options.folder) as scratch:
        folder = Path(scratch)
        images = make_members(folder, count, options.mebibytes << 20)
        share = folder / "share"
        array = create(level, share, images)
        present = images[:count - missing]
        tool = options.bin / "bitmendctl"
        checks = {"kernel": [], "ours": [], "cat": []}
        reads = {"kernel": [], "ours": [], "cat": []}
        for _ in range(options.rounds):
            kernel = kernel_round(missing, share, images)
            checks["kernel"].append(kernel["check"])
            checks["cat"].append(seconds(["cat", *images]))
            checks["ours"].append(seconds([tool, "check", *images]))
            if not missing:
                continue
            reads["kernel"].append(kernel["read"])
            reads["cat"].append(seconds(["cat", *present]))
            reads["ours"].append(seconds([tool, "read", "--output", "-", *present]))
        row(f"{title}, check", count * (options.mebibytes << 20), checks)
        if missing:
            row(f"{title}, read without {missing}", array, reads)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mebibytes", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    try:
        for title, level, count, missing in SHAPES:
            measure(title, level, count, missing, options)
    except lab.LabError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
