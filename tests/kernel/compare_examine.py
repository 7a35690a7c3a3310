#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares every line of `mdadm -E` and `mdadm -X` on every fixture with `bitmendctl examine`.

  compare_examine.py --bitmendctl PROGRAM --fixtures FOLDER

FOLDER is what fixtures.py made. What mdadm derives from several fields (Array Size, Unused Space, Array
State) has no field of its own and is compared with the array by compare_scan.py.
"""

import argparse
import json
import re
import sys
import time
from pathlib import Path

import compare

DERIVED = {"Array Size", "Unused Space", "Array State", "Intent Bitmap", "Filename", "this", "disks", "Flags",
           "bits", "dirty", "Bitmap"}
TIMES = {"Creation Time", "Update Time"}
# mdadm adds a reading of the value; the number is the field.
BY_NUMBER = {"Internal Bitmap", "Data Offset", "Super Offset", "Recovery Offset", "Daemon", "Events", "Events Cleared"}
# linear calls its chunk so.
SAME_FIELD = {"Rounding": "Chunk Size"}


def first_number(text):
    found = re.search(r"-?\d+", text)
    return int(found.group()) if found else None


def by_name(fields):
    names = {}
    for field in fields:
        names.setdefault(field["name"], field)
        names.setdefault(field["field"], field)
    return names


class Member:
    def __init__(self, place, found):
        self.place = place
        self.found = found

    def equal(self, what, ours, theirs):
        self.found.equal(self.place, what, ours, theirs)

    def time(self, name, ours, theirs):
        stamp = time.strptime(theirs, "%a %b %d %H:%M:%S %Y")
        self.equal(name, ours["value"], time.strftime("%Y-%m-%dT%H:%M:%SZ", stamp))

    def superblock(self, fields, examine):
        ours = by_name(fields)
        for name, theirs in examine.items():
            if name in DERIVED:
                continue
            if name == "Internal Bitmap" and theirs == "present":  # 0.90: one bit of state
                self.equal(name, ours["State"]["raw"] & 0x100, 0x100)
                continue
            name = SAME_FIELD.get(name, name)
            self.found.true(self.place, f"{name} is shown", name in ours)
            if name not in ours:
                continue
            field = ours[name]
            if name in TIMES:
                self.time(name, field, theirs)
            elif name in BY_NUMBER:
                self.equal(name, first_number(field["value"]), first_number(theirs))
            elif name == "Feature Map":
                self.equal(name, field["value"].split()[0], theirs)
            elif name == "State":
                word = "clean" if "clean" in field["value"] else "active"
                self.equal(name, word, theirs.split(",")[0])
            elif name in ("Bad Block Log", "PPL"):
                self.equal(name, first_number(field["value"]), first_number(theirs.split("offset")[-1]))
            elif name == "Used Dev Size" and "sectors" not in theirs:
                self.equal(name, first_number(field["value"]), first_number(theirs))
            elif name in ("Reshape pos'n", "Delta Devices", "New Chunksize", "Journal"):
                self.equal(name, first_number(field["value"]), first_number(theirs))
            elif theirs == "0K":  # a chunk that is none, in a larger unit
                self.equal(name, field["raw"], 0)
            else:
                self.equal(name, field["value"], theirs)
        if "disks" in examine:
            self.descriptors(ours, examine)

    def descriptors(self, ours, examine):
        rows = [("this_disk", examine["this"])] + [(f"disks[{row['number']}]", row) for row in examine["disks"]]
        for prefix, row in rows:
            for key in ("number", "major", "minor", "raid_disk"):
                field = ours.get(f"{prefix}.{key}")
                if field:
                    self.equal(f"{prefix}.{key}", field["raw"], row[key])
            state = ours.get(f"{prefix}.state")
            if state:
                words = set(state["value"].split()[1:]) - {"write-mostly"}
                self.equal(f"{prefix}.state", words, set(row["state"].split()) - {"spare", "write-mostly"})

    def bitmap(self, fields, truth, is090):
        ours = by_name(fields)
        for name in ("Magic", "Version"):
            self.equal(f"bitmap {name}", ours[name]["value"], truth[name])
        for name in ("Events", "Events Cleared", "Daemon"):
            self.equal(f"bitmap {name}", first_number(ours[name]["value"]), first_number(truth[name]))
        count, unit = truth["Chunksize"].split()
        scale = {"KB": 1024, "MB": 1 << 20, "B": 1, "bytes": 1}[unit]
        self.equal("bitmap Chunksize", ours["Chunksize"]["raw"], int(float(count) * scale))
        self.equal("bitmap Sync Size", ours["Sync Size"]["raw"], first_number(truth["Sync Size"]) * 2)
        self.equal("bitmap State", ours["State"]["raw"] == 0, truth["State"] == "OK")
        self.equal("bitmap Write Mode", ours["Write Mode"]["value"].split()[0], truth["Write Mode"].split()[0])
        # Of a 0.90 member mdadm prints four words; Bitmend shows the bytes in their order, as they lie.
        swapped = ":".join(word[6:] + word[4:6] + word[2:4] + word[:2] for word in truth["UUID"].split(":"))
        self.equal("bitmap UUID", ours["UUID"]["value"], swapped if is090 else truth["UUID"])


def check(program, folder, found):
    truth = json.loads((folder / "truth.json").read_text())
    images = sorted(truth["members"])
    result = compare.bitmendctl(program, "examine", folder, images)
    for source in result["sources"]:
        image = source["path"]
        member = Member(f"{folder.name}/{image}", found)
        found.equal(folder.name, f"superblocks on {image}", len(source["superblocks"]), 1)
        shown = source["superblocks"][0]
        member.superblock(shown["fields"], truth["members"][image]["examine"])
        theirs = truth["members"][image]["bitmap"]
        member.equal("has a bitmap", shown["bitmap"] is not None, theirs is not None)
        if shown["bitmap"] and theirs:
            member.bitmap(shown["bitmap"]["fields"], theirs, shown["metadata"] == "0.90")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bitmendctl", required=True)
    parser.add_argument("--fixtures", required=True, type=Path)
    arguments = parser.parse_args()

    found = compare.Differences()
    folders = sorted(path.parent for path in arguments.fixtures.glob("*/truth.json"))
    for folder in folders:
        check(arguments.bitmendctl, folder, found)
    return found.finish(f"{len(folders)} fixtures")


if __name__ == "__main__":
    sys.exit(main())
