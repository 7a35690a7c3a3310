#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""--rate-limit and --threads: how fast a job goes and with how many hands, never what comes of it."""

import json
import signal
import subprocess
import unittest

from ctl import CTL, DemoCase, run

JOBS = ("resync", "recover", "check", "repair")
WINDOW = 1 << 20  # a job takes no more at a time


class Pace(DemoCase):
    def mended_with(self, threads):
        """What the members hold after the main job, and what a check beforehand said."""
        pace, overlay = ("--threads", threads), self.overlay / str(threads)
        found = self.result("check", *pace, self.a, self.b, status=4)
        self.result("resync", *pace, "--overlay", overlay, self.a, self.b)
        repaired = self.result("repair", *pace, "--overlay", overlay, self.a, self.b)
        self.result("add", "--overlay", overlay, "--spare", self.spare, self.a, self.b)
        members = [self.a, self.b, self.spare]
        self.result("stop", "--overlay", overlay, *members)
        held = []
        for alone in members:
            left_out = [word for member in members if member != alone for word in ("--without", member)]
            outcome = run("read", "--overlay", overlay, *left_out, "--output", "-", *members)
            self.assertEqual(outcome.status, 0, outcome.complaints)
            held.append(outcome.raw)
        return held, found, repaired

    def test_any_number_of_threads_leaves_the_same_bytes(self):
        self.overlay.mkdir()
        before = self.state()
        one = self.mended_with(1)
        self.assertEqual(len(set(one[0])), 1)
        for threads in (2, 8):
            self.assertTrue(self.mended_with(threads) == one, threads)
        self.assertEqual(self.state(), before)

    def test_a_limit_does_not_change_what_is_found(self):
        limited = self.result("check", "--rate-limit", "64G", self.a, self.b, status=4)
        self.assertEqual(limited, self.result("check", self.a, self.b, status=4))

    def test_a_byte_a_second_lets_only_the_first_window_pass(self):
        # The second one would be due in twelve days.
        process = subprocess.Popen([CTL, "check", "--json", "--rate-limit", "1", self.a, self.b],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        found = json.loads(said)
        self.assertFalse(found["completed"])
        self.assertLessEqual(found["checked_bytes"], WINDOW)

    def test_what_is_no_number_of_bytes_or_threads_is_said_in_one_sentence(self):
        bad = [("--rate-limit", value) for value in ("0", "", "-1", "fast", "1.5M", "1X", "99999999999T")]
        bad += [("--threads", value) for value in ("0", "", "-2", "all", "1025", "2.5")]
        for option, value in bad:
            for job in JOBS:
                with self.subTest(f"{job} {option} '{value}'"):
                    outcome = self.refused(2, job, option, value, self.a, self.b,
                                           saying=f"^bitmendctl: '{value}' is not a valid value of '{option}'")
                    self.assertEqual(len(outcome.complaints), 1)
        self.refused(2, "check", self.a, self.b, "--threads", saying="needs a value")


if __name__ == "__main__":
    unittest.main()
