#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bitmendctl mends members in place, the kernel judges them, and restore takes all of it back.

  in_place.py BITMENDCTL APPLY_OVERLAY [unittest arguments]

The same crashed arrays as for mends on overlays, of every metadata version. The members written to are
copies; between two writes of the mend the same job is also killed and begun again.
"""

import contextlib
import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

import lab
import mdimage
import mend_cases
import pool
from mend_cases import Case, JudgedMends, run


class InPlace(Case):
    """Mends `written`, copies of the images, in place; `mended` is what lies there then."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.written = [self.folder / f"written-{image.name}" for image in self.images]
        self.written_bitmap = self.folder / "written-bitmap" if self.bitmap else None
        for image, copy in self.copies():
            pool.copy_sparse(image, copy)
        self.saved = []

    def copies(self):
        return zip(self.everything(), self.written + ([self.written_bitmap] if self.bitmap else []))

    def words(self, command, *arguments):
        self.saved.append(self.folder / f"{len(self.saved)}.restore")
        bitmap = ["--bitmap-file", self.written_bitmap] if self.bitmap else []
        return [mend_cases.BITMENDCTL, command, "--in-place", "--restore-file", self.saved[-1], *bitmap, *arguments]

    def killed(self, *words):
        """SIGKILL while it writes. How far it comes is not ours to say; that it can be finished is."""
        process = subprocess.Popen(["strace", "-f", "-o", self.folder / "trace", "-e", "trace=pwrite64", "-e",
                                    "inject=pwrite64:delay_exit=3000", *map(str, words)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        trace = self.folder / "trace"
        while process.poll() is None and (not trace.exists() or trace.read_text().count("pwrite64") < 8):
            time.sleep(0.001)
        words = trace.read_text().split()
        if process.poll() is None and words:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(words[0]), signal.SIGKILL)
        process.wait()

    def mend(self, prefix=()):
        members, spare = self.written[:-1], self.written[-1]
        for command, words in (("resync", members), ("add", ["--spare", spare, *members])):
            self.killed(*self.words(command, *words))
            run(*self.words(command, *words))
        run(*self.words("stop", *self.written))

    def merge(self):
        for written, mended in zip(self.written, self.mended):
            pool.copy_sparse(written, mended)
        if self.bitmap:
            pool.copy_sparse(self.written_bitmap, self.mended_bitmap)

    def restore(self):
        for file in reversed(self.saved):
            if file.exists():
                run(mend_cases.BITMENDCTL, "restore", file)


def outside_data(path, member):
    """All bytes of an image but those of the array's content, by the superblock of `member`."""
    content = bytearray(Path(path).read_bytes())
    begin, length = member.data_start(), member.data_length()
    del content[begin:begin + length]
    return bytes(content)


class MendsInPlace(JudgedMends, unittest.TestCase):
    FLAVOURS = [("1.2", "internal"), ("1.0", "internal"), ("0.90", "internal"), ("1.1", "none"), ("1.2", "file")]
    SEED = 2100
    KIND = InPlace

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for case in cls.cases:
            case.restore()

    def test_restoring_leaves_nothing_of_it_outside_the_data(self):
        for case in self.cases:
            first = mdimage.Member(case.images[0])
            for image, written, mended in zip(case.images, case.written, case.mended):
                with self.subTest(f"{case.name}, {image.name}"):
                    self.assertNotEqual(outside_data(image, first), outside_data(mended, first))
                    self.assertEqual(outside_data(image, first), outside_data(written, first))
            if case.bitmap:
                self.assertEqual(case.bitmap.read_bytes(), case.written_bitmap.read_bytes())
                self.assertNotEqual(case.bitmap.read_bytes(), case.mended_bitmap.read_bytes())


if __name__ == "__main__":
    mend_cases.BITMENDCTL, mend_cases.APPLY_OVERLAY = lab.programs(__doc__, 2)
    lab.run_tests()
