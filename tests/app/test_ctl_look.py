#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands that only look, as a script uses them: scan, examine, bitmap, plan, read."""

import json
import subprocess
import unittest
from pathlib import Path

from ctl import CTL, DemoCase, edit, run

UUID = "da860cb5:20923e19:25acf986:73bbb84c"


class Scan(DemoCase):
    def test_the_demo_is_described_as_the_kernel_left_it(self):
        report = self.result("scan", self.folder)
        self.assertEqual([source["path"] for source in report["sources"]],
                         [str(path) for path in (self.a, self.b, self.spare)])
        [array] = report["arrays"]
        for key, value in {"uuid": UUID, "name": "nas:photos", "metadata": "1.2", "level": "raid1",
                           "layout": None, "chunk_bytes": 0, "raid_disks": 3, "array_bytes": 32505856,
                           "component_bytes": 32505856, "events": 21, "can_start": True, "degraded": 1,
                           "needs": "resync", "resync_offset_bytes": 0}.items():
            self.assertEqual(array[key], value, key)
        self.assertEqual([(member["role"], member["state"]) for member in array["members"]],
                         [(0, "in_sync"), (1, "in_sync"), (2, "missing")])
        bitmap = array["bitmap"]
        self.assertEqual((bitmap["location"], bitmap["version"], bitmap["chunk_bytes"]), ("internal", 4, 65536))
        self.assertEqual((bitmap["chunks"], bitmap["dirty"], bitmap["due"]), (496, 38, 38))
        self.assertEqual(sum(last - first + 1 for first, last in bitmap["dirty_ranges"]), 38)
        self.assertIn("38 of 496 bitmap chunks may differ.", array["explanation"])

    def test_a_clean_arrays_resync_offset_is_null(self):
        run("resync", "--overlay", self.overlay, self.a, self.b)
        run("stop", "--overlay", self.overlay, self.a, self.b)
        [array] = self.result("scan", "--overlay", self.overlay, self.a, self.b)["arrays"]
        self.assertIsNone(array["resync_offset_bytes"])

    def test_people_get_the_verdict_and_the_members(self):
        outcome = run("scan", self.folder)
        self.assertEqual((outcome.status, outcome.complaints), (0, []))
        self.assertIn("Power was lost while both members were being written.", outcome.text)
        self.assertIn("nas:photos  RAID 1, 2 of 3 members, 31 MiB, metadata 1.2  [needs resync]", outcome.text)

    def test_an_array_is_picked_by_its_uuid_in_any_form(self):
        for form in (UUID, UUID.replace(":", ""), "da860cb5-2092-3e19-25ac-f98673bbb84c"):
            self.assertEqual(len(self.result("scan", "--array", form, self.folder)["arrays"]), 1)
        self.refused(1, "scan", "--array", UUID.replace("d", "e"), self.folder, saying="No array .* is among the sources")

    def test_deep_finds_a_superblock_left_behind(self):
        self.a.write_bytes(bytes(1 << 20) + self.a.read_bytes())
        self.assertEqual(self.result("scan", self.a)["sources"][0]["found"], [])
        [found] = self.result("scan", "--deep", self.a)["sources"][0]["found"]
        self.assertTrue(found["left_behind"])
        self.assertEqual((found["offset"], found["array_uuid"]), (4096 + (1 << 20), UUID))

    def test_without_a_path_the_disks_are_looked_at(self):
        outcome = run("scan", "--json")
        self.assertIn(outcome.status, (0, 1, 4))
        self.assertEqual(list(json.loads(outcome.text)), ["schema", "sources", "arrays"])


class Examine(DemoCase):
    def test_every_byte_of_the_superblock_has_its_field(self):
        [superblock] = self.result("examine", self.a)["sources"][0]["superblocks"]
        end = 4096
        for field in superblock["fields"]:
            self.assertEqual(field["offset"], end)
            end += field["length"]
        self.assertEqual(end, 4096 + 256 + 2 * 128)
        values = {field["field"]: field["raw"] for field in superblock["fields"]}
        self.assertEqual((values["events"], values["raid_disks"], values["bitmap_offset"]), (21, 3, 8))

    def test_the_bitmap_header_is_shown_as_well(self):
        header = self.result("examine", self.b)["sources"][0]["superblocks"][0]["bitmap"]
        values = {field["field"]: field["raw"] for field in header["fields"]}
        self.assertEqual((header["offset"], values["chunksize"], values["version"]), (8192, 65536, 4))

    def test_fields_agree_with_mdadm(self):
        shown = subprocess.run(["/sbin/mdadm", "--examine", str(self.a)], capture_output=True, text=True, check=True)
        theirs = dict(map(str.strip, line.split(" : ", 1)) for line in shown.stdout.splitlines() if " : " in line)
        [superblock] = self.result("examine", self.a)["sources"][0]["superblocks"]
        ours = {field["name"]: field["value"] for field in superblock["fields"]}
        for name in ("Magic", "Version", "Array UUID", "Raid Level", "Raid Devices", "Events", "Device UUID"):
            self.assertEqual(ours[name].lower(), theirs[name].lower(), name)

    def test_no_superblock_anywhere_is_a_failure(self):
        outcome = run("examine", self.spare)
        self.assertEqual(outcome.status, 1)
        self.assertIn("No source has an md superblock.", outcome.complaints[0])


class Bitmap(DemoCase):
    def test_both_copies_and_the_one_that_counts_are_shown(self):
        [array] = self.result("bitmap", self.folder)["arrays"]
        self.assertEqual(array["bitmap"]["from"], str(self.a))
        self.assertEqual([member["bitmap"]["dirty"] for member in array["members"] if member["bitmap"]], [38, 37])
        self.assertEqual(array["bitmap"]["differing"], 1)

    def test_one_image_alone_is_enough(self):
        [array] = self.result("bitmap", self.b)["arrays"]
        self.assertEqual(array["bitmap"]["dirty"], 37)

    def test_people_get_a_strip_and_the_ranges(self):
        text = run("bitmap", self.a).text
        strip = text.split("[")[1].split("]")[0]
        self.assertEqual(len(strip), 64)
        self.assertLessEqual(set(strip), set(".+#"))
        self.assertIn("dirty: 0 3 8 131-132", text)


class Plan(DemoCase):
    def test_it_lists_members_and_every_byte_range(self):
        plan = self.result("plan", self.folder)
        self.assertEqual((plan["mode"], plan["taking"]), ("overlay", [str(self.a), str(self.b)]))
        data = [write for write in plan["writes"] if write["purpose"] == "data"]
        self.assertEqual(sum(write["length"] for write in data), 38 * 65536)
        self.assertEqual({write["path"] for write in data}, {str(self.b)})
        spared = [write for write in plan["writes"] if write["purpose"] == "data_if_unreadable"]
        self.assertEqual({write["path"] for write in spared}, {str(self.a)})
        self.assertEqual(sum(write["length"] for write in plan["writes"] if write not in spared), plan["write_bytes"])

    def test_read_only_writes_nothing(self):
        self.assertEqual(self.result("plan", "--read-only", self.folder)["writes"], [])

    def test_a_member_can_be_left_out(self):
        self.assertEqual(self.result("plan", "--without", self.a, self.folder)["taking"], [str(self.b)])

    def test_an_array_that_does_not_start_still_gives_a_plan(self):
        plan = self.result("plan", "--without", self.a, "--without", self.b, self.folder)
        self.assertFalse(plan["array"]["can_start"])
        self.assertEqual(plan["writes"], [])


class Read(DemoCase):
    def test_the_contents_are_those_of_a_member(self):
        target = Path(self.scratch.name) / "array.img"
        result = self.result("read", "--output", target, self.a)
        self.assertEqual(result["read_bytes"], 32505856)
        self.assertEqual(target.read_bytes(), self.a.read_bytes()[1 << 20:(1 << 20) + 32505856])

    def test_a_part_goes_to_standard_output(self):
        outcome = run("read", "--offset", "1M", "--length", "4096", "--output", "-", self.b)
        self.assertEqual(outcome.status, 0)
        self.assertEqual(outcome.raw, self.b.read_bytes()[2 << 20:(2 << 20) + 4096])

    def test_an_existing_file_is_not_written_over(self):
        before = self.state()
        self.refused(3, "read", "--output", self.a, self.a, self.b, saying="exists already")
        self.assertEqual(self.state(), before)

    def test_a_range_past_the_end_is_a_usage_error(self):
        outcome = run("read", "--offset", "32505856", "--length", "1", "--output", "-", self.a)
        self.assertEqual((outcome.status, outcome.raw), (2, b""))
        self.assertIn("ends at byte 32505856", outcome.complaints[0])

    def test_places_that_no_member_gives_become_zeros_and_are_told(self):
        # strace plays the broken disk: from a certain read of this member on, all of them fail.
        # It counts each thread's reads by itself; the contents are read by the one that reads last.
        command = ("read", "--threads", "1", "--output", "-", self.a)
        trace = Path(self.scratch.name) / "trace"
        counted = run(*command, before=["strace", "-f", "-o", trace, "-e", "trace=pread64", "-P", self.a])
        self.assertEqual(counted.status, 0)
        readers = [line.split()[0] for line in trace.read_text().splitlines() if "pread64(" in line]
        reads = readers.count(readers[-1])
        broken = ["strace", "-f", "-o", "/dev/null", "-e", "trace=pread64", "-P", self.a,
                  "-e", f"inject=pread64:error=EIO:when={reads - 1}+"]
        outcome = run(*command, before=broken)
        self.assertEqual((outcome.status, len(outcome.raw)), (4, 32505856))
        self.assertIn("the copy has zeros there", outcome.complaints[-1])
        self.assertEqual(outcome.raw[:1 << 20], self.a.read_bytes()[1 << 20:2 << 20])
        self.assertEqual(outcome.raw[-4096:], bytes(4096))


class WhatIsNotOpened(DemoCase):
    """The demo's members with other features in their superblocks."""

    def become(self, features, **fields):
        places = {"level": (72, "<i"), "layout": (76, "<I"), "chunk": (88, "<I"), "log": (96, "<hH"),
                  "reshape": (100, "<IQiII"), "resync_offset": (208, "<Q"), "events": (200, "<Q")}
        for image in (self.a, self.b):
            edit(image, 8, "<I", features)
            shape = {"level": (5,), "layout": (2,), "chunk": (128,), "log": (0, 0)}
            for name, values in (shape | fields).items():
                edit(image, places[name][0], places[name][1], *values)

    def array(self):
        [array] = self.result("scan", self.a, self.b)["arrays"]
        return array

    def test_too_few_members_name_those_that_would_be_enough(self):
        for image in (self.a, self.b):
            edit(image, 8, "<I", 1 | 2)  # both were being rebuilt
        array = self.array()
        self.assertEqual((array["can_start"], array["lacking"]), (False, [{"count": 1, "of": [0, 1, 2]}]))
        self.assertIn("3 of 3 slots have no member in sync; any 1 of slot 0, slot 1, slot 2 would be enough to start.",
                      array["explanation"])

    def test_dirty_and_degraded_parity_names_the_slot_that_would_be_enough(self):
        self.become(0, resync_offset=(0,))
        array = self.array()
        self.assertEqual((array["needs"], array["lacking"]), ("force", [{"count": 1, "of": [2]}]))
        self.assertIn("with slot 2 in sync it would start", array["explanation"])

    def test_a_reshape_is_named_with_its_direction_and_place(self):
        self.become(4, reshape=(5, 2048, 1, 2, 128), resync_offset=(2 ** 64 - 1,))
        array = self.array()
        self.assertEqual((array["opens"], array["needs"]), ("never", "unsupported"))
        self.refused(3, "read", "--output", "-", self.a, self.b,
                     saying="from 2 members to 3 members runs forwards.* had come to 1 MiB")

    def test_a_clean_partial_parity_log_is_read_and_not_written(self):
        self.become(0x400, log=(32, 128), resync_offset=(2 ** 64 - 1,))
        self.assertEqual(self.array()["opens"], "read_only")
        before = self.state()
        self.assertEqual(run("read", "--length", 4096, "--output", "-", self.a, self.b).status, 0)
        self.refused(3, "stop", "--overlay", self.overlay, self.a, self.b,
                     saying="opens the array to be read, not to be written")
        self.assertEqual(self.result("plan", self.a, self.b)["writes"], [])
        self.assertEqual(self.state(), before)

    def test_a_torn_stripe_behind_a_partial_parity_log_is_not_computed(self):
        self.become(0x400, log=(32, 128), resync_offset=(0,))
        self.assertEqual(self.array()["opens"], "never")
        self.refused(3, "read", "--output", "-", self.a, self.b, saying="can only be told with the log")

    def test_a_missing_journal_with_a_member_missing_is_refused(self):
        self.become(0x200, resync_offset=(2 ** 64 - 1,))
        self.assertEqual(self.array()["opens"], "never")
        self.refused(3, "read", "--output", "-", self.a, self.b, saying="may be on the journal alone")


class CommandLine(unittest.TestCase):
    def test_help_needs_nothing_and_names_every_command(self):
        outcome = run("--help", env={})
        self.assertEqual(outcome.status, 0)
        for command in ("scan", "examine", "bitmap", "plan", "read", "resync", "add", "stop"):
            self.assertIn(f"\n  {command} ", outcome.text)
            helped = run(command, "--help", env={})
            self.assertEqual((helped.status, helped.complaints), (0, []))
            self.assertIn("--json", helped.text)

    def test_wrong_command_lines_are_one_sentence_and_status_2(self):
        for arguments in ([], ["mend"], ["scan", "--fast"], ["scan", "--array"], ["scan", "--array", "web"],
                          ["scan", "--deep=yes"], ["read", "--offset", "-1", "--output", "-"],
                          ["read", "--offset", "16777216T", "--output", "-"], ["read", "x.img"],
                          ["read", "--json", "--output", "-", "x.img"], ["add", "--overlay", "x", "y.img"]):
            outcome = run(*arguments)
            self.assertEqual((outcome.status, outcome.text, len(outcome.complaints)), (2, "", 1), arguments)
            self.assertIn("--help'.", outcome.complaints[0])

    def test_what_cannot_be_printed_is_a_failure(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([CTL, "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
