#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Members that are replaced: by bitmendctl alone, begun by the kernel and finished by bitmendctl, and the other way
round.

  replacement.py BITMENDCTL APPLY_OVERLAY [unittest arguments]

Of arrays of every redundant level that the kernel made, the second member is replaced by a new one; the kernel does the
same with copies. Whoever did it, the kernel has nothing left to do, its check counts nothing, the content is the
same, and the superblocks are those that the kernel leaves.
"""

import json
import os
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import guest_disks
import lab
import mdimage
import mend_cases
import pool
from mend_cases import Case, fingerprint, run

# How it is made, slots, metadata, sectors of a member.
SHAPES = [
    ("--level=1", 2, "1.2", 20480),
    ("--level=1", 3, "1.0", 20480),
    ("--level=4 --chunk=16", 3, "1.2", 20480),
    ("--level=5 --chunk=16", 3, "1.1", 20480),
    ("--level=5 --layout=right-asymmetric --chunk=4", 4, "1.0", 20480),
    ("--level=6 --chunk=32", 4, "1.2", 20480),
    ("--level=10 --layout=n2 --chunk=16", 4, "1.2", 20480),
    ("--level=10 --layout=f2 --chunk=32", 3, "1.0", 20480),
]
REPLACED = 1  # the slot
REPLACEMENT, RECOVERY_OFFSET = 0x10, 0x2

GUEST = r"""
make_array() {
    name="$1"; md="$2"; shift 2
    mdadm --create "/dev/$md" --run --quiet --assume-clean "$@" || die "no $md"
    for spot in 0 512 1300 4000 6000; do scribble "$md" "$md" $spot 256; done
    content_hash "$md" > "$name.hash"
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
}
# begin_replacing MD SPARE MEMBER...: the member in slot 1, until more than a quarter is copied.
begin_replacing() {
    md="$1"; spare="$2"; shift 2
    mdadm --assemble "/dev/$md" "$@" || die "$md does not start"
    wait_idle "$md"
    md_set "$md" sync_speed_min 1000
    md_set "$md" sync_speed_max 2000
    mdadm "/dev/$md" --add "$spare" || die "$md takes no spare"
    md_set "$md" rd1/state want_replacement
    until_true 30 has_copied "$md" || die "$md does not replace"
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
}
has_copied() {
    set -- $(md_get "$1" sync_completed)
    [ "$1" != none ] && [ -n "$3" ] && [ $(($1 * 4)) -gt "$3" ]
}
replace() {
    md="$1"; spare="$2"; shift 2
    mdadm --assemble "/dev/$md" "$@" || die "$md does not start"
    wait_idle "$md"
    mdadm "/dev/$md" --add "$spare" || die "$md takes no spare"
    md_set "$md" rd1/state want_replacement
    wait_idle "$md"
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
}
# judge NAME MD MEMBER...
judge() {
    name="$1"; md="$2"; shift 2
    dmesg -c > /dev/null
    mdadm --assemble "/dev/$md" "$@" 2> "$name.assemble" || die "$md does not start: $(cat "$name.assemble")"
    wait_idle "$md"
    dmesg | grep ' of RAID array ' > "$name.begun"
    dump_array "$md" > "$name.sysfs"
    content_hash "$md" > "$name.hash"
    run_check "$md" > "$name.check"
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
}
"""


def make(folder):
    disk, share = folder / "pool.img", folder / "share"
    lines = []
    for number, (made, slots, metadata, sectors) in enumerate(SHAPES):
        names = [f"m{number}-{slot}" for slot in range(slots)]
        lines += [f"cut_member {name} {sectors}" for name in names]
        lines.append(f"make_array a{number} md{20 + number} {made} --metadata={metadata} --raid-devices={slots} "
                     f"--bitmap=internal {' '.join(f'/dev/mapper/{name}' for name in names)}")
    pool.make(disk, sum(slots * (sectors + 4096) for _, slots, _, sectors in SHAPES) * 512)
    lab.require(lab.run(GUEST + "\n".join(lines) + "\n", share, [disk]))
    return disk, share


def case_of(folder, kind, number, disk, share):
    """The members of one array and, last, a blank one."""
    made, slots, metadata, sectors = SHAPES[number]
    target = folder / f"{kind}{number}"
    target.mkdir()
    images = [target / f"{slot}.img" for slot in range(slots)]
    for slot, image in enumerate(images):
        pool.extract(disk, share, f"m{number}-{slot}", image)
    spare = target / "spare.img"
    pool.make(spare, sectors * 512)
    case = Case(f"{made}, {slots} slots, {metadata}", target, [*images, spare])
    case.hash = (share / f"a{number}.hash").read_text().strip()
    return case


def boot(folder, share, cases, line):
    """`line(guest, number, case)` for each of them, as many in one boot as it has disks."""
    for some in guest_disks.boots(list(enumerate(cases)), lambda numbered: numbered[1].images):
        guest = guest_disks.GuestDisks(folder, share)
        for number, case in some:
            guest.lines.append(line(guest, number, case))
        guest.run(GUEST)


def interrupt(case):
    """bitmendctl replace, stopped on the way. What was copied until then is recorded."""
    members, spare = case.images[:-1], case.images[-1]
    process = subprocess.Popen(
        [str(word) for word in (mend_cases.BITMENDCTL, "replace", "--overlay", case.overlay, "--rate-limit", "2M",
                                "--member", members[REPLACED], "--spare", spare, *members)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # At two mebibytes a second it lasts for four from when it opened the spare.
    while process.poll() is None and not any("spare" in file.name for file in Path(case.overlay).glob("*")):
        time.sleep(0.01)
    try:
        process.wait(1.5)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    return process.wait(60)


class Replacement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="replacement-")
        cls.addClassCleanup(scratch.cleanup)
        folder = Path(scratch.name)
        disk, made = make(folder)
        cls.share = folder / "judged"
        cls.ours, cls.kernels, cls.begun, cls.halves = (
            [case_of(folder, kind, number, disk, made) for number in range(len(SHAPES))] for kind in "okbh")
        for case in cls.ours:
            members, spare = case.images[:-1], case.images[-1]
            # It leaves the array clean; another start would forget who was replaced.
            case.ctl("replace", "--member", members[REPLACED], "--spare", spare, *members)
            case.merge()
            case.left = [mdimage.Member(image) for image in case.mended]
        for case in cls.halves:
            case.interrupted = interrupt(case)
            case.ctl("stop", *case.images)
            case.merge()
            case.after_cut = mdimage.Member(case.mended[-1])

        def with_spare(guest, number, case, command, kind):
            *members, spare = guest.members(f"{kind}{number}", case.kernels)
            return f"{command} md{60 + number} {spare} {' '.join(members)}"

        for case in [*cls.kernels, *cls.begun]:
            for image, copy in zip(case.images, case.kernels):
                pool.copy_sparse(image, copy)
        boot(folder, cls.share, cls.kernels, lambda *args: with_spare(*args, "replace", "k"))
        boot(folder, cls.share, cls.begun, lambda *args: with_spare(*args, "begin_replacing", "b"))
        for number, case in enumerate(cls.begun):
            taken = Case(case.name, folder / f"b{number}", case.kernels)
            taken.hash, taken.found = case.hash, mdimage.Member(case.kernels[-1])
            taken.scan = json.loads(run(mend_cases.BITMENDCTL, "scan", "--json", *taken.images).stdout)
            taken.ctl("recover", *taken.images)
            taken.merge()
            taken.left = [mdimage.Member(image) for image in taken.mended]
            cls.begun[number] = taken
        for kind, cases in (("o", cls.ours), ("b", cls.begun), ("h", cls.halves)):
            boot(folder, cls.share, cases, lambda guest, number, case, kind=kind: (
                f"judge {kind}{number} md{60 + number} "
                f"{' '.join(node for slot, node in enumerate(guest.members(f'j{kind}{number}', case.mended)) if kind == 'h' or slot != REPLACED)}"))

    def seen(self, name):
        return (self.share / name).read_text().strip()

    def test_the_kernel_takes_what_was_replaced(self):
        for kind, cases in (("o", self.ours), ("b", self.begun)):
            for number, case in enumerate(cases):
                with self.subTest(f"{kind}: {case.name}"):
                    self.assertEqual(self.seen(f"{kind}{number}.begun"), "")
                    self.assertIn("degraded=0", self.seen(f"{kind}{number}.sysfs"))
                    self.assertEqual(self.seen(f"{kind}{number}.check"), "0")
                    self.assertEqual(self.seen(f"{kind}{number}.hash"), case.hash)

    def test_superblocks_are_as_the_kernel_leaves_them(self):
        for kind, cases in (("o", self.ours), ("b", self.begun)):
            for number, case in enumerate(cases):
                for slot, mine in enumerate(case.left):
                    if slot == REPLACED:
                        continue  # nobody writes to it any more once it is out
                    with self.subTest(f"{kind}: {case.name}, {slot}"):
                        its = mdimage.Member(self.kernels[number].kernels[slot])
                        self.assertEqual(list(mend_cases.superblock_differences(mine, its)), [])

    def test_what_the_kernel_began_is_seen(self):
        for case in self.begun:
            with self.subTest(case.name):
                self.assertEqual(case.found.get("feature_map") & (REPLACEMENT | RECOVERY_OFFSET),
                                 REPLACEMENT | RECOVERY_OFFSET)
                self.assertGreater(case.found.get("recovery_offset"), 0)
                states = [member["state"] for member in case.scan["arrays"][0]["members"]]
                self.assertEqual(states.count("replacement"), 1)
                self.assertEqual(states.count("in_sync"), len(case.images) - 1)

    def test_the_kernel_finishes_what_was_interrupted(self):
        for number, case in enumerate(self.halves):
            with self.subTest(case.name):
                self.assertEqual(case.interrupted, 130)
                self.assertEqual(case.after_cut.get("feature_map") & (REPLACEMENT | RECOVERY_OFFSET),
                                 REPLACEMENT | RECOVERY_OFFSET)
                self.assertGreater(case.after_cut.get("recovery_offset"), 0)
                self.assertIn("recovery of RAID array", self.seen(f"h{number}.begun"))
                self.assertIn("degraded=0", self.seen(f"h{number}.sysfs"))
                self.assertEqual(self.seen(f"h{number}.check"), "0")
                self.assertEqual(self.seen(f"h{number}.hash"), case.hash)
                finished = mdimage.Member(case.mended[-1])
                self.assertEqual(finished.get("feature_map") & (REPLACEMENT | RECOVERY_OFFSET), 0)

    def test_what_was_found_is_untouched(self):
        for case in [*self.ours, *self.halves, *self.begun]:
            with self.subTest(case.name):
                self.assertEqual([fingerprint(image) for image in case.images], case.before)


if __name__ == "__main__":
    mend_cases.BITMENDCTL, mend_cases.APPLY_OVERLAY = lab.programs(__doc__, 2)
    lab.run_tests()
