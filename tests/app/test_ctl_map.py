#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bitmendctl map: from the array to its members and back."""

import unittest

from ctl import DemoCase, edit, run

CHUNK = 65536
DATA = 2048  # sectors before the data of the demo's members


class Mirror(DemoCase):
    def test_a_byte_has_a_copy_on_every_member(self):
        found = self.result("map", "--offset", "1M", self.folder)
        self.assertEqual((found["array_offset"], found["chunk"], found["stripe"]), (1 << 20, None, None))
        self.assertEqual([(copy["role"], copy["sector"], copy["copy"], copy["valid"]) for copy in found["copies"]],
                         [(0, DATA + 2048, 0, True), (1, DATA + 2048, 1, True), (2, None, 2, False)])
        self.assertEqual(found["copies"][2]["from"], [0])
        self.assertEqual(found["members"], found["copies"])

    def test_structures_of_a_member_are_named(self):
        for sector, region in ((0, "reserved"), (8, "superblock"), (16, "bitmap"), (DATA - 1, "reserved")):
            found = self.result("map", "--member", self.b, "--sector", sector, self.folder)
            self.assertEqual((found["at"]["region"], found["at"]["holds"]), (region, None))
            self.assertEqual((found["array_offset"], found["members"]), (None, []))
        self.assertIn("Sector 8 of", run("map", "--member", self.b, "--sector", "8", self.folder).text)

    def test_a_sector_of_a_member_is_found_in_the_array(self):
        found = self.result("map", "--member", self.b, "--sector", DATA + 7, self.folder)
        self.assertEqual((found["array_offset"], found["at"]["role"], found["at"]["copy"]), (7 * 512, 1, 1))

    def test_what_cannot_be_is_one_sentence(self):
        self.refused(2, "map", "--offset", "32505856", self.a, saying="ends at byte 32505856")
        self.refused(2, "map", "--member", self.a, self.b, saying="takes both")
        self.refused(2, "map", "--sector", "7", self.a, saying="takes both")
        self.refused(3, "map", "--member", self.spare, "--sector", "7", self.a, saying="is not a member")


class Parity(DemoCase):
    """The demo's members made those of a level 5 array of three, of which slot 2 is missing."""

    def setUp(self):
        super().setUp()
        for image in (self.a, self.b):
            edit(image, 72, "<iI", 5, 2)  # level, layout: left-symmetric
            edit(image, 88, "<I", CHUNK // 512)
            edit(image, 208, "<Q", 0xFFFFFFFFFFFFFFFF)

    def test_a_stripe_shows_data_parity_and_where_the_missing_comes_from(self):
        found = self.result("map", "--offset", 2 * CHUNK + 513, self.a, self.b)
        self.assertEqual((found["array_offset"], found["chunk"], found["stripe"]), (2 * CHUNK + 513, 2, 1))
        self.assertEqual([(place["holds"], place["chunk"], place["sector"]) for place in found["members"]],
                         [("data", 3, DATA + 129), ("p", None, DATA + 129), ("data", 2, None)])
        self.assertEqual((found["at"]["role"], found["at"]["valid"], found["at"]["from"]), (2, False, [0, 1]))

    def test_parity_has_no_place_in_the_array(self):
        found = self.result("map", "--member", self.b, "--sector", DATA + 130, self.a, self.b)
        self.assertEqual((found["at"]["holds"], found["array_offset"], found["stripe"]), ("p", None, 1))
        self.assertEqual(found["copies"], [])

    def test_both_ways_agree(self):
        for offset in range(0, 40 * CHUNK, 3 * CHUNK + 4096):
            at = self.result("map", "--offset", offset, self.a, self.b)["at"]
            if at["path"]:
                back = self.result("map", "--member", at["path"], "--sector", at["sector"], self.a, self.b)
                self.assertEqual(back["array_offset"], offset)

    def test_people_get_a_table(self):
        text = run("map", "--offset", 2 * CHUNK + 513, self.a, self.b).text
        self.assertIn("Byte 131 585 of the array is byte 1 of its sector 257, in data chunk 2, stripe 1.", text)
        self.assertIn("It is computed from slots 0 and 1.", text)
        self.assertRegex(text, r"\n  >  2 +missing +- +- +data chunk 2\n")
        self.assertIn("parity P", text)


if __name__ == "__main__":
    unittest.main()
