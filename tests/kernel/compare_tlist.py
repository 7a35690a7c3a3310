#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares Bitmend's verdicts with the kernel's answers to the accept/reject checklist.

  compare_tlist.py --bitmendctl PROGRAM --tlist FOLDER

FOLDER is what tlist.py made. For every statement: each member's state and role, whether it starts, what
would be done, which chunks. Where Bitmend refuses on purpose what the kernel would start, STRICTER names
the rule, and the expectation is that Bitmend says so itself.

The statements add member 0 first, so that on equal events the kernel goes by the last member; mdadm, whose
order Bitmend takes for granted, adds member 0 last. For those in BY_ORDER the last one is named as reference.
"""

import argparse
import json
import sys
from pathlib import Path

import compare

RULE_ONE = "rule 1: validate more than the kernel"
RULE_THREE = "rule 3: never start when the freshest is inconsistent or two members claim one role"

STRICTER = {
    "T9": RULE_ONE,  # the array still claims more of that member
    "T14": RULE_ONE,
    "T25": RULE_THREE,
    "T38": RULE_THREE,
    "T40": RULE_THREE,
    "T49": RULE_THREE,
    "T69": RULE_THREE,
}

# A module parameter of the kernel decided, not the superblocks.
BY_PARAMETER = {"T120", "T136"}

# The same bytes at another place, or under a version nobody asked Bitmend for.
BY_REQUEST = {"T44", "T45"}

# On equal events the order of adding decides.
BY_ORDER = {"T19", "T20", "T40", "T96", "T107"}

# mdadm takes one member per role, so that what the kernel refuses as a pair starts with one of them.
BY_MDADM = {"T33"}

REJECTED = {"damaged", "foreign", "duplicate"}


def expected_state(answer, kicked, image):
    """The states that fit what the kernel did with this member, or None where it says nothing."""
    if answer["add"] != "ok":
        return REJECTED
    if image in kicked:
        return {"stale"}
    if answer["state"] is None:
        return None
    words = set(answer["state"].split(","))
    if "faulty" in words:
        return {"faulty"}
    if "in_sync" in words:
        return {"in_sync"}
    if "replacement" in words:
        return {"replacement"}
    return {"rebuilding"} if answer["slot"] != "none" else {"spare"}


def same_array(scan, image):
    for array in scan["arrays"]:
        for member in array["members"]:
            if member["path"] == image:
                return array
    return None


def check(number, verdict, array, found):
    if array is None:
        found.true(number, "no array is found though the kernel knows one", verdict["run"] != "ok")
        return
    members = {member["path"]: member for member in array["members"] if member["path"]}
    starts = verdict["run"] == "ok"

    if number in STRICTER:
        found.true(number, f"can_start is not false ({STRICTER[number]})", not array["can_start"])
        found.equal(number, "kernel_would_start", array["kernel_would_start"], True)
        return
    if number in BY_MDADM:
        found.true(number, "can_start is not false (" + RULE_THREE + ")", not array["can_start"])
        return
    if number in BY_PARAMETER:
        found.true(number, "starts without the parameter", not array["can_start"])
        return
    found.equal(number, "can_start", array["can_start"], starts)
    found.equal(number, "kernel_would_start", array["kernel_would_start"], starts)
    check_members(number, verdict, members, found)
    if verdict["run"] == "ok" and starts:
        check_start(number, verdict, array, found)


def check_members(number, verdict, members, found):
    for image, answer in verdict["members"].items():
        expected = expected_state(answer, verdict["kicked"], image)
        member = members.get(image)
        if expected is None:
            continue
        if member is None:  # of no array or of another one
            found.true(number, f"{image} is in no array, but the kernel takes it", expected == REJECTED)
            continue
        # The kernel slots a spare as soon as the array is degraded; it is the same spare.
        if member["state"] == "spare" and expected == {"rebuilding"} and number not in ("T36", "T37"):
            continue
        found.true(number, f"{image} is {member['state']}, the kernel says {answer}", member["state"] in expected)
        if answer["slot"] not in (None, "none") and member["state"] in ("in_sync", "rebuilding"):
            found.equal(number, f"role of {image}", str(member["role"]), answer["slot"])


def check_start(number, verdict, array, found):
    seen = verdict["array"] or {}
    if seen.get("degraded", "") != "":
        spares = sum(1 for member in array["members"] if member["state"] == "rebuilding")
        found.equal(number, "slots not in sync", array["degraded"] + spares, int(seen["degraded"]))
    if seen.get("array_size"):
        found.equal(number, "array size", array["array_bytes"] // 512, int(seen["array_size"]))
    if seen.get("raid_disks"):
        found.equal(number, "raid_disks", array["raid_disks"], int(seen["raid_disks"].split()[0]))
    actions = (verdict["sync"] or {}).get("actions", [])
    needs = {"resync": "resync" in actions, "recovery": "recovery" in actions}
    if array["needs"] in needs or any(needs.values()):
        found.true(number, f"needs {array['needs']}, the kernel does {actions}", needs.get(array["needs"], False))
    copied = verdict["expected"]["copied"]
    if "resync" in actions and copied >= 0 and array["level"] == "raid1":
        found.equal(number, "bytes that a resync copies", array["resync"]["write_bytes"], copied * 512)


def looked_at(program, folder, number, verdict):
    """The array that the kernel made of the set, as Bitmend sees it; None when there is none."""
    images = sorted(verdict["members"])
    scan = compare.bitmendctl(program, "scan", folder, images)
    answers = verdict["members"]
    lead = next((image for image in verdict["order"] if answers[image]["add"] == "ok"), images[0])
    array = same_array(scan, lead)
    if number not in BY_ORDER or array is None:
        return array
    last = verdict["order"][-1]
    return compare.bitmendctl(program, "plan", folder, images, "--read-only", "--reference", last)["array"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bitmendctl", required=True)
    parser.add_argument("--tlist", required=True, type=Path)
    arguments = parser.parse_args()

    verdicts = json.loads((arguments.tlist / "verdicts.json").read_text())
    found = compare.Differences()
    for number in sorted(verdicts, key=lambda name: int(name[1:])):
        if number in BY_REQUEST:
            continue
        array = looked_at(arguments.bitmendctl, arguments.tlist / number, number, verdicts[number])
        check(number, verdicts[number], array, found)
    return found.finish(f"{len(verdicts)} statements")


if __name__ == "__main__":
    sys.exit(main())
