#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab keeps its promises: results, exit status, crash, timeout, and several at a time."""

import concurrent.futures
import os
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock
from pathlib import Path

import lab
import pool


class Lab(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lab, test ")  # a comma and a space, on purpose
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def command(self, text, *options):
        script = self.folder / "scenario.sh"
        script.write_text(text)
        words = [sys.executable, "-B", str(lab.HERE / "lab.py"), "run", str(script), "--share", str(self.folder / "share"), *options]
        return subprocess.run(words, capture_output=True, text=True)

    def test_exit_status_of_the_scenario_is_handed_on(self):
        self.assertEqual(self.command("exit 0").returncode, 0)
        self.assertEqual(self.command("exit 7").returncode, 7)
        self.assertEqual(self.command("die 'for a reason'").returncode, 1)

    def test_results_and_disks_reach_the_host(self):
        disk = self.folder / "disk.img"
        pool.make(disk, 1 << 20)
        done = self.command("uname -r > release; echo written | dd of=/dev/ubda conv=notrunc,fsync; echo done > /share/done", "--disk", str(disk))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "share" / "done").read_text(), "done\n")
        self.assertTrue((self.folder / "share" / "release").read_text().strip())
        self.assertEqual(disk.read_bytes()[:8], b"written\n")

    def test_crash_keeps_what_the_disk_was_given_and_loses_the_rest(self):
        disk = self.folder / "disk.img"
        pool.make(disk, 1 << 20)
        text = ("echo kept | dd of=/dev/ubda conv=notrunc,fsync\n"
                "exec 3<> /dev/ubda  # the last close would write everything back\n"
                "echo lost | dd of=/dev/ubda seek=8 conv=notrunc\n"
                "crash_now\necho survived > /share/survived\n")
        self.assertEqual(self.command(text, "--disk", str(disk), "--crash").returncode, 0)
        self.assertEqual(disk.read_bytes()[:5], b"kept\n")
        self.assertEqual(disk.read_bytes()[4096:4100], b"\0\0\0\0")
        self.assertFalse((self.folder / "share" / "survived").exists())

    def test_no_crash_where_one_was_expected_is_a_failure(self):
        self.assertNotEqual(self.command("exit 0", "--crash").returncode, 0)

    def test_timeout_ends_its_own_kernel_and_no_other(self):
        with concurrent.futures.ThreadPoolExecutor(2) as workers:
            slow = workers.submit(lab.run, "while :; do sleep 1; done", self.folder / "slow", timeout=5)
            other = workers.submit(lab.run, "sleep 12; echo alive > alive", self.folder / "other", timeout=120)
            self.assertTrue(slow.result().timed_out)
            self.assertEqual(other.result().status, 0)
        self.assertEqual((self.folder / "other" / "alive").read_text(), "alive\n")

    def test_no_kernel_outlives_a_killed_test(self):
        with tempfile.TemporaryDirectory(prefix="room-") as room:
            script = self.folder / "scenario.sh"
            script.write_text("echo up > up; while :; do sleep 1; done")
            share = self.folder / "share"
            runner = subprocess.Popen([sys.executable, "-B", str(lab.HERE / "lab.py"), "run", str(script), "--share", str(share)],
                                      env={**os.environ, "TMPDIR": room}, stdout=subprocess.DEVNULL)
            self.wait_for((share / "up").exists)
            self.assertTrue(self.running_in(room))
            runner.kill()
            runner.wait()
            self.wait_for(lambda: not self.running_in(room))
            self.wait_for(lambda: not os.listdir(room))

    @staticmethod
    def running_in(room):
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and b"uml_dir=" + room.encode() in (entry / "cmdline").read_bytes():
                    found.append(entry.name)
            except OSError:
                pass
        return found

    def wait_for(self, condition):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)

    def test_missing_program_is_one_sentence(self):
        done = subprocess.run([sys.executable, "-B", str(lab.HERE / "lab.py"), "build", "--cache", str(self.folder / "cache")],
                              capture_output=True, text=True, env={"PATH": "/nowhere", "HOME": str(self.folder)})
        self.assertEqual(done.returncode, lab.BROKEN)
        self.assertRegex(done.stderr, r"^The kernel lab needs .*: install the package .*\.\n$")

    def test_nothing_is_left_in_the_temporary_folder(self):
        with tempfile.TemporaryDirectory(prefix="room-") as room, unittest.mock.patch.dict(os.environ, TMPDIR=room):
            self.assertEqual(lab.run("exit 0", self.folder / "share").status, 0)
            self.assertEqual(os.listdir(room), [])


if __name__ == "__main__":
    lab.run_tests()
