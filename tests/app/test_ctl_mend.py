#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The mend from the command line: resync, add and stop on overlays, and members that stay as they are."""

import os
import re
import signal
import subprocess
import unittest
from pathlib import Path

from ctl import CTL, DemoCase, run

DIRTY = 38 * 65536
SIZE = 32505856


class Mend(DemoCase):
    def contents(self, *without):
        left_out = [word for path in without for word in ("--without", path)]
        outcome = run("read", "--overlay", self.overlay, *left_out, "--output", "-", self.a, self.b, self.spare)
        self.assertEqual(outcome.status, 0, outcome.complaints)
        return outcome.raw

    def test_the_whole_job_leaves_three_equal_members(self):
        before = self.state()
        resync = self.result("resync", "--overlay", self.overlay, self.a, self.b)
        self.assertTrue(resync["completed"])
        self.assertEqual((resync["checked_bytes"], resync["skipped_bytes"]), (DIRTY, SIZE - DIRTY))
        self.assertLessEqual(resync["read_bytes"], 2 * DIRTY)
        self.assertLessEqual(resync["written_bytes"], DIRTY)

        added = self.result("add", "--overlay", self.overlay, "--spare", self.spare, self.a, self.b)
        self.assertEqual((added["completed"], added["role"], added["bitmap_pages"]), (True, 2, 1))
        stopped = self.result("stop", "--overlay", self.overlay, self.a, self.b, self.spare)
        self.assertEqual((stopped["completed"], stopped["chunks_kept"]), (True, 0))

        [array] = self.result("scan", "--overlay", self.overlay, self.folder)["arrays"]
        self.assertEqual((array["needs"], array["degraded"], array["bitmap"]["dirty"]), ("nothing", 0, 0))
        self.assertEqual(array["events"], stopped["events"])
        whole = self.contents()
        for alone in (self.a, self.b, self.spare):
            others = {self.a, self.b, self.spare} - {alone}
            self.assertEqual(self.contents(*others), whole)
        self.assertEqual(self.state(), before)

    def test_check_finds_and_repair_mends_what_differs(self):
        before = self.state()
        found = self.result("check", self.a, self.b, status=4)
        self.assertEqual((found["completed"], found["checked_bytes"], found["written_bytes"]), (True, SIZE, 0))
        self.assertEqual(found["mismatch_sectors"] % 128, 0)
        self.assertTrue(found["differing_ranges"])
        said = run("check", self.a, self.b)
        self.assertEqual(said.status, 4)
        self.assertIn("mismatch_cnt", said.text)
        repaired = self.result("repair", "--overlay", self.overlay, self.a, self.b, status=4)
        self.assertEqual(repaired["mismatch_sectors"], found["mismatch_sectors"])
        again = self.result("check", "--overlay", self.overlay, self.a, self.b)
        self.assertEqual((again["mismatch_sectors"], again["differing_ranges"]), (0, []))
        self.assertEqual(self.state(), before)

    def test_check_shows_both_versions_of_what_differs(self):
        found = self.result("check", "--show-differences", 2, self.a, self.b, status=4)
        self.assertEqual([[one["first"], one["last"]] for one in found["differences"]], found["differing_ranges"][:2])
        for one in found["differences"]:
            ours, theirs = one["versions"]
            self.assertEqual([ours["role"], theirs["role"]], [0, 1])
            self.assertNotEqual(ours["hex"][:1024], theirs["hex"][:1024])
            for version in one["versions"]:
                content = Path(version["path"]).read_bytes()
                expected = bytes.fromhex(version["hex"])
                self.assertEqual(content[version["sector"] * 512:][:len(expected)], expected)
        said = run("check", "--show-differences", 1, self.a, self.b).text
        first, last = found["differing_ranges"][0]
        self.assertIn(f"\n  array sectors {first}-{last}:\n    slot 0: copy 1, {self.a}", said)
        self.assertRegex(said, r"\n    [0-9a-f]{11}  slot 0  (?:[0-9a-f]{2} ){16} .{16}\n {17}slot 1  (?:[0-9a-f]{2} ){16} "
                               r".{16}\n +\^\^")
        self.refused(2, "check", "--show-differences", 0, self.a, saying="not a valid value")

    def test_check_of_a_single_copy_has_nothing_to_do(self):
        alone = self.result("check", "--without", self.b, self.a, self.b)
        self.assertEqual((alone["completed"], alone["checked_bytes"]), (True, 0))

    def test_a_member_can_be_failed_and_taken_back(self):
        before = self.state()
        members = [self.a, self.b]
        self.result("resync", "--overlay", self.overlay, *members)
        where = ["--overlay", self.overlay, "--member", self.b, *members]
        failed = self.result("fail", *where)
        self.assertEqual((failed["completed"], failed["member"]), (True, str(self.b)))
        [array] = self.result("scan", "--overlay", self.overlay, *members)["arrays"]
        self.assertEqual(array["degraded"], 2)
        self.refused(3, "fail", "--overlay", self.overlay, "--member", self.a, *members, saying="members")
        self.refused(3, "fail", "--overlay", self.overlay, "--member", self.spare, *members, saying="not a member")
        self.refused(3, "remove", "--overlay", self.overlay, "--member", self.a, *members, saying="failed first")

        plan = self.result("re-add", "--dry-run", *where, schema="re_add_plan")
        self.assertEqual((plan["role"], plan["by_bitmap"], plan["recovery"]["chunks"]), (1, True, 38))
        added = self.result("re-add", *where)
        self.assertEqual((added["completed"], added["role"], added["checked_bytes"]), (True, 1, DIRTY))
        self.result("stop", "--overlay", self.overlay, *members)
        again = self.result("check", "--overlay", self.overlay, *members)
        self.assertEqual(again["mismatch_sectors"], 0)
        self.assertEqual(self.state(), before)

    def test_a_failed_member_can_be_forgotten(self):
        where = ["--overlay", self.overlay, "--member", self.b, self.a, self.b]
        self.result("fail", *where)
        removed = self.result("remove", *where)
        again = self.result("remove", *where)
        self.assertEqual((removed["completed"], again["events"]), (True, removed["events"]))
        self.assertEqual(run("fail", "--overlay", self.overlay, self.a).status, 2)

    def test_a_bitmap_can_be_taken_away_and_given_again(self):
        before = self.state()
        where = ["--overlay", self.overlay, self.a, self.b]
        self.refused(3, "bitmap-remove", *where, saying="resync or recovery .* is due")
        self.result("resync", *where)
        self.result("stop", *where)
        self.refused(3, "bitmap-add", *where, saying="has a write-intent bitmap already")
        removed = self.result("bitmap-remove", *where)
        self.assertGreater(removed["written_bytes"], 0)
        self.refused(3, "bitmap-remove", *where, saying="has no write-intent bitmap")
        [array] = self.result("scan", *where)["arrays"]
        self.assertEqual((array["bitmap"], array["events"]), (None, removed["events"]))
        self.refused(3, "bitmap-add", "--chunk", "4K", "--location", "-8", *where, saying="no room for such a bitmap")
        self.assertEqual(run("bitmap-add", "--chunk", "6K", *where).status, 2)
        plan = self.result("bitmap-add", "--dry-run", *where, schema="bitmap_add_plan")
        self.assertEqual((plan["location"], plan["chunk_bytes"], plan["chunks"]), (8, 64 << 20, 1))
        added = self.result("bitmap-add", "--chunk", "128K", *where)
        self.assertEqual((added["location"], added["chunks"], added["bitmap_file"]), (8, 248, None))
        [array] = self.result("scan", *where)["arrays"]
        self.assertEqual((array["can_start"], array["bitmap"]["dirty"]), (True, 0))
        self.assertEqual(self.state(), before)

    def test_a_bitmap_can_be_kept_in_a_file(self):
        where = ["--overlay", self.overlay, self.a, self.b]
        for step in ("resync", "stop", "bitmap-remove"):
            self.result(step, *where)
        file = Path(self.scratch.name) / "map"
        plan = self.result("bitmap-add", "--dry-run", "--bitmap-file", file, *where, schema="bitmap_add_plan")
        self.assertEqual((plan["bitmap_file"], file.exists()), (str(file), False))
        added = self.result("bitmap-add", "--bitmap-file", file, *where)
        self.assertEqual((added["location"], added["chunk_bytes"]), (None, 4096))
        self.assertEqual(file.stat().st_size, 256 + added["chunks"] // 8)
        self.refused(1, "bitmap-add", "--bitmap-file", file, *where, saying="File exists")
        [array] = self.result("scan", "--bitmap-file", file, *where)["arrays"]
        self.assertEqual((array["bitmap"]["dirty"], array["bitmap"]["stale"]), (0, False))
        self.result("bitmap-remove", "--bitmap-file", file, *where)
        [array] = self.result("scan", "--bitmap-file", file, *where)["arrays"]
        self.assertEqual(array["bitmap"]["stale"], True)

    def test_a_second_resync_has_nothing_to_do_and_says_so(self):
        run("resync", "--overlay", self.overlay, self.a, self.b)
        again = self.result("resync", "--overlay", self.overlay, self.a, self.b)
        self.assertEqual((again["completed"], again["read_bytes"], again["written_bytes"]), (True, 0, 0))

    def test_stop_never_drops_a_resync_that_is_due(self):
        self.result("stop", "--overlay", self.overlay, self.a, self.b)
        [array] = self.result("scan", "--overlay", self.overlay, self.a, self.b)["arrays"]
        self.assertEqual((array["needs"], array["bitmap"]["due"]), ("resync", 38))

    def test_dry_runs_need_no_overlay_and_write_nothing(self):
        before = self.state()
        self.result("resync", "--dry-run", self.a, self.b, schema="plan")
        self.result("stop", "--dry-run", self.a, self.b, schema="plan")
        self.result("add", "--dry-run", self.a, self.b, schema="plan")
        plan = self.result("add", "--dry-run", "--spare", self.spare, self.a, self.b, schema="add_plan")
        self.assertEqual((plan["role"], plan["recovery"]["write_bytes"]), (2, SIZE))
        self.assertEqual(self.state(), before)
        self.assertFalse(self.overlay.exists())

    def test_a_writing_command_must_be_told_where(self):
        for command in ("resync", "stop"):
            outcome = run(command, self.a, self.b)
            self.assertEqual(outcome.status, 2)
            outcome = run(command, "--overlay", self.overlay, "--in-place", self.a, self.b)
            self.assertEqual(outcome.status, 2)
            self.refused(2, command, "--overlay", self.overlay, "--restore-file", "x", self.a, self.b,
                         saying="goes with --in-place")
        self.assertFalse(self.overlay.exists())

    def test_what_is_not_blank_is_not_taken_for_a_spare(self):
        self.refused(3, "add", "--overlay", self.overlay, "--spare", self.b, "--without", self.b, self.a, self.b,
                     saying="disk-b.img .*not taken for a spare")

    def test_a_small_spare_is_refused_with_both_sizes(self):
        os.truncate(self.spare, 16 << 20)
        self.refused(3, "add", "--overlay", self.overlay, "--spare", self.spare, self.a, self.b, saying="too small")

    def test_a_changed_member_does_not_go_with_an_old_overlay(self):
        run("resync", "--overlay", self.overlay, self.a, self.b)
        os.utime(self.b, ns=(1, 1))
        self.refused(3, "stop", "--overlay", self.overlay, self.a, self.b, saying="overlay of .*disk-b.img")

    def test_progress_shows_only_on_a_terminal(self):
        outcome = run("resync", "--overlay", self.overlay, self.a, self.b)
        self.assertEqual(outcome.complaints, [])
        self.assertNotIn("\r", outcome.text)

    def test_verbose_tells_the_steps_on_standard_error(self):
        outcome = run("resync", "--verbose", "--overlay", self.overlay, self.a, self.b)
        self.assertTrue(any("sync nas:photos: started, 38 of 496 chunks" in line for line in outcome.complaints),
                        outcome.complaints)
        self.assertTrue(all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in outcome.complaints))

    def interrupted(self, *words):
        """Ctrl-C after the thirtieth write; strace makes each of them slow enough to aim."""
        trace = Path(self.scratch.name) / "writes"
        process = subprocess.Popen(
            ["strace", "-f", "-o", trace, "-e", "trace=pwrite64", "-e", "inject=pwrite64:delay_exit=20000", CTL,
             *map(str, words)], env=os.environ | {"ASAN_OPTIONS": "detect_leaks=0"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        writes = []
        while process.poll() is None and len(writes) < 30:
            writes = re.findall(r"^(\d+) +pwrite64", trace.read_text() if trace.exists() else "", re.MULTILINE)
        if writes and process.poll() is None:
            os.kill(int(writes[0]), signal.SIGINT)
        process.communicate(timeout=60)
        return process.returncode

    def test_an_interrupted_add_is_completed_by_the_same_call(self):
        words = ["add", "--overlay", self.overlay, "--spare", self.spare, self.a, self.b]
        run("resync", "--overlay", self.overlay, self.a, self.b)
        self.assertEqual(self.interrupted(*words), 130)
        finished = self.result(*words)
        self.assertTrue(finished["completed"])
        self.result("stop", "--overlay", self.overlay, self.a, self.b, self.spare)
        self.assertEqual(self.contents(self.a, self.b), self.contents())

    def test_an_interrupted_add_is_completed_by_recover(self):
        run("resync", "--overlay", self.overlay, self.a, self.b)
        self.assertEqual(self.interrupted("add", "--overlay", self.overlay, "--spare", self.spare, self.a, self.b), 130)
        words = ["--overlay", self.overlay, self.a, self.b, self.spare]
        plan = self.result("recover", "--dry-run", *words, schema="plan")
        self.assertIn(("data", str(self.spare)), {(write["purpose"], write["path"]) for write in plan["writes"]})
        self.assertTrue(self.result("recover", *words)["completed"])
        self.assertEqual(self.result("recover", *words)["read_bytes"], 0)
        self.result("stop", *words)
        self.assertEqual(self.contents(self.a, self.b), self.contents())

    def test_a_signal_that_came_before_the_job_begins_nothing(self):
        def pending():
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            os.kill(os.getpid(), signal.SIGINT)

        for words in (["scan"], ["plan"], ["resync", "--overlay", self.overlay]):
            outcome = run(*words, self.a, self.b, preexec_fn=pending)
            self.assertEqual(outcome.status, 130, words)
        self.assertFalse(self.overlay.exists())


class NothingIsWritten(DemoCase):
    JOBS = (["scan", "--deep"], ["examine"], ["bitmap"], ["plan"], ["check"], ["read", "--output", "-"])

    def opened_for_writing(self, *arguments):
        trace = Path(self.scratch.name) / "trace"
        run(*arguments, before=["strace", "-f", "-o", trace, "-e", "trace=open,openat,openat2,creat,truncate"])
        opens = [line for line in trace.read_text().splitlines() if str(self.folder) in line]
        self.assertTrue(opens)
        return [line for line in opens if re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|creat\(|truncate\(", line)]

    def test_no_command_opens_a_member_for_writing(self):
        before = self.state()
        for job in self.JOBS:
            self.assertEqual(self.opened_for_writing(*job, self.folder), [], job)
        mend = ["--overlay", self.overlay]
        self.assertEqual(self.opened_for_writing("resync", *mend, self.a, self.b), [])
        self.assertEqual(self.opened_for_writing("add", *mend, "--spare", self.spare, self.a, self.b), [])
        self.assertEqual(self.opened_for_writing("stop", *mend, self.a, self.b, self.spare), [])
        self.assertEqual(self.state(), before)

    def test_members_may_be_read_only_files(self):
        for image in (self.a, self.b, self.spare):
            image.chmod(0o444)
        self.assertEqual(run("resync", "--overlay", self.overlay, self.a, self.b).status, 0)


if __name__ == "__main__":
    unittest.main()
