#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what Bitmend says of every fixture with what the kernel and mdadm said.

  compare_scan.py --bitmendctl PROGRAM --fixtures FOLDER [--only NAME ...]

FOLDER is what fixtures.py made. Compared are: the array's shape and size, every member's fields, state,
role and event count, every bitmap's header, size and dirty chunks, which copy counts and what a start would
resync, and whether it starts. Bitmend refuses one thing on purpose that mdadm starts: an array in two
halves that each went on alone (rule 3); there it has to say that the kernel would.
"""

import argparse
import calendar
import json
import os
import re
import sys
import time
from pathlib import Path

import compare

SECTOR = 512
LEVELS = {"1": "raid1", "0": "raid0", "4": "raid4", "5": "raid5", "6": "raid6", "10": "raid10", "linear": "linear"}


def number(text):
    return int(re.match(r"-?\d+", text).group())


def rfc3339(text):
    """mdadm prints local time; the fixtures were made on this machine."""
    if text is None:
        return None
    seconds = time.mktime(time.strptime(text, "%a %b %d %H:%M:%S %Y"))
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def is_utc_equal(ours, theirs):
    """The guest has no time zone, the host may have one."""
    if ours is None or theirs is None:
        return ours == theirs
    parsed = calendar.timegm(time.strptime(theirs, "%a %b %d %H:%M:%S %Y"))
    return ours in (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(parsed)), rfc3339(theirs))


class Case:
    def __init__(self, folder, program, found):
        self.folder = folder
        self.name = folder.name
        self.found = found
        self.truth = json.loads((folder / "truth.json").read_text())
        self.trial = self.truth["trial"]
        self.images = sorted(self.truth["members"])
        options = ["--bitmap-file", "bitmap.file"] if (folder / "bitmap.file").exists() else []
        self.scan = compare.bitmendctl(program, "scan", folder, self.images, *options)
        self.plan = compare.bitmendctl(program, "plan", folder, self.images, *options)
        # An array that could not be run has no members in sysfs.
        sysfs = self.trial["array"]
        self.sysfs = sysfs if sysfs and sysfs["members"] else None
        self.is_split = "split" in self.truth["case"]["state"]

    def equal(self, what, ours, theirs):
        self.found.equal(self.name, what, ours, theirs)

    def check(self):
        self.equal("number of arrays", len(self.scan["arrays"]), 1)
        if len(self.scan["arrays"]) != 1:
            return
        self.array = self.scan["arrays"][0]
        self.members = {member["path"]: member for member in self.array["members"] if member["path"]}
        self.equal("plan's array", self.plan["array"], self.array)
        self.check_shape()
        self.check_start()
        for image in self.images:
            self.check_member(image)
        self.check_bitmap()
        self.check_needs()
        self.check_plan()

    def check_shape(self):
        case, array = self.truth["case"], self.array
        examine = self.truth["members"][self.images[0]]["examine"]
        self.equal("uuid", array["uuid"], examine.get("Array UUID") or examine["UUID"])
        self.equal("metadata", array["metadata"], case["metadata"])
        self.equal("level", array["level"], LEVELS[case["level"]])
        self.equal("raid_disks", array["raid_disks"], number(examine["Raid Devices"]))
        self.equal("name", array["name"], examine.get("Name", array["uuid"][:8]))
        self.found.true(self.name, "create_time", is_utc_equal(array["create_time"], examine["Creation Time"]))
        layout = examine.get("Layout")
        if array["level"] not in ("raid4", "linear", "raid1"):
            self.equal("layout", array["layout"], layout)
        else:
            self.equal("layout", array["layout"], None)
        if "Chunk Size" in examine:
            self.equal("chunk", array["chunk_bytes"], number(examine["Chunk Size"]) * 1024)
        events = max(int(member["examine"]["Events"]) for member in self.truth["members"].values())
        self.equal("events", array["events"], events)
        if self.sysfs is None:
            return
        self.equal("array size", array["array_bytes"], int(self.sysfs["array_size"]) * SECTOR)
        if self.sysfs["component_size"] not in ("", "0"):
            self.equal("component size", array["component_bytes"], int(self.sysfs["component_size"]) * 1024)
        if array["level"] not in ("raid0", "linear", "raid1"):
            self.equal("chunk in sysfs", array["chunk_bytes"], int(self.sysfs["chunk_size"]))

    def check_start(self):
        starts = self.sysfs is not None
        self.equal("kernel_would_start", self.array["kernel_would_start"], starts)
        # Rule 3: two halves that call each other missing are a person's choice.
        self.equal("can_start", self.array["can_start"], starts and not self.is_split)

    def expected_state(self, image):
        if self.sysfs is None:
            return None
        if image in self.trial["kicked"]:
            return "stale"
        seen = self.sysfs["members"].get(image)
        if seen is None:
            return "foreign" if self.is_split else "faulty"
        words = seen["state"].split(",")
        if "replacement" in words:
            return "replacement"
        if "in_sync" in words:
            return "in_sync"
        return "spare" if seen["slot"] == "none" else "rebuilding"

    def check_member(self, image):
        member = self.members.get(image)
        self.found.true(self.name, f"{image} is listed", member is not None)
        if member is None:
            return
        truth = self.truth["members"][image]
        examine = truth["examine"]
        self.equal(f"{image} events", member["events"], int(examine["Events"]))
        self.found.true(self.name, f"{image} update_time {member['update_time']}",
                        is_utc_equal(member["update_time"], examine["Update Time"]))
        self.equal(f"{image} device_uuid", member["device_uuid"], examine.get("Device UUID"))
        self.equal(f"{image} problems", member["problems"], [])
        source = next(source for source in self.scan["sources"] if source["path"] == image)
        self.equal(f"{image} size", source["size_bytes"], truth["sectors"] * SECTOR)
        found = source["found"][0]
        if "Super Offset" in examine:
            self.equal(f"{image} super offset", found["offset"], number(examine["Super Offset"]) * SECTOR)
        self.equal(f"{image} own role", found["role"], self.own_role(examine))
        if "this" in examine:
            self.equal(f"{image} number", found["dev_number"], examine["this"]["number"])
        expected = self.expected_state(image)
        if expected is not None:
            self.equal(f"{image} state", member["state"], expected)
            seen = self.sysfs["members"].get(image)
            slot = seen and seen["slot"]
            if slot not in (None, "none"):
                self.equal(f"{image} role", member["role"], int(slot))
        self.check_copy(f"{image} bitmap", member["bitmap"], truth)

    @staticmethod
    def own_role(examine):
        if "this" in examine:
            this = examine["this"]
            return this["raid_disk"] if "active" in this["state"] else None
        text = examine["Device Role"]
        return number(text.split()[-1]) if text.startswith(("Active", "Replacement")) else None

    def check_copy(self, what, ours, truth):
        theirs = truth["bitmap"]
        self.equal(f"{what} present", ours is not None, theirs is not None)
        if ours is None or theirs is None:
            return
        self.equal(f"{what} version", ours["version"], number(theirs["Version"]))
        self.equal(f"{what} events", ours["events"], int(theirs["Events"]))
        self.equal(f"{what} events_cleared", ours["events_cleared"], int(theirs["Events Cleared"]))
        self.equal(f"{what} chunk", ours["chunk_bytes"], chunk_bytes(theirs["Chunksize"]))
        self.equal(f"{what} daemon", ours["daemon_sleep_seconds"], number(theirs["Daemon"]))
        self.equal(f"{what} sync size", ours["sync_size_bytes"], number(theirs["Sync Size"]) * 1024)
        self.equal(f"{what} chunks", ours["chunks"], theirs["bits"])
        self.equal(f"{what} dirty", ours["dirty"], theirs["dirty"])
        self.equal(f"{what} ranges", ours["dirty_ranges"], truth["dirty_ranges"])

    def check_bitmap(self):
        bitmap = self.array["bitmap"]
        if self.truth["bitmap_file"]:
            self.found.true(self.name, "the bitmap file counts", bitmap and bitmap["location"] == "external")
            self.check_copy("bitmap file", bitmap, self.truth["bitmap_file"])
        elif bitmap:
            leader = next(member for member in self.array["members"] if member["freshest"])
            if leader["state"] == "in_sync":
                self.equal("whose bitmap counts", bitmap["from"], leader["path"])
            self.equal("dirty in the copy that counts", bitmap["dirty_ranges"],
                       self.truth["members"][bitmap["from"]]["dirty_ranges"])

    def check_needs(self):
        needs = self.array["needs"]
        if self.is_split:
            self.equal("needs", needs, "choice")
            return
        if self.sysfs is None:
            dirty = self.array["resync_offset_bytes"] is not None
            parity = self.array["level"] in ("raid4", "raid5", "raid6")
            self.equal("needs", needs, "force" if dirty and parity else "members_missing")
            return
        filled = sum(1 for member in self.array["members"] if member["state"] == "rebuilding")
        if self.sysfs.get("degraded"):
            self.equal("slots not in sync", self.array["degraded"] + filled, int(self.sysfs["degraded"]))
        actions = self.trial["sync"]["actions"]
        offset = self.array["resync_offset_bytes"]
        start = self.sysfs["resync_start"]
        if start not in ("none", ""):
            self.equal("resync offset", offset, int(start) * SECTOR)
        if actions:
            self.equal("needs", needs, actions[0])
        elif needs not in ("nothing", "members_missing"):
            # A partial parity log is replayed at the start; nothing is left to resync, and not for us to do.
            self.found.true(self.name, f"needs {needs}, the kernel does nothing",
                            needs == "unsupported" and "ppl" in self.name)
        self.check_copied(actions)

    def check_copied(self, actions):
        """A mirror's resync writes to all but one member what is due, besides superblocks and bitmap."""
        if actions != ["resync"] or self.array["level"] != "raid1":
            return
        due = self.array["resync"]["write_bytes"]
        written = sum(self.trial["sync"]["written"].values()) * SECTOR
        slack = 256 * 1024 * len(self.images)
        self.found.true(self.name, f"due are {due} bytes, the kernel wrote {written}", due <= written <= due + slack)

    def check_plan(self):
        if not self.array["can_start"] or self.array["needs"] == "unsupported":
            self.equal("planned writes", self.plan["writes"], [])
            return
        offsets = {source["path"]: source["found"][0]["offset"] for source in self.scan["sources"]}
        for path in self.plan["taking"]:
            planned = [write["offset"] for write in self.plan["writes"]
                       if write["path"] == path and write["purpose"] == "superblock"]
            self.equal(f"planned superblock of {path}", planned, [offsets[path]])
        for write in self.plan["writes"]:
            size = os.path.getsize(self.folder / write["path"])
            whole = -(-size // SECTOR) * SECTOR
            self.found.true(self.name, f"{write} lies in its file", write["offset"] + write["length"] <= whole)


def chunk_bytes(text):
    count, unit = text.split()
    return int(float(count) * {"B": 1, "bytes": 1, "KB": 1024, "MB": 1 << 20}[unit])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bitmendctl", required=True)
    parser.add_argument("--fixtures", required=True, type=Path)
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()

    found = compare.Differences()
    folders = sorted(path.parent for path in arguments.fixtures.glob("*/truth.json"))
    folders = [folder for folder in folders if not arguments.only or folder.name in arguments.only]
    for folder in folders:
        Case(folder, arguments.bitmendctl, found).check()
    return found.finish(f"{len(folders)} fixtures")


if __name__ == "__main__":
    sys.exit(main())
