#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bitmendctl mends mirrors of every metadata version, with the bitmap inside, behind or before the
superblock, in a file, or with none; the kernel judges the result.

  every_format.py BITMENDCTL APPLY_OVERLAY [unittest arguments]
"""

import sys
import tempfile
import unittest
from pathlib import Path

import crashed_arrays
import judge_mend
import lab
import mdimage
import mend_cases
from mend_cases import Case, differences, fingerprint, kernel_mends

# 1.0 keeps its bitmap before the superblock.
FLAVOURS = [("0.90", "internal"), ("0.90", "none"), ("1.0", "internal"), ("1.1", "internal"), ("1.2", "none"),
            ("1.0", "file"), ("0.90", "file")]
SEED = 300


class EveryFormat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="every-format-")
        cls.addClassCleanup(scratch.cleanup)
        cls.cases = []
        for made, flavour in zip(crashed_arrays.make(Path(scratch.name), len(FLAVOURS), SEED, flavours=FLAVOURS), FLAVOURS):
            images = [made / name for name in ("a.img", "b.img", "spare.img") if (made / name).exists()]
            bitmap = made / "bitmap" if flavour[1] == "file" else None
            cls.cases.append(Case(f"{flavour[0]}, bitmap {flavour[1]}", made, images, bitmap))
        for case in cls.cases:
            case.mend()
            case.merge()

    def test_the_kernel_accepts_every_mend(self):
        for case in self.cases:
            with self.subTest(case.name):
                files = (case.bitmap, case.mended_bitmap) if case.bitmap else None
                wrong, _ = judge_mend.judge(case.images, case.mended, files=files)
                self.assertEqual(wrong, [])

    def test_superblocks_and_bitmaps_are_as_the_kernel_leaves_them(self):
        kernel_mends(self.cases)
        for case in self.cases:
            for ours, kernels in zip(case.mended, case.kernels):
                with self.subTest(f"{case.name}, {ours.name}"):
                    self.assertEqual(list(differences(ours, kernels)), [])

    def test_a_bitmap_file_is_written_and_no_member_gets_a_copy(self):
        for case in self.cases:
            if not case.bitmap:
                continue
            with self.subTest(case.name):
                self.assertNotEqual(mdimage.Bitmap(case.bitmap, 0).dirty(), [])
                self.assertEqual(mdimage.Bitmap(case.mended_bitmap, 0).dirty(), [])
                self.assertEqual([mdimage.Member(image).bitmap() for image in case.mended], [None] * len(case.mended))

    def test_members_and_files_are_untouched(self):
        for case in self.cases:
            with self.subTest(case.name):
                self.assertEqual([fingerprint(image) for image in case.everything()], case.before)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    mend_cases.BITMENDCTL, mend_cases.APPLY_OVERLAY = sys.argv[1:3]
    try:
        lab.root_image()
    except lab.LabError as error:
        sys.exit(str(error))
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
