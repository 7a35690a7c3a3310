#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bitmendctl mends arrays that the kernel made and crashed, and the kernel judges the result.

  first_mend.py BITMENDCTL APPLY_OVERLAY [unittest arguments]

The arrays are the bundled demo, six freshly crashed ones, and one each of metadata 1.0 and 1.1. Everything
Bitmend writes goes to overlays; those are put into copies of the members, and the copies go to the judge.
The same originals are mended by the kernel, and what it leaves is held against ours field by field.
"""

import re
import tempfile
import unittest
from pathlib import Path

import crashed_arrays
import judge_mend
import lab
import mdimage
import mend_cases
from mend_cases import Case, differences, fingerprint, kernel_mends
from test_judge import unpack_demo

FRESH = {"1.2": 6, "1.0": 1, "1.1": 1}
SEED = 2005

DEMO = "demo"


class FirstMend(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="first-mend-")
        cls.addClassCleanup(scratch.cleanup)
        folder = Path(scratch.name)
        (folder / DEMO).mkdir()
        cls.cases = [Case(DEMO, folder / DEMO, unpack_demo(folder / DEMO))]
        for version, count in FRESH.items():
            for made in crashed_arrays.make(folder / version, count, SEED, flavours=[(version, "internal")]):
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
    mend_cases.BITMENDCTL, mend_cases.APPLY_OVERLAY = lab.programs(__doc__, 2)
    lab.run_tests()
