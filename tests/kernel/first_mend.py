#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bitmendctl mends arrays that the kernel made and crashed, and the kernel judges the result.

  first_mend.py BITMENDCTL APPLY_OVERLAY [unittest arguments]

The arrays are the bundled demo, six freshly crashed ones, and one each of metadata 1.0 and 1.1. Everything
Bitmend writes goes to overlays; those are put into copies of the members, and the copies go to the judge.
The same originals are mended by the kernel, and what it leaves is held against ours field by field.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import crashed_arrays
import judge_mend
import lab
import mdimage
import pool
from test_judge import unpack_demo

BITMENDCTL = ""
APPLY_OVERLAY = ""

FRESH = {"1.2": 6, "1.0": 1, "1.1": 1}
SEED = 2005

# Per update, random, or a count of updates that are ours to choose (the kernel bundles them by time).
FREE_FIELDS = {"utime", "device_uuid", "sb_csum", "events"}
DEMO = "demo"

KERNEL_MENDS = r"""
mend() {
    md="$1"; spare="$2"; shift 2
    mdadm --assemble --run "/dev/$md" "$@" || die "$md does not start"
    wait_idle "$md"
    mdadm "/dev/$md" --add "$spare" || die "$md takes no spare"
    wait_idle "$md"
    mdadm --stop "/dev/$md" || die "$md does not stop"
}
"""


def run(*command, allowed=(0,)):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode not in allowed:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def fingerprint(path):
    state = os.stat(path)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest(), state.st_mtime_ns, state.st_size


class Case:
    def __init__(self, name, folder, images):
        self.name, self.folder, self.images = name, Path(folder), [Path(image) for image in images]
        self.overlay = self.folder / "overlay"
        self.before = [fingerprint(image) for image in self.images]
        self.mended = [self.folder / f"mended-{image.name}" for image in self.images]
        self.kernels = [self.folder / f"kernel-{image.name}" for image in self.images]

    def mend(self, prefix=()):
        """Each step is a process of its own: all that connects them lies in the overlays."""
        members, spare = self.images[:-1], self.images[-1]
        run(*prefix, BITMENDCTL, "resync", "--overlay", self.overlay, *members)
        run(*prefix, BITMENDCTL, "add", "--overlay", self.overlay, "--spare", spare, *members)
        run(*prefix, BITMENDCTL, "stop", "--overlay", self.overlay, *self.images)

    def merge(self):
        for image, copy in zip(self.images, self.mended):
            pool.copy_sparse(image, copy)
            run(APPLY_OVERLAY, image, self.overlay, copy)


def kernel_mends(cases):
    """The kernel's own mend of copies of all of them, as many in one boot as it has disks."""
    room = []
    for case in cases:
        if room and sum(len(other.images) for other in room) + len(case.images) > 15:
            boot_kernel(room)
            room = []
        room.append(case)
    boot_kernel(room)


def boot_kernel(cases):
    letters = iter("abcdefghijklmnop")
    disks, lines = [], []
    for number, case in enumerate(cases):
        nodes = []
        for index, (image, copy) in enumerate(zip(case.images, case.kernels)):
            pool.copy_sparse(image, copy)
            disks.append(copy)
            lines.append(f"wrap_member k{number}-{index} /dev/ubd{next(letters)}")
            nodes.append(f"/dev/mapper/k{number}-{index}")
        lines.append(f"mend md{20 + number} {nodes[-1]} {' '.join(nodes[:-1])}")
    with tempfile.TemporaryDirectory(prefix="kernel-mends-") as share:
        lab.require(lab.run(KERNEL_MENDS + "\n".join(lines) + "\n", Path(share) / "share", disks, 240))


def differences(ours, kernels):
    """Sentences on every field of superblock and bitmap that is not as the kernel leaves it."""
    mine, its = mdimage.Member(ours), mdimage.Member(kernels)
    for name in mdimage.FIELDS_1:
        if name not in FREE_FIELDS and mine.get(name) != its.get(name):
            yield f"{name} is {mine.get(name)}, the kernel's {its.get(name)}"
    for number in range(its.get("max_dev")):
        if mine.get(f"role{number}") != its.get(f"role{number}"):
            yield f"dev_roles[{number}] is {mine.get(f'role{number}'):#x}, the kernel's {its.get(f'role{number}'):#x}"
    if mine.checksum() != mine.get("sb_csum"):
        yield "its checksum is wrong"
    mine, its = mine.bitmap(), its.bitmap()
    for name in mdimage.FIELDS_BITMAP:
        if name != "events" and mine.get(name) != its.get(name):
            yield f"bitmap {name} is {mine.get(name)}, the kernel's {its.get(name)}"
    length = -(-(256 + -(-its.chunks() // 8)) // 512) * 512
    parts = []
    for bitmap in (mine, its):
        with open(bitmap.path, "rb") as file:
            file.seek(bitmap.start + 256)
            parts.append(file.read(length - 256))
    if parts[0] != parts[1]:
        at = next(i for i in range(len(parts[0])) if parts[0][i] != parts[1][i])
        yield f"bitmap byte {256 + at} is {parts[0][at]:#x}, the kernel's {parts[1][at]:#x}"


class FirstMend(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="first-mend-")
        cls.addClassCleanup(scratch.cleanup)
        folder = Path(scratch.name)
        (folder / DEMO).mkdir()
        cls.cases = [Case(DEMO, folder / DEMO, unpack_demo(folder / DEMO))]
        for version, count in FRESH.items():
            for made in crashed_arrays.make(folder / version, count, SEED, metadata=version):
                images = [made / name for name in ("a.img", "b.img", "spare.img") if (made / name).exists()]
                cls.cases.append(Case(f"crashed {version} {made.name}", made, images))
        for case in cls.cases:
            case.mend()
            case.merge()

    def test_the_kernel_accepts_every_mend(self):
        for case in self.cases:
            with self.subTest(case.name):
                wrong, _ = judge_mend.judge(case.images, case.mended)
                self.assertEqual(wrong, [])

    def test_superblocks_and_bitmaps_are_as_the_kernel_leaves_them(self):
        kernel_mends(self.cases)
        self.assertNotEqual(list(differences(self.cases[0].images[0], self.cases[0].kernels[0])), [])
        for case in self.cases:
            for ours, kernels in zip(case.mended, case.kernels):
                with self.subTest(f"{case.name}, {ours.name}"):
                    self.assertEqual(list(differences(ours, kernels)), [])

    def test_members_are_untouched(self):
        for case in self.cases:
            with self.subTest(case.name):
                self.assertEqual([fingerprint(image) for image in case.images], case.before)

    def test_no_member_is_opened_for_writing(self):
        demo = self.cases[0]
        with tempfile.TemporaryDirectory(prefix="first-mend-") as folder:
            again = Case(DEMO, folder, demo.images)
            trace = Path(folder) / "trace"
            again.mend(prefix=("strace", "-f", "-y", "-A", "-o", trace, "-e", "trace=%file,%desc"))
            lines = trace.read_text().splitlines()
        members = [str(image) for image in demo.images]
        opened = [line for line in lines if re.search(r"\b(open|openat|openat2|creat)\(", line)
                  and any(f'"{member}"' in line for member in members)]
        self.assertGreater(len(opened), 0)
        for line in opened:
            self.assertNotRegex(line, r"O_WRONLY|O_RDWR|O_TRUNC|O_CREAT|creat\(")
        writes = [line for line in lines if re.search(r"\b(p?write(v2?|64)?|pwritev2?|fallocate|ftruncate)\(", line)]
        for line in writes:
            self.assertFalse(any(f"<{member}>" in line for member in members), line)

    def test_the_source_of_the_copy_keeps_its_data(self):
        for case in self.cases:
            with self.subTest(case.name):
                first = mdimage.Member(case.images[0])
                data, length = first.data_start(), first.get("size") * 512
                with open(case.images[0], "rb") as old, open(case.mended[0], "rb") as new:
                    old.seek(data)
                    new.seek(data)
                    self.assertTrue(old.read(length) == new.read(length))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    BITMENDCTL, APPLY_OVERLAY = sys.argv[1:3]
    try:
        lab.root_image()
    except lab.LabError as error:
        sys.exit(str(error))
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
