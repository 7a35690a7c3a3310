#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bitmendctl mends mirrors of every metadata version, each with the bitmap behind or before the
superblock, in a file, and with none; the kernel judges the result.

  every_format.py BITMENDCTL APPLY_OVERLAY [unittest arguments]
"""

import unittest

import lab
import mdimage
import mend_cases
from mend_cases import Case, JudgedMends


class EveryFormat(JudgedMends, unittest.TestCase):
    # 1.0 keeps its bitmap before the superblock.
    FLAVOURS = [(metadata, place) for metadata in ("0.90", "1.0", "1.1", "1.2") for place in ("internal", "none", "file")]
    SEED = 300
    KIND = Case

    def test_a_bitmap_file_is_written_and_no_member_gets_a_copy(self):
        for case in self.cases:
            if not case.bitmap:
                continue
            with self.subTest(case.name):
                self.assertNotEqual(mdimage.Bitmap(case.bitmap, 0).dirty(), [])
                self.assertEqual(mdimage.Bitmap(case.mended_bitmap, 0).dirty(), [])
                self.assertEqual([mdimage.Member(image).bitmap() for image in case.mended], [None] * len(case.mended))


if __name__ == "__main__":
    mend_cases.BITMENDCTL, mend_cases.APPLY_OVERLAY = lab.programs(__doc__, 2)
    lab.run_tests()
