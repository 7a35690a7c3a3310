#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What writers left beside a resync, a hot-add, a recovery and a change of the bitmap, all at once, the
kernel finds complete.

  threads_judged.py WRITE_THREADS [unittest arguments]
"""

import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

import judge_many
import lab

WRITE_THREADS = ""
BLOCK = 4096
RUNS = 3


class ThreadsJudged(unittest.TestCase):
    def test_check_counts_nothing_and_every_acknowledged_write_is_there(self):
        with tempfile.TemporaryDirectory(prefix="threads-") as scratch:
            sets, acknowledged = [], []
            for number in range(RUNS):
                folder = Path(scratch) / str(number)
                folder.mkdir()
                subprocess.run([WRITE_THREADS, str(folder)], check=True, timeout=300)
                sets.append(([folder / f"{index}.img" for index in range(3)], None))
                lines = (folder / "acknowledged").read_text().splitlines()
                acknowledged.append([tuple(map(int, line.split())) for line in lines])
            for verdict, blocks in zip(judge_many.judge(sets, scratch), acknowledged):
                self.assertEqual(list(verdict.complaints(3)), [])
                first, *others = verdict.contents()
                self.assertTrue(all(other == first for other in others))
                written = [(block, stamp) for block, stamp in blocks if stamp]
                self.assertGreater(len(written), 100)
                for block, stamp in written:
                    self.assertEqual(first[block * BLOCK:(block + 1) * BLOCK], struct.pack("<Q", stamp) * (BLOCK // 8))


if __name__ == "__main__":
    [WRITE_THREADS] = lab.programs(__doc__, 1)
    lab.run_tests()
