#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Are the fixtures what they are called? Compares what mdadm says, what the kernel did and what our own
reader finds, case by case, so that a test against truth.json is a test against something.

  test_fixtures.py FOLDER      as made by fixtures.py
"""

import json
import sys
import unittest
from pathlib import Path

FOLDER = Path(sys.argv.pop(1)) if len(sys.argv) > 1 else None


def covered(ranges):
    return {number for first, last in ranges for number in range(first, last + 1)}


def kib(text):
    return int(text[:-1]) * {"K": 1, "M": 1024}[text[-1]]


class Fixtures(unittest.TestCase):
    def setUp(self):
        names = json.loads((FOLDER / "index.json").read_text())["cases"]
        self.truths = [json.loads((FOLDER / name / "truth.json").read_text()) for name in names]

    def each(self, **wanted):
        found = 0
        for truth in self.truths:
            if all(truth["case"][key] in values for key, values in wanted.items()):
                found += 1
                with self.subTest(truth["case"]["name"]):
                    yield truth
        self.assertGreater(found, 0, f"no fixture with {wanted}")

    def test_metadata_and_level_are_as_named(self):
        for truth in self.each():
            for member in truth["members"].values():
                self.assertTrue(member["examine"]["Version"].startswith(truth["case"]["metadata"]))
                level = truth["case"]["level"]
                self.assertEqual(member["examine"]["Raid Level"], level if level == "linear" else "raid" + level)
                self.assertTrue(member["examine"]["Checksum"].endswith("correct"))

    def test_own_reader_counts_the_bits_that_mdadm_counts(self):
        for truth in self.each(bitmap=["internal"]):
            for name, member in truth["members"].items():
                self.assertEqual(len(covered(member["dirty_ranges"])), member["bitmap"]["dirty"], name)

    def test_crashed_arrays_are_dirty(self):
        for truth in self.each(state=["crash_dirty", "crash_degraded"]):
            for name, member in truth["members"].items():
                if member["examine"].get("Device Role") != "spare":
                    self.assertEqual(member["examine"]["State"], "active", name)
                if truth["case"]["bitmap"] == "internal":
                    self.assertGreater(member["bitmap"]["dirty"], 0, name)

    def test_crashed_mirrors_differ_only_under_set_bits(self):
        differ = 0
        for truth in self.each(state=["crash_dirty"], level=["1"], bitmap=["internal"]):
            if truth["differing"] is None or not truth["case"]["bitmap_chunk"]:
                continue
            per_chunk = kib(truth["case"]["bitmap_chunk"]) // 4
            dirty = covered(truth["members"]["m0.img"]["dirty_ranges"])
            blocks = covered(truth["differing"]["m1.img"])
            self.assertGreater(len(blocks), 0)
            self.assertLessEqual({block // per_chunk for block in blocks}, dirty)
            differ += 1
        self.assertGreater(differ, 0)

    def test_resync_of_a_mirror_copies_the_set_chunks(self):
        for truth in self.each(state=["crash_dirty"], level=["1"], bitmap=["internal"]):
            if not truth["case"]["bitmap_chunk"]:
                continue
            dirty = len(covered(truth["members"]["m0.img"]["dirty_ranges"]))
            self.assertEqual(truth["trial"]["sync"]["actions"], ["resync"])
            self.assertEqual(truth["trial"]["sync"]["read"]["m0.img"], dirty * kib(truth["case"]["bitmap_chunk"]) * 2)

    def test_half_done_syncs_go_on_where_they_stopped(self):
        for truth in self.each(state=["state_half_resync", "state_half_recovery"], metadata=["1.2"]):
            array = truth["trial"]["array"]
            stop = truth["case"]["sync_stop"]
            if "resync" in truth["case"]["state"]:
                self.assertEqual(array["resync_start"], str(stop))
            else:
                recovering = list(array["members"].values())[-1]
                self.assertIn(str(stop), [member["recovery_start"] for member in array["members"].values()], recovering)

    def test_left_behind_members_are_left_out(self):
        for truth in self.each(state=["state_stale", "state_failed", "state_removed"]):
            last = f"m{truth['case']['slots'] - 1}.img"
            self.assertEqual(truth["trial"]["left_out"], [last])
            self.assertEqual(truth["trial"]["kicked"], [last])

    def test_halves_do_not_start_together(self):
        for truth in self.each(state=["state_split", "state_split_equal"]):
            self.assertEqual(len(truth["trial"]["left_out"]), truth["case"]["slots"] // 2)

    def test_dirty_degraded_parity_does_not_start(self):
        for truth in self.each(state=["crash_degraded"], level=["4", "5", "6"]):
            self.assertIsNone(truth["trial"]["started"])


if __name__ == "__main__":
    if FOLDER is None:
        sys.exit(__doc__)
    unittest.main()
