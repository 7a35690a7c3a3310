#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What writers left beside a resync, a hot-add, a recovery and a change of the bitmap, all at once, the
kernel finds complete; and what they left on arrays of other levels beside a resync, a recovery or a replacement.

  threads_judged.py WRITE_THREADS ARRAY_THREADS [unittest arguments]
"""

import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

import judge_many
import lab
import random_judge

WRITE_THREADS = ARRAY_THREADS = ""
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

    def test_on_other_levels_it_reads_what_was_written_and_counts_nothing(self):
        with tempfile.TemporaryDirectory(prefix="threads-") as scratch:
            left = Path(scratch) / "left"
            subprocess.run([ARRAY_THREADS, str(left)], check=True, timeout=300)
            works = [random_judge.Work("threads", own.name, sorted(own.glob("*.img")), (own / "content").read_bytes())
                     for own in sorted(left.iterdir())]
            self.assertGreaterEqual(len(works), 8)
            wrong = []
            random_judge.judge(works, Path(scratch), lambda array, what: wrong.append(f"{array}: {what}"))
            self.assertEqual(wrong, [])


if __name__ == "__main__":
    WRITE_THREADS, ARRAY_THREADS = lab.programs(__doc__, 2)
    lab.run_tests()
