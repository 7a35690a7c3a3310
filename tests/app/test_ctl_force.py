#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Force on the command line: each choice names its member, shows in the plan, and is carried out on overlays only."""

import unittest

from ctl import DemoCase, edit, run

ROLES = 256
FAULTY, SPARE = 0xFFFE, 0xFFFF
EVENTS = 200


class Force(DemoCase):
    def states(self, plan):
        return {member["path"]: member["state"] for member in plan["array"]["members"] if member["path"]}

    def test_a_role_that_is_given_is_in_the_plan_and_lasts_on_the_overlays(self):
        edit(self.b, ROLES + 2, "<H", FAULTY)
        before = self.state()
        plain = self.result("plan", self.a, self.b)
        self.assertEqual(self.states(plain)[str(self.b)], "faulty")
        self.assertIsNone(plain["force"])

        choice = ["--role", f"{self.b}=1"]
        plan = self.result("plan", *choice, self.a, self.b)
        self.assertEqual(self.states(plan)[str(self.b)], "in_sync")
        force = plan["force"]
        self.assertEqual(force["roles"], [{"path": str(self.b), "role": 1}])
        self.assertIsNone(force["accepted"][0]["torn_sectors"])
        changed = {(change["path"], change["field"]): change["after"] for change in force["changes"]}
        self.assertEqual(changed[str(self.b), "dev_roles[1]"], "Active device 1")
        self.assertIsNone(changed[str(self.b), "utime"])

        done = run("stop", "--overlay", self.overlay, *choice, self.a, self.b)
        self.assertEqual(done.status, 0, done.complaints)
        after = self.result("plan", "--overlay", self.overlay, self.a, self.b)
        self.assertEqual(self.states(after)[str(self.b)], "in_sync")
        self.assertIsNone(after["force"])
        self.assertEqual(self.state(), before)

    def test_a_stale_member_that_is_not_needed_stays_out_and_says_why(self):
        edit(self.b, EVENTS, "<Q", 11)
        plan = self.result("plan", "--accept-stale", self.b, self.a, self.b)
        self.assertEqual(self.states(plan)[str(self.b)], "stale")
        self.assertIn("re-add", plan["array"]["explanation"])
        self.assertIsNone(plan["force"])

    def test_an_accepted_member_is_taken_where_nothing_starts_without_it(self):
        edit(self.a, 8, "<I", 1 | 2)  # being rebuilt, so that it cannot start alone
        edit(self.b, EVENTS, "<Q", 11)
        refused = self.result("plan", self.a, self.b)
        self.assertFalse(refused["array"]["can_start"])
        self.assertIn("--accept-stale", refused["array"]["explanation"])
        plan = self.result("plan", "--accept-stale", self.b, self.a, self.b)
        self.assertTrue(plan["array"]["can_start"])
        [accepted] = plan["force"]["accepted"]
        self.assertEqual((accepted["path"], accepted["events_behind"]), (str(self.b), 10))
        self.assertEqual(plan["force"]["mdadm_force"]["raised"], [{"path": str(self.b), "from": 11, "to": 21}])

    def test_the_plan_for_people_lists_what_changes(self):
        edit(self.b, ROLES + 2, "<H", SPARE)
        told = run("plan", "--role", f"{self.b}=1", self.a, self.b)
        self.assertEqual(told.status, 0)
        for words in ("mdadm --force would", "In the superblocks these fields change", "dev_roles[1]"):
            self.assertIn(words, told.text)

    def test_a_choice_about_nobody_is_refused(self):
        gone = self.folder / "gone.img"
        for choice in (["--accept-stale", gone], ["--role", f"{gone}=1"]):
            self.refused(3, "plan", *choice, self.a, self.b, saying="gone.img is not a member")

    def test_a_role_that_is_none_is_bad_usage(self):
        for value in ("disk-b.img", "disk-b.img=", "=1", "disk-b.img=-1", "disk-b.img=1x", "disk-b.img=99999"):
            self.refused(2, "plan", "--role", value, self.a, saying="--role")

    def test_commands_that_do_not_assemble_take_no_force(self):
        for command in ("scan", "examine", "bitmap"):
            self.refused(2, command, "--accept-dirty-degraded", self.a, saying="no option")


if __name__ == "__main__":
    unittest.main()
