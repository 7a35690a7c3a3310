#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input: one clear sentence that names the source and the place and says what to do next; the rest goes on."""

import os
import struct
import unittest
from pathlib import Path

from ctl import BITMAP, CTL, DemoCase, edit, poke, run

MIB = 1 << 20


class BadInput(DemoCase):
    def member(self, report, path):
        [member] = [member for array in report["arrays"] for member in array["members"] if member["path"] == str(path)]
        return member

    def source(self, report, path):
        [source] = [source for source in report["sources"] if source["path"] == str(path)]
        return source

    def scanned(self, *words):
        """The folder as a whole: bad sources are rows in it, and the good member is still understood."""
        report = self.result("scan", *words, self.folder)
        self.assertEqual(self.member(report, self.b)["state"], "in_sync")
        return report

    def problem(self, field, offset, *said):
        """disk-a.img is damaged: it has one superblock, whose problem names field and byte."""
        report = self.scanned()
        [found] = self.source(report, self.a)["found"]
        problems = [problem for problem in found["problems"] if problem["field"] == field]
        self.assertTrue(problems, found["problems"])
        self.assertEqual(problems[0]["offset"], offset)
        message = problems[0]["message"]
        self.assertTrue(message.startswith(f"{self.a}, byte {offset}: "), message)
        for words in said:
            self.assertIn(words, message)
        return report

    def test_an_empty_file_is_named_and_the_rest_goes_on(self):
        os.truncate(self.a, 0)
        self.assertIn("is empty (0 bytes)", self.source(self.scanned(), self.a)["error"])

    def test_a_truncated_member_says_so(self):
        os.truncate(self.a, 16 * MIB)
        self.problem("data_size", 4096 + 136, "get a complete copy")
        self.assertEqual(self.member(self.scanned(), self.a)["state"], "damaged")

    def test_a_member_cut_off_in_its_superblock_says_so(self):
        os.truncate(self.a, 4096 + 100)
        source = self.source(self.scanned(), self.a)
        self.assertTrue(source["error"] or not source["found"])

    def test_what_is_not_md_is_said_to_be_nothing(self):
        self.a.write_bytes(b"Shopping: bread, cheese\n" * 4000)
        source = self.source(self.scanned(), self.a)
        self.assertEqual((source["found"], source["error"]), ([], None))
        self.assertIn("disk-a.img  93.8 KiB  no RAID", run("scan", self.folder).text)

    def test_what_is_no_storage_is_named(self):
        os.unlink(self.a)
        os.mkfifo(self.a)
        self.scanned()
        outcome = run("scan", self.a)
        self.assertEqual(outcome.status, 1)
        self.assertIn("disk-a.img is neither a file, a folder nor a block device.", outcome.complaints[0])

    def test_a_path_that_is_not_there_is_a_failure_of_its_own(self):
        missing = self.folder / "gone.img"
        outcome = run("scan", missing)
        self.assertEqual(outcome.status, 1)
        self.assertEqual(outcome.complaints, [f"bitmendctl: {missing} does not exist. Check the path and try again."])
        self.assertEqual(len(self.result("scan", self.folder, missing)["arrays"]), 1)

    def test_a_file_that_may_not_be_read_is_said_to_be_so(self):
        self.a.chmod(0)
        if os.getuid() != 0:
            self.assertIn("no permission to read", self.source(self.scanned(), self.a)["error"])
            return
        # Root may read everything, so somebody else looks, with a copy of the program they may run.
        program = self.folder.parent / "program"
        program.write_bytes(Path(CTL).read_bytes())
        for path, mode in ((program, 0o755), (self.folder.parent, 0o755), (self.folder, 0o755)):
            path.chmod(mode)
        outcome = run(before=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "scan", self.a, "--"])
        self.assertIn("You have no permission to read", outcome.complaints[0])

    def test_an_unreadable_place_is_named_with_its_byte(self):
        broken = ["strace", "-f", "-o", "/dev/null", "-e", "trace=pread64", "-P", self.a, "-e", "inject=pread64:error=EIO"]
        outcome = run("scan", self.folder, before=broken)
        self.assertEqual(outcome.status, 4)
        self.assertRegex(outcome.complaints[0], r"disk-a\.img cannot be read at byte \d+: Input/output error\. Nothing was written ")
        self.assertIn("nas:photos", outcome.text)

    def test_a_file_that_vanishes_while_scanning_is_named(self):
        gone = ["strace", "-f", "-o", "/dev/null", "-e", "trace=pread64", "-P", self.a, "-e", "inject=pread64:error=ENODEV"]
        outcome = run("scan", self.folder, before=gone)
        self.assertIn("disk-a.img disappeared while it was being read", "\n".join(outcome.complaints))
        self.assertIn("nas:photos", outcome.text)

    def test_a_wrong_checksum_shows_both_sums(self):
        edit(self.a, 200, "<Q", 22, sealed=False)
        report = self.problem("sb_csum", 4096 + 216, "0x", "go on without this member")
        self.assertEqual(self.member(report, self.a)["state"], "damaged")

    def test_no_members_is_no_array(self):
        edit(self.a, 92, "<I", 0)
        report = self.result("scan", self.folder)
        [problem] = [one for one in self.source(report, self.a)["found"][0]["problems"] if one["field"] == "raid_disks"]
        self.assertEqual((problem["offset"], problem["found"]), (4096 + 92, 0))
        self.assertFalse(report["arrays"][0]["can_start"])
        # With the member that says so left out, the other one is what it was.
        self.assertEqual(self.result("plan", "--without", self.a, self.folder)["taking"], [str(self.b)])

    def test_a_thousand_million_members_are_too_many(self):
        edit(self.a, 92, "<I", 10**9)
        self.problem("raid_disks", 4096 + 92, "1000000000")

    def test_a_role_table_beyond_the_block_is_refused(self):
        edit(self.a, 220, "<I", 100_000)
        self.problem("max_dev", 4096 + 220, "100000", "1920")

    def test_an_offset_past_the_end_is_refused(self):
        edit(self.a, 128, "<Q", 1 << 40)
        self.scanned()
        self.assertEqual(self.member(self.scanned(), self.a)["state"], "damaged")

    def test_an_offset_that_overflows_is_refused(self):
        edit(self.a, 128, "<QQ", (1 << 64) - 8, 63488)
        self.assertEqual(self.member(self.scanned(), self.a)["state"], "damaged")

    def test_an_absurd_component_size_is_refused(self):
        edit(self.a, 80, "<Q", (1 << 64) - 1)
        [array] = self.problem("size", 4096 + 80, "18446744073709551615", "the data area has 63488")["arrays"]
        self.assertEqual((array["can_start"], array["needs"]), (False, "unsupported"))
        self.assertIn("The array claims more of its members than they have.", array["explanation"])
        self.assertNotIn("All data can be read", array["explanation"])

    def test_a_bitmap_outside_the_source_is_refused(self):
        for offset in (-(1 << 31), (1 << 31) - 1):
            edit(self.a, 96, "<i", offset)
            self.problem("bitmap_offset", 4096 + 96, "bitmap")

    def bitmap_problem(self, *said):
        report = self.scanned()
        problems = self.member(report, self.a)["bitmap"]["problems"]
        messages = " ".join(problem["message"] for problem in problems)
        self.assertTrue(any(problem["message"].startswith(f"{self.a}, byte ") for problem in problems), problems)
        for words in said:
            self.assertIn(words, messages)

    def test_a_bitmap_of_another_array_is_not_believed(self):
        poke(self.a, BITMAP + 8, bytes(16))
        self.bitmap_problem("belongs to another array")

    def test_a_bitmap_for_another_size_is_told(self):
        poke(self.a, BITMAP + 40, struct.pack("<Q", 1 << 50))
        self.bitmap_problem("it covers 1125899906842624 sectors")

    def test_an_absurd_bitmap_chunk_takes_no_memory(self):
        for chunk in (0, 1, 3, 0xFFFFFFFF):
            poke(self.a, BITMAP + 52, struct.pack("<I", chunk))
            self.bitmap_problem("chunk size")

    def test_two_copies_of_one_member_are_told_apart(self):
        twin = self.copy(self.a, "twin.img")
        report = self.scanned()
        states = {self.member(report, path)["state"]: self.member(report, path) for path in (self.a, twin)}
        self.assertIn("duplicate", states)
        self.assertIn("copy of the same member", states["duplicate"]["reason"])

    def test_members_of_two_arrays_are_kept_apart_and_a_uuid_is_asked_for(self):
        edit(self.a, 16, "<16s", bytes(range(16)))
        poke(self.a, BITMAP + 8, bytes(range(16)))
        report = self.scanned()
        self.assertEqual(len(report["arrays"]), 2)
        self.refused(2, "plan", self.folder, saying="more than one array")
        plan = self.result("plan", "--array", "00010203:04050607:08090a0b:0c0d0e0f", self.folder)
        self.assertEqual(plan["taking"], [str(self.a)])

    def test_no_array_at_all_is_one_sentence(self):
        self.refused(1, "plan", self.spare, saying="No .*array")

    def test_noise_in_the_place_of_metadata_is_survived(self):
        noise = bytes((index * 7 + index // 251) % 256 for index in range(12288))
        for magic_at in (0, 4096, 32 * MIB - 8192, 32 * MIB - 65536):
            poke(self.a, magic_at, b"\xfc\x4e\x2b\xa9" + noise[:4092])
        self.scanned()
        self.scanned("--deep")


if __name__ == "__main__":
    unittest.main()
