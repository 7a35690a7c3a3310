#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""File systems on an array that bitmendctl mounts.

  filesystems.py BITMENDCTL APPLY_OVERLAY [unittest arguments]

ext4, XFS and Btrfs are made on the mounted file of a RAID 5, with files in them, and are clean afterwards. Then a kernel
has the mounted file as its disk and writes to the ext4 on it, and bitmendctl is killed (-9) in the middle: after a
resync of what the bitmap names, the journal makes the file system clean, and every file is there that was flushed.
"""

import os
import random
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

import lab
import mend_cases
import pool
from mend_cases import run

SECTORS = 400 << 11  # of each member; XFS wants 300 MiB
MEMBERS = 3

MAKE = r"""
mdadm --create /dev/md1 --run --quiet --assume-clean --level=5 --chunk=64 --metadata=1.2 --bitmap=internal \
    --bitmap-chunk=64K --raid-devices=3 /dev/ubda /dev/ubdb /dev/ubdc || die "no array"
mdadm --quiet --stop /dev/md1 || die "it does not stop"
"""

# Each file is named when it is synced. What comes after the kill fails.
WRITE = r"""
mkdir -p /mnt
mount -t ext4 /dev/ubda /mnt || die "no file system"
number=0
while [ $number -lt 400 ]; do
    number=$((number + 1))
    yes "this is file $number" | head -c $((20000 + 997 * (number % 50))) |
        dd of="/mnt/file$number" bs=64k iflag=fullblock conv=fsync 2> /dev/null || exit 0
    echo $number >> synced
done
umount /mnt
"""


def content(number):
    line = f"this is file {number}\n".encode()
    length = 20000 + 997 * (number % 50)
    return (line * (length // len(line) + 1))[:length]


def tool(*words, allowed=(0,)):
    environment = os.environ | {"PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, env=environment, check=False)
    if done.returncode not in allowed:
        raise AssertionError(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def server_of(folder):
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[4] == str(folder):
            return int(fields[fields.index("-") + 2].split(":")[1])
    return None


class FileSystems(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="filesystems-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        self.images = [self.folder / f"{slot}.img" for slot in range(MEMBERS)]
        for image in self.images:
            pool.make(image, SECTORS * 512)
        lab.require(lab.run(MAKE, self.folder / "share", self.images))
        self.mount, self.overlay = self.folder / "mount", self.folder / "overlay"
        self.addCleanup(self.unmount)

    def mounted(self):
        run(mend_cases.BITMENDCTL, "mount", "--overlay", self.overlay, self.mount, *self.images)
        [file] = list(self.mount.iterdir())
        return file

    def unmount(self):
        if server_of(self.mount):
            run(mend_cases.BITMENDCTL, "umount", self.mount)

    def files(self, count):
        """A folder with some, and their contents by name."""
        source, choice = self.folder / "files", random.Random(count)
        source.mkdir()
        for number in range(count):
            (source / f"file{number}").write_bytes(choice.randbytes(1000 + 31000 * number))
        return source

    def test_ext4_is_clean(self):
        source, file = self.files(20), self.mounted()
        tool("mke2fs", "-q", "-F", "-t", "ext4", "-d", source, file)
        tool("e2fsck", "-fn", file)
        self.unmount()
        tool("e2fsck", "-fn", self.mounted())

    def test_xfs_is_clean(self):
        source, file = self.files(20), self.mounted()
        prototype = self.folder / "prototype"
        lines = [f"{path.name} ---644 0 0 {path}" for path in sorted(source.iterdir())]
        prototype.write_text("\n".join(["nothing", "0 0", "d--755 0 0", *lines, "$"]) + "\n")
        tool("mkfs.xfs", "-q", "-f", "-p", prototype, file)
        tool("xfs_repair", "-n", "-f", file)
        self.unmount()
        tool("xfs_repair", "-n", "-f", self.mounted())

    def test_btrfs_is_clean(self):
        source, file = self.files(20), self.mounted()
        tool("mkfs.btrfs", "-q", "-f", "--rootdir", source, file)
        tool("btrfs", "check", "--check-data-csum", file)
        self.unmount()
        tool("btrfs", "check", "--check-data-csum", self.mounted())

    def test_ext4_is_clean_after_a_kill_and_has_what_was_flushed(self):
        file = self.mounted()
        tool("mke2fs", "-q", "-F", "-t", "ext4", file)
        share = self.folder / "guest"
        share.mkdir()
        (share / "synced").write_text("")
        over = threading.Event()
        killer = threading.Thread(target=self.kill_in_the_middle, args=(share / "synced", file, over))
        killer.start()
        lab.run(WRITE, share, [file], 90)
        over.set()
        killer.join()
        self.assertTrue(self.killed)
        self.assertGreaterEqual(len(self.flushed), 12)

        run(mend_cases.BITMENDCTL, "umount", self.mount)
        run(mend_cases.BITMENDCTL, "resync", "--overlay", self.overlay, *self.images)
        file = self.mounted()
        tool("e2fsck", "-fp", file, allowed=(0, 1))
        tool("e2fsck", "-fn", file)
        for number in self.flushed:
            target = self.folder / "file"
            tool("debugfs", "-R", f"dump file{number} {target}", file)
            self.assertEqual(target.read_bytes(), content(number), f"file{number}")

    flushed, killed = [], False

    def kill_in_the_middle(self, log, file, over):
        """User-mode-linux does not pass a flush on to its disk, so that is done here, some files before the kill."""
        self.flushed = self.numbers(log, 12, over)
        tool("sync", "--data", file)
        self.numbers(log, len(self.flushed) + 6, over)
        if not over.is_set():
            os.kill(server_of(self.mount), signal.SIGKILL)
            self.killed = True

    @staticmethod
    def numbers(log, least, over):
        """Of the files that the guest has synced, when there are so many."""
        while True:
            numbers = [int(number) for number in log.read_text().split()]
            if len(numbers) >= least or over.is_set():
                return numbers
            time.sleep(0.01)


if __name__ == "__main__":
    mend_cases.BITMENDCTL, mend_cases.APPLY_OVERLAY = lab.programs(__doc__, 2)
    lab.run_tests()
