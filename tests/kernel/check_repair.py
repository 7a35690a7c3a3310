#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bitmendctl check counts what the kernel's check counts, and after bitmendctl repair the members hold
what the kernel's repair would have put there.

  check_repair.py BITMENDCTL APPLY_OVERLAY [unittest arguments]

The kernel makes arrays of every redundant level; single bits of their images are turned over here; copies go both ways.
"""

import json
import random
import tempfile
import unittest
from pathlib import Path

import guest_disks
import lab
import mdimage
import mend_cases
import pool
from mend_cases import Case, fingerprint

# How it is made, slots, metadata, sectors, and from which slot on they are write-mostly. The last window of some
# mirrors is short.
SHAPES = [
    ("--level=1", 2, "1.2", 20480, None),
    ("--level=1", 3, "1.2", 16384 + 344, None),
    ("--level=1", 2, "0.90", 16384, None),
    ("--level=1", 3, "1.0", 16384 + 40, 1),
    ("--level=4 --chunk=16", 3, "1.2", 8192, None),
    ("--level=5 --chunk=64", 3, "1.2", 8192, None),
    ("--level=5 --layout=right-asymmetric --chunk=4", 4, "0.90", 8192, None),
    ("--level=6 --chunk=16", 4, "1.0", 8192, None),
    ("--level=6 --layout=ddf-N-restart --chunk=32", 5, "1.2", 8192, None),
    ("--level=10 --layout=n2 --chunk=16", 3, "1.2", 8192, None),
    ("--level=10 --layout=f2 --chunk=128", 3, "1.2", 8192, None),
    ("--level=10 --layout=o2 --chunk=32", 4, "1.2", 8192, None),
]

MAKE = r"""
make_array() {
    md="$1"; shift
    mdadm --create "/dev/$md" --run --quiet --assume-clean "$@" || die "no $md"
    for spot in 0 512 1300 4000; do scribble "$md" "$md" $spot 256; done
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
}
"""

JUDGE = r"""
judge() {
    name="$1"; md="$2"; shift 2
    mdadm --assemble "/dev/$md" "$@" || die "$md does not start"
    wait_idle "$md"
    run_check "$md" > "$name.check"
    md_set "$md" sync_action repair
    wait_idle "$md"
    md_get "$md" mismatch_cnt > "$name.repair"
    run_check "$md" > "$name.after"
    content_hash "$md" > "$name.hash"
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
}
"""


def make(folder):
    """Cases whose members differ in some bits."""
    disk, share = folder / "pool.img", folder / "share"
    lines = []
    for number, (made, slots, metadata, sectors, mostly) in enumerate(SHAPES):
        nodes = []
        for index in range(slots):
            lines.append(f"cut_member m{number}-{index} {sectors}")
            # Write-mostly stays in force along the line, so it begins with the last slot.
            option = "--write-mostly " if mostly and index >= mostly else ""
            nodes.append(f"{option}/dev/mapper/m{number}-{index}")
        lines.append(f"make_array md{30 + number} {made} --metadata={metadata} --raid-devices={slots} --bitmap=internal {' '.join(nodes)}")
    pool.make(disk, sum(slots * (sectors + 4096) for _, slots, _, sectors, _ in SHAPES) * 512)
    lab.require(lab.run(MAKE + "\n".join(lines) + "\n", share, [disk]))
    cases = []
    choice = random.Random(11)
    for number, (made, slots, metadata, _, _) in enumerate(SHAPES):
        target = folder / str(number)
        target.mkdir()
        images = []
        for index in range(slots):
            images.append(target / f"{index}.img")
            pool.extract(disk, share, f"m{number}-{index}", images[-1])
            spoil(images[-1], choice)
        cases.append(Case(f"{made}, {slots} slots, {metadata}", target, images))
    return cases


def spoil(image, choice):
    member = mdimage.Member(image)
    length = member.data_length()
    with open(image, "r+b") as file:
        for spot in [*(choice.randrange(length) for _ in range(5)), length - 1 - choice.randrange(4)]:
            file.seek(member.data_start() + spot)
            byte = file.read(1)[0]
            file.seek(member.data_start() + spot)
            file.write(bytes([byte ^ 1 << choice.randrange(8)]))


def expected_mismatch(case):
    """For each later member, the windows of 128 sectors in which it is not as the first."""
    members = [mdimage.Member(image) for image in case.images]
    length = members[0].data_length()
    count = 0
    for other in members[1:]:
        for window in mdimage.differing_chunks(members[0], other, 128 * 512):
            count += min(128, length // 512 - window * 128)
    return count


class CheckRepair(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="check-repair-")
        cls.addClassCleanup(scratch.cleanup)
        folder = Path(scratch.name)
        cls.cases = make(folder)
        cls.checks, cls.repairs, cls.again = [], [], []
        for case in cls.cases:
            # 4: differences were found.
            cls.checks.append(json.loads(case.ctl("check", "--json", *case.images, allowed=(4,)).stdout))
            cls.repairs.append(json.loads(case.ctl("repair", "--json", *case.images, allowed=(4,)).stdout))
            cls.again.append(json.loads(case.ctl("check", "--json", *case.images).stdout))
            case.ctl("stop", *case.images)
            case.merge()
        cls.share = folder / "judged"
        for kind in ("kernels", "mended"):
            for some in guest_disks.boots(list(enumerate(cls.cases)), lambda numbered: numbered[1].images):
                cls.boot(kind, some, folder)

    @classmethod
    def boot(cls, kind, cases, folder):
        guest = guest_disks.GuestDisks(folder, cls.share)
        for number, case in cases:
            name = f"{kind}{number}"
            nodes = case.as_kernels(guest, name) if kind == "kernels" else guest.members(name, case.mended)
            guest.lines.append(f"judge {name} md{40 + number} {' '.join(nodes)}")
        guest.run(JUDGE)

    def seen(self, kind, number, what):
        return (self.share / f"{kind}{number}.{what}").read_text().strip()

    def test_check_counts_as_the_kernel_does(self):
        for number, case in enumerate(self.cases):
            with self.subTest(case.name):
                kernels = int(self.seen("kernels", number, "check"))
                self.assertGreater(kernels, 0)
                self.assertEqual(self.checks[number]["mismatch_sectors"], kernels)
                if case.name.startswith("--level=1,"):
                    self.assertEqual(kernels, expected_mismatch(case))
                self.assertEqual(self.checks[number]["written_bytes"], 0)

    def test_repair_counts_and_chooses_as_the_kernel_does(self):
        for number, case in enumerate(self.cases):
            with self.subTest(case.name):
                self.assertEqual(self.repairs[number]["mismatch_sectors"], int(self.seen("kernels", number, "repair")))
                self.assertEqual(self.again[number]["mismatch_sectors"], 0)
                self.assertEqual(self.seen("mended", number, "check"), "0")
                self.assertEqual(self.seen("mended", number, "hash"), self.seen("kernels", number, "hash"))

    def test_members_are_untouched(self):
        for case in self.cases:
            with self.subTest(case.name):
                self.assertEqual([fingerprint(image) for image in case.images], case.before)


if __name__ == "__main__":
    mend_cases.BITMENDCTL, mend_cases.APPLY_OVERLAY = lab.programs(__doc__, 2)
    lab.run_tests()
