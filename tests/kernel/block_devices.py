#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bitmendctl at real block devices, inside the kernel that has them.

  block_devices.py BITMENDCTL [unittest arguments]

One boot: an array that the kernel runs, devices that something else holds, and free ones that are mended in
place and then assembled by the kernel again.
"""

import os
import random
import shutil
import tempfile
import unittest
from pathlib import Path

import lab

DISK = 16 << 20
REFUSED = "3"
FAILED = "1"

SCENARIO = """
mkdir -p /tmp/tool /tmp/home
cp /share/tool/* /tmp/tool

# try NAME ARGUMENT...: what bitmendctl says and how it ends, for the host to look at.
try() {
    local name=$1
    shift
    HOME=/tmp/home LC_ALL=C.UTF-8 /tmp/tool/ld.so --library-path /tmp/tool /tmp/tool/bitmendctl "$@" \\
        > /share/$name.said 2>&1
    echo $? > /share/$name.status
    say "$name: $(cat /share/$name.status)"
}
resync() { try "$1" resync --in-place --restore-file /tmp/$1.restore /dev/ubda /dev/ubdb; }
content() { sha256sum < /dev/md10; }
taken() {
    md_get md10 sync_action > "$1resync_after"
    md_get md10 degraded > "$1degraded_after"
    run_check md10 > "$1check"
}

# A resync that stands still, so that the array is stopped with all of it due.
echo 0 > /proc/sys/dev/raid/speed_limit_min
echo 1 > /proc/sys/dev/raid/speed_limit_max
mdadm --create /dev/md10 --run --level=1 --raid-devices=2 --metadata=1.2 --bitmap=internal --bitmap-chunk=64 \\
    /dev/ubda /dev/ubdb || die "no array"
try running_scan scan /dev/ubda /dev/ubdb
try scan_of_all scan
resync running
mdadm --stop /dev/md10 || die "not stopped"

dmsetup create holder --table "0 2048 linear /dev/ubda 0" || die "no holder"
resync mapped
dmsetup remove holder
losetup /dev/loop0 /dev/ubdb || die "no loop device"
resync loop
losetup -d /dev/loop0
blockdev --setro /dev/ubdb
resync read_only
blockdev --setrw /dev/ubdb

resync free
try stop stop --in-place /dev/ubda /dev/ubdb
echo 100000 > /proc/sys/dev/raid/speed_limit_max
mdadm --assemble --run /dev/md10 /dev/ubda /dev/ubdb || die "not assembled"
taken /share/
content > /share/content

mdadm /dev/md10 --fail /dev/ubdb --remove /dev/ubdb || die "not failed"
mdadm --stop /dev/md10
files_on /dev/ubdd
try mounted add --in-place --restore-file /tmp/mounted.restore --spare /dev/ubdd /dev/ubda
try add add --in-place --restore-file /tmp/add.restore --spare /dev/ubdc /dev/ubda
try add_stop stop --in-place /dev/ubda /dev/ubdc
mdadm --assemble --run /dev/md10 /dev/ubda /dev/ubdc || die "not assembled with the newcomer"
taken /share/add_
mdadm /dev/md10 --fail /dev/ubda
content > /share/add_content
"""


def pack_tool(program, folder):
    """The program with all that it loads: the laboratory has no more than mdadm needs."""
    folder.mkdir()
    shutil.copy(program, folder / "bitmendctl")
    for library in lab.libraries_of(program):
        name = "ld.so" if "/ld-linux" in library else Path(library).name
        shutil.copy(library, folder / name)


class BlockDevices(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="block-devices-")
        cls.addClassCleanup(scratch.cleanup)
        cls.share = Path(scratch.name) / "share"
        cls.share.mkdir()
        pack_tool(BITMENDCTL, cls.share / "tool")
        rng = random.Random(31)
        disks = []
        for name in ("a", "b", "c", "d"):
            disks.append(Path(scratch.name) / f"{name}.img")
            disks[-1].write_bytes(rng.randbytes(DISK) if name != "d" else bytes(DISK))
        lab.require(lab.run(SCENARIO, cls.share, disks))

    def read(self, name):
        return (self.share / name).read_text().strip()

    def said(self, name):
        return (self.share / f"{name}.said").read_text()

    def refused(self, name, *words):
        self.assertEqual(self.read(f"{name}.status"), REFUSED, self.said(name))
        for word in words:
            self.assertIn(word, self.said(name))

    def done(self, name):
        self.assertEqual(self.read(f"{name}.status"), "0", self.said(name))

    def taken(self, step):
        """The kernel had nothing to do, misses nobody, and counts no difference."""
        self.assertEqual(self.read(f"{step}resync_after"), "idle")
        self.assertEqual(self.read(f"{step}degraded_after"), "0")
        self.assertEqual(self.read(f"{step}check"), "0")

    def test_members_of_a_running_array_are_shown(self):
        for name in ("running_scan", "scan_of_all"):
            self.assertIn(self.read(f"{name}.status"), ("0", "1"), self.said(name))
            for word in ("/dev/ubda", "/dev/ubdb", "RAID 1"):
                self.assertIn(word, self.said(name))

    def test_what_is_in_use_is_refused_with_who_uses_it(self):
        self.refused("running", "/dev/ubda", "/dev/md10")
        self.refused("mapped", "/dev/ubda", "/dev/dm-0")
        self.refused("loop", "/dev/ubdb", "/dev/loop0")
        self.refused("mounted", "/dev/ubdd", "/files")

    def test_a_read_only_device_is_refused(self):
        self.assertEqual(self.read("read_only.status"), FAILED, self.said("read_only"))
        self.assertIn("/dev/ubdb is read-only here", self.said("read_only"))

    def test_free_devices_are_mended_and_the_kernel_takes_them(self):
        self.done("free")
        self.done("stop")
        self.taken("")

    def test_a_newcomer_is_added_and_the_kernel_takes_it(self):
        self.done("add")
        self.done("add_stop")
        self.taken("add_")
        self.assertEqual(self.read("add_content"), self.read("content"))


if __name__ == "__main__":
    (BITMENDCTL,) = lab.programs(__doc__, 1)
    BITMENDCTL = os.path.abspath(BITMENDCTL)
    lab.run_tests()
