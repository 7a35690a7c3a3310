#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writing into an array from the command line: what is written is there on every member, and the array is clean."""

import os
import random
import signal
import subprocess
import unittest
from pathlib import Path

import ctl
from ctl import DemoCase, run

SIZE = 32505856


class Write(DemoCase):
    def setUp(self):
        super().setUp()
        self.content = random.Random(1).randbytes(300_000)
        self.input = Path(self.scratch.name) / "input"
        self.input.write_bytes(self.content)

    def mend(self):
        """The demo lacks a member, so that its bits stay; complete, they go."""
        self.result("resync", "--overlay", self.overlay, self.a, self.b)
        self.result("add", "--overlay", self.overlay, "--spare", self.spare, self.a, self.b)
        self.result("stop", "--overlay", self.overlay, *self.members())

    def members(self):
        return [self.a, self.b, self.spare]

    def written(self, offset, length, *without):
        left_out = [word for path in without for word in ("--without", path)]
        outcome = run("read", "--overlay", self.overlay, *left_out, "--offset", offset, "--length", length, "--output",
                      "-", *self.members())
        self.assertEqual(outcome.status, 0, outcome.complaints)
        return outcome.raw

    def test_what_is_written_is_on_every_member_and_the_members_are_as_they_were(self):
        before = self.state()
        self.mend()
        written = self.result("write", "--offset", "1000001", "--flush-every", "64K", "--overlay", self.overlay, self.input,
                              *self.members())
        self.assertEqual((written["completed"], written["length"], written["chunks_kept"]), (True, len(self.content), 0))
        self.assertEqual(written["flushes"], 5)
        self.assertGreaterEqual(written["written_bytes"], 3 * len(self.content))
        for left_out in ((self.a, self.b), (self.a, self.spare), (self.b, self.spare)):
            self.assertEqual(self.written(1000001, len(self.content), *left_out), self.content)
        [array] = self.result("scan", "--overlay", self.overlay, *self.members())["arrays"]
        self.assertEqual((array["needs"], array["events"], array["bitmap"]["dirty"]), ("nothing", written["events"], 0))
        self.assertEqual(self.state(), before)

    def test_standard_input_is_written_as_well(self):
        done = subprocess.run([ctl.CTL, "write", "--offset", "64K", "--overlay", self.overlay, "-", self.a, self.b],
                              input=self.content, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.written(65536, len(self.content)), self.content)

    def test_a_resync_that_is_due_stays_due_and_covers_what_was_written(self):
        self.result("write", "--overlay", self.overlay, self.input, self.a, self.b)
        [array] = self.result("scan", "--overlay", self.overlay, self.a, self.b)["arrays"]
        self.assertEqual((array["needs"], array["bitmap"]["due"]), ("resync", 41))

    def test_nothing_is_written_behind_the_end(self):
        before = self.state()
        self.refused(2, "write", "--offset", SIZE - 5, "--overlay", self.overlay, self.input, self.a, self.b,
                     saying=f"ends at byte {SIZE}")
        self.assertFalse(self.overlay.exists())
        done = subprocess.run([ctl.CTL, "write", "--offset", str(SIZE - 5), "--overlay", self.overlay, "-", self.a, self.b],
                              input=self.content, capture_output=True, text=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"was not written", done.stderr)
        self.assertEqual(self.written(SIZE - 5, 5), self.content[:5])
        self.assertEqual(self.state(), before)

    def test_a_forgotten_input_is_not_a_member(self):
        self.refused(2, "write", "--overlay", self.overlay, self.a, self.b, saying="is a member of an array")
        self.refused(2, "write", "--overlay", self.overlay, saying="Name what is to be written")
        self.refused(1, "write", "--overlay", self.overlay, "nowhere", self.a, self.b, saying="nowhere")
        self.assertFalse(self.overlay.exists())

    def test_killed_in_the_middle_it_loses_nothing_that_was_flushed(self):
        self.mend()
        process = subprocess.Popen([ctl.CTL, "write", "--verbose", "--flush-every", "4K", "--overlay", self.overlay, "-",
                                    *self.members()], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        process.stdin.write(self.content[:200_000])
        process.stdin.flush()
        for line in process.stderr:
            if b"bytes 0 to 163840 " in line:
                break
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        self.assertEqual(self.written(0, 163_840), self.content[:163_840])
        [array] = self.result("scan", "--overlay", self.overlay, *self.members())["arrays"]
        self.assertEqual(array["needs"], "resync")
        self.assertIn(array["bitmap"]["due"], (3, 4))
        self.result("resync", "--overlay", self.overlay, *self.members())
        self.assertEqual(self.written(0, SIZE, self.a), self.written(0, SIZE, self.b, self.spare))


if __name__ == "__main__":
    unittest.main()
