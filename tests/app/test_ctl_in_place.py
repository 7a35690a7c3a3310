#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writing to the members themselves: only what the plan lists, with a way back, and with nobody else there."""

import fcntl
import hashlib
import os
import re
import signal
import struct
import subprocess
import unittest
from pathlib import Path

from ctl import CTL, SUPERBLOCK, DemoCase, poke, run

F_OFD_SETLK = 37
DATA = 1 << 20
BLOCK = 512


def lock(file, kind):
    """What another program does that keeps to the rules: an open file description lock on all of it."""
    fcntl.fcntl(file, F_OFD_SETLK, struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 0, 0))


class InPlace(DemoCase):
    def setUp(self):
        super().setUp()
        self.saved = Path(self.scratch.name) / "before.restore"
        self.members = [self.a, self.b]
        self.here = ["--in-place", "--restore-file", self.saved]

    def pristine_copy(self, image):
        return Path(self.pristine.name) / image.name

    def changed_blocks(self, image):
        """Byte offsets of the sectors that are not as the demo has them."""
        old, new = self.pristine_copy(image).read_bytes(), image.read_bytes()
        self.assertEqual(len(old), len(new))
        return [at for at in range(0, len(old), BLOCK) if old[at:at + BLOCK] != new[at:at + BLOCK]]

    def contents(self, *images):
        outcome = run("read", "--output", "-", *images)
        self.assertEqual(outcome.status, 0, outcome.complaints)
        return hashlib.sha256(outcome.raw).hexdigest()

    def equal_to_overlays(self, *images):
        """What a disturbed job made of the images is what an undisturbed one makes on overlays."""
        fresh = [self.pristine_copy(image) for image in images[:2]]
        self.result("resync", "--overlay", self.overlay, *fresh)
        outcome = run("read", "--overlay", self.overlay, "--output", "-", *fresh)
        self.assertEqual(self.contents(*images), hashlib.sha256(outcome.raw).hexdigest())
        for image in images:
            others = [word for other in images if other != image for word in ("--without", other)]
            self.assertEqual(self.contents(*others, *images), hashlib.sha256(outcome.raw).hexdigest())
        self.assertEqual(self.result("check", *images)["mismatch_sectors"], 0)


class Writes(InPlace):
    def test_the_whole_job_leaves_three_equal_members(self):
        self.assertTrue(self.result("resync", *self.here, *self.members)["completed"])
        added = self.result("add", "--in-place", "--restore-file", f"{self.saved}2", "--spare", self.spare, *self.members)
        self.assertEqual((added["completed"], added["role"], added["restore_file"]), (True, 2, f"{self.saved}2"))
        everything = [*self.members, self.spare]
        self.result("stop", "--in-place", "--restore-file", f"{self.saved}3", *everything)
        [array] = self.result("scan", *everything)["arrays"]
        self.assertEqual((array["needs"], array["degraded"], array["bitmap"]["dirty"]), ("nothing", 0, 0))
        self.equal_to_overlays(*everything)

    def test_nothing_outside_the_plan_is_touched(self):
        jobs = [("resync", self.members, []), ("repair", self.members, []),
                ("recover", self.members, []), ("stop", self.members, []),
                ("add", self.members, ["--spare", self.spare]), ("fail", self.members, ["--member", self.b])]
        for number, (command, members, words) in enumerate(jobs):
            with self.subTest(command):
                for image in (self.a, self.b, self.spare):
                    subprocess.run(["cp", "--sparse=always", self.pristine_copy(image), image], check=True)
                schema = "add_plan" if words[:1] == ["--spare"] else "plan"
                plan = self.result(command, "--dry-run", "--in-place", *words, *members, schema=schema)
                plans = plan["writes"] + self.result("plan", "--in-place", *members)["writes"]
                outcome = run(command, "--in-place", "--restore-file", f"{self.saved}{number}", *words, *members)
                self.assertIn(outcome.status, (0, 4), outcome.complaints)
                touched = 0
                for image in (self.a, self.b, self.spare):
                    ranges = [(one["offset"], one["offset"] + one["length"]) for one in plans if one["path"] == str(image)]
                    for at in self.changed_blocks(image):
                        touched += 1
                        self.assertTrue(any(begin <= at and at + BLOCK <= end for begin, end in ranges), (image, at))
                self.assertGreater(touched, 0)

    def test_the_plan_says_where_it_goes(self):
        self.assertEqual(self.result("plan", "--in-place", *self.members)["mode"], "in_place")
        self.assertIn("to the members themselves", run("plan", "--in-place", *self.members).text)
        self.assertIn("to overlays and not to the members", run("plan", *self.members).text)
        self.assertFalse(self.saved.exists())

    def test_a_write_goes_to_every_member(self):
        self.result("resync", *self.here, *self.members)
        words = ["--in-place", "--restore-file", f"{self.saved}2", "--offset", "5M", "-", *self.members]
        written = self.result("write", *words, input=b"in place" * 100_000)
        self.assertEqual(written["length"], 800_000)
        for image in self.members:
            with open(image, "rb") as file:
                file.seek(DATA + (5 << 20))
                self.assertEqual(file.read(800_000), b"in place" * 100_000, image)

    def test_the_default_restore_file_is_in_the_state_folder(self):
        state = Path(self.scratch.name) / "state"
        outcome = self.result("stop", "--in-place", *self.members, env=os.environ | {"XDG_STATE_HOME": str(state)})
        file = Path(outcome["restore_file"])
        self.assertEqual(file.parent, state / "bitmend")
        self.assertRegex(file.name, r"^nas-photos-da860cb5-\d{8}T\d{6}Z\.restore$")
        self.assertTrue(file.is_file())
        home = Path(self.scratch.name) / "home"
        without = {name: value for name, value in os.environ.items() if name != "XDG_STATE_HOME"}
        outcome = self.result("stop", "--in-place", *self.members, env=without | {"HOME": str(home)})
        self.assertEqual(Path(outcome["restore_file"]).parent, home / ".local/state/bitmend")


class Restore(InPlace):
    def test_it_brings_back_identical_members(self):
        before = {image: image.read_bytes() for image in self.members}
        for number, words in enumerate((["stop"], ["fail", "--member", self.b])):
            file = f"{self.saved}{number}"
            self.result(*words, "--in-place", "--restore-file", file, *self.members)
            self.assertNotEqual({image: image.read_bytes() for image in self.members}, before)
            found = {image: image.read_bytes() for image in self.members}
            plan = self.result("restore", "--dry-run", file)
            self.assertEqual({image: image.read_bytes() for image in self.members}, found)
            self.assertGreater(plan["differing_bytes"], 0)
            self.assertTrue(self.result("restore", file)["completed"])
            self.assertEqual({image: image.read_bytes() for image in self.members}, before)
            self.assertEqual(self.result("restore", file)["written_bytes"], 0)

    def test_after_a_resync_all_metadata_is_as_before_and_the_resync_due_again(self):
        self.result("resync", *self.here, *self.members)
        self.assertTrue(self.result("restore", self.saved)["completed"])
        for image in self.members:
            self.assertEqual([at for at in self.changed_blocks(image) if at < DATA], [])
        [array] = self.result("scan", *self.members)["arrays"]
        self.assertEqual((array["needs"], array["bitmap"]["due"]), ("resync", 38))

    def test_a_spare_that_was_taken_is_none_of_the_arrays_any_more(self):
        self.result("resync", "--in-place", "--restore-file", f"{self.saved}1", *self.members)
        self.result("add", *self.here, "--spare", self.spare, *self.members)
        self.result("restore", self.saved)
        self.assertEqual(self.result("scan", self.spare)["arrays"], [])

    def test_a_member_that_is_another_one_now_is_refused(self):
        self.result("stop", *self.here, *self.members)
        kept = self.a.read_bytes()
        for wrong in (self.b.read_bytes(), bytes(len(kept)), kept + bytes(512)):
            self.a.write_bytes(wrong)
            self.refused(3, "restore", self.saved, saying="disk-a.img is not the member that was saved.* Nothing was changed")
            self.assertEqual(self.a.read_bytes(), wrong)

    def test_a_superblock_that_is_half_written_can_be_put_back(self):
        before = {image: image.read_bytes() for image in self.members}
        self.result("stop", *self.here, *self.members)
        poke(self.a, SUPERBLOCK + 200, b"\xff" * 100)
        self.result("restore", self.saved)
        self.assertEqual({image: image.read_bytes() for image in self.members}, before)

    def test_any_damage_to_the_file_is_found(self):
        self.result("stop", *self.here, *self.members)
        good = self.saved.read_bytes()
        before = self.state()
        places = [*range(0, 120, 8), *range(512, 640, 16), *range(700, len(good), 997), len(good) - 1]
        for at in places:
            self.saved.write_bytes(good[:at] + bytes([good[at] ^ 0x40]) + good[at + 1:])
            self.refused(1, "restore", self.saved, saying="no restore file, or it is damaged at byte")
        for length in (0, 100, 512, len(good) - 1):
            self.saved.write_bytes(good[:length])
            self.refused(1, "restore", self.saved, saying="no restore file, or it is damaged at byte")
        self.assertEqual(self.state(), before)

    def test_an_existing_file_is_not_written_over(self):
        self.saved.write_bytes(b"mine")
        before = self.state()
        self.refused(3, "stop", *self.here, *self.members, saying="before.restore exists already")
        self.assertEqual((self.saved.read_bytes(), self.state()), (b"mine", before))

    def test_it_wants_one_file(self):
        self.assertEqual(run("restore").status, 2)
        self.refused(1, "restore", self.folder / "none", saying="does not exist")


class InUse(InPlace):
    def test_a_member_that_another_program_locked_is_refused_with_its_name(self):
        before = self.state()
        with open(self.b, "r+b") as file:
            for kind in (fcntl.F_WRLCK, fcntl.F_RDLCK):
                lock(file, kind)
                self.refused(3, "resync", *self.here, *self.members,
                             saying=rf"disk-b\.img is in use by .* \(process {os.getpid()}\)\. Nothing was changed")
        self.assertEqual(self.state(), before)
        self.assertFalse(self.saved.exists())
        self.assertEqual(run("resync", *self.here, *self.members).status, 0)

    def test_in_place_and_overlays_keep_out_of_each_others_way(self):
        with open(self.b, "r+b") as file:
            lock(file, fcntl.F_WRLCK)
            self.refused(3, "resync", "--overlay", self.overlay, *self.members, saying="disk-b.img is in use by")
        with open(self.b, "r+b") as file:
            lock(file, fcntl.F_RDLCK)
            self.assertEqual(run("resync", "--overlay", self.overlay, *self.members).status, 0)

    def test_a_member_may_not_be_a_read_only_file(self):
        # Root may write to any file, so somebody else tries, with a copy of the program they may run.
        before = self.state()
        program = self.folder.parent / "program"
        program.write_bytes(Path(CTL).read_bytes())
        for path, mode in ((program, 0o755), (self.folder.parent, 0o777), (self.folder, 0o755)):
            path.chmod(mode)
        self.b.chmod(0o444)
        self.a.chmod(0o666)
        other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
        done = subprocess.run([*other, program, "resync", *map(str, [*self.here, *self.members])], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no permission to write to", done.stderr)
        self.assertEqual(self.state(), before)


class BadEndings(InPlace):
    """Errors from below, put in by strace where the program asks the kernel."""

    def broken(self, file, call, error, when, *words):
        inject = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-P", file,
                  "-e", f"inject={call}:error={error}:when={when}"]
        return run(*words, before=inject)

    def completes(self):
        """Whatever happened, the same call finishes it."""
        self.saved.unlink(missing_ok=True)
        self.assertEqual(run("resync", *self.here, *self.members).status, 0)
        self.equal_to_overlays(*self.members)

    def test_a_full_disk_under_the_restore_file_changes_nothing(self):
        before = self.state()
        for when in ("1", "2"):
            outcome = self.broken(self.saved, "pwrite64", "ENOSPC", when, "resync", *self.here, *self.members)
            self.assertEqual(outcome.status, 1)
            self.assertRegex(outcome.complaints[0], r"no space left to save in .*before\.restore what would be written over\. "
                                                    r"Nothing was written to the members\.")
            self.assertEqual(len(outcome.complaints), 1)
            self.assertFalse(self.saved.exists())
            self.assertEqual(self.state(), before)
        self.completes()

    def test_an_error_under_the_restore_file_changes_nothing(self):
        before = self.state()
        for call in ("pwrite64", "fdatasync"):
            outcome = self.broken(self.saved, call, "EIO", "1", "resync", *self.here, *self.members)
            self.assertEqual((outcome.status, self.state()), (1, before))
            self.assertRegex(outcome.complaints[0], r"before\.restore (cannot be written|answered with an error)")
            self.assertIn("Input/output error", outcome.complaints[0])
        self.completes()

    def test_a_full_disk_under_a_member_can_be_carried_on_from(self):
        for when in ("1", "2", "3"):
            outcome = self.broken(self.b, "pwrite64", "ENOSPC", f"{when}+", "resync", *self.here, *self.members)
            self.assertEqual(outcome.status, 1)
            self.assertRegex(outcome.complaints[0], r"no space left for what .*disk-b\.img has to hold")
            self.assertIn("bitmendctl restore", outcome.complaints[-1]) if len(outcome.complaints) > 1 else None
            self.saved.unlink(missing_ok=True)
        [array] = self.result("scan", *self.members)["arrays"]
        self.assertEqual(array["degraded"], 1, "a full disk is nobody's failure")
        self.completes()

    def test_a_member_that_cannot_be_written_is_failed_and_the_other_goes_on(self):
        # The counts of strace are each thread's own, so it is all writes or the first of each thread.
        for when in ("1+", "2+"):
            self.saved.unlink(missing_ok=True)
            for image in self.members:
                subprocess.run(["cp", "--sparse=always", self.pristine_copy(image), image], check=True)
            outcome = self.broken(self.b, "pwrite64", "EIO", when, "resync", *self.here, *self.members)
            said = " ".join(outcome.complaints)
            self.assertIn(outcome.status, (1, 4), said)
            self.assertRegex(said, r"disk-b\.img cannot be written at byte \d+ \((data|superblock|write-intent bitmap)\): Input/output error")
            [array] = self.result("scan", self.a, self.b)["arrays"]
            self.assertTrue(array["can_start"])
            states = {member["path"]: member["state"] for member in array["members"]}
            self.assertEqual(states[str(self.a)], "in_sync")
            self.assertNotEqual(states[str(self.b)], "in_sync")
            if when == "1+":
                self.assertEqual(outcome.status, 4)
                self.assertIn("disk-b.img is marked as failed, and the array went on without it", said)


class Killed(InPlace):
    def killed(self, after, *words):
        """SIGKILL after so many writes to the members; strace makes each slow enough to aim."""
        trace = Path(self.scratch.name) / "writes"
        process = subprocess.Popen(
            ["strace", "-f", "-o", trace, "-P", self.a, "-P", self.b, "-P", self.spare, "-e", "trace=pwrite64",
             "-e", "inject=pwrite64:delay_exit=20000", CTL, *map(str, words)],
            env=os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        writes = []
        while process.poll() is None and len(writes) < after:
            writes = re.findall(r"^(\d+) +pwrite64", trace.read_text() if trace.exists() else "", re.MULTILINE)
        if writes and process.poll() is None:
            os.kill(int(writes[0]), signal.SIGKILL)
        process.communicate(timeout=60)
        self.assertGreaterEqual(len(writes), after)

    def test_a_killed_resync_is_completed_by_the_same_call(self):
        for number, after in enumerate((1, 3, 5)):
            self.killed(after, "resync", "--in-place", "--restore-file", f"{self.saved}{number}", *self.members)
        self.assertGreater(len(self.changed_blocks(self.b)), 0)
        self.assertTrue(self.result("resync", *self.here, *self.members)["completed"])
        self.equal_to_overlays(*self.members)

    def test_a_killed_add_is_completed_by_the_same_call(self):
        self.result("resync", *self.here, *self.members)
        words = ["--spare", self.spare, *self.members]
        for number, after in enumerate((2, 5, 9, 14)):
            self.killed(after, "add", "--in-place", "--restore-file", f"{self.saved}{number}", *words)
        self.assertTrue(self.result("add", "--in-place", "--restore-file", f"{self.saved}9", *words)["completed"])
        self.equal_to_overlays(*self.members, self.spare)


if __name__ == "__main__":
    unittest.main()
