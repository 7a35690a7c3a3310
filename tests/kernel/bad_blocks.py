#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The bad block logs of members: what the kernel listed is heeded, and what bitmendctl leaves listed is what the
kernel would.

  bad_blocks.py BITMENDCTL APPLY_OVERLAY [unittest arguments]

The kernel makes arrays of every redundant level and lists places of their members as bad, which are then spoilt in
the images. Each array is read, written over and stopped; of each a second copy lacks its last member, so that some
places cannot be recomputed when a new one is added: the kernel adds one to a third copy.
"""

import hashlib
import json
import os
import random
import re
import tempfile
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
    ("--level=1", 3, "1.0", 16384),
    ("--level=4 --chunk=16", 3, "1.2", 16384),
    ("--level=5 --chunk=16", 3, "1.1", 16384),
    ("--level=5 --layout=right-asymmetric --chunk=4", 4, "1.0", 16384),
    ("--level=6 --chunk=32", 4, "1.2", 16384),
    ("--level=10 --layout=n2 --chunk=16", 4, "1.2", 16384),
    ("--level=10 --layout=f2 --chunk=32", 3, "1.0", 16384),
]

GUEST = r"""
make_array() {
    name="$1"; md="$2"; shift 2
    mdadm --create "/dev/$md" --run --quiet --assume-clean "$@" || die "no $md"
    for spot in 0 512 1300 4000; do scribble "$md" "$md" $spot 256; done
    content_hash "$md" > "$name.hash"
}
# list_bad MD SLOT SECTOR LENGTH: sectors of its data, as if they had been found bad.
list_bad() {
    echo "$(($(md_get "$1" "rd$2/offset") + $3)) $4" > "/sys/block/$1/md/rd$2/bad_blocks" || die "slot $2 of $1 lists nothing"
}
stop_array() {
    hold_dirty "$1"
    dd if="/dev/$1" of="/tmp/same" bs=4k count=1 iflag=direct 2>/dev/null
    dd if=/tmp/same of="/dev/$1" bs=4k count=1 oflag=direct conv=notrunc 2>/dev/null
    mdadm --quiet --stop "/dev/$1" || die "$1 does not stop"
}
judge() {
    name="$1"; md="$2"; shift 2
    dmesg -c > /dev/null
    mdadm --assemble "/dev/$md" "$@" || die "$md does not start"
    wait_idle "$md"
    dmesg | grep ' of RAID array ' > "$name.begun"
    content_hash "$md" > "$name.hash"
    dump_array "$md" > "$name.sysfs"
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
    for node in "$@"; do mdadm --examine-badblocks "$node" > "$name.${node##*/}.bad" 2>&1; done
}
recover() {
    name="$1"; md="$2"; spare="$3"; shift 3
    mdadm --assemble --run "/dev/$md" "$@" || die "$md does not start"
    wait_idle "$md"
    mdadm "/dev/$md" --add "$spare" || die "$md takes no spare"
    wait_idle "$md"
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
    for node in "$spare" "$@"; do mdadm --examine-badblocks "$node" > "$name.${node##*/}.bad" 2>&1; done
}
"""

LISTED = re.compile(r"^\s*(\d+) for (\d+) sectors", re.MULTILINE)


def listed(text):
    """What mdadm --examine-badblocks prints, as merged [first, last] in order."""
    merged = []
    for begin, length in sorted((int(begin), int(length)) for begin, length in LISTED.findall(text)):
        if merged and merged[-1][1] + 1 >= begin:
            merged[-1][1] = max(merged[-1][1], begin + length - 1)
        else:
            merged.append([begin, begin + length - 1])
    return merged


def places(slot):
    """(sector of the data, length): apart from those of other slots, so that the others can stand in; ends in the
    middle of pages, and one longer than a word of the log."""
    return [(256 + 128 * slot, 8), (1024 + 128 * slot + 3, 3), (2048 + 1024 * slot + 5, 700)]


def make(folder):
    disk, share = folder / "pool.img", folder / "share"
    lines = []
    for number, (made, slots, metadata, sectors) in enumerate(SHAPES):
        names = [f"m{number}-{slot}" for slot in range(slots)]
        lines += [f"cut_member {name} {sectors}" for name in names]
        nodes = " ".join(f"/dev/mapper/{name}" for name in names)
        md = f"md{20 + number}"
        lines.append(f"make_array a{number} {md} {made} --metadata={metadata} --raid-devices={slots} "
                     f"--bitmap=internal {nodes}")
        for slot in range(slots):
            lines += [f"list_bad {md} {slot} {begin} {length}" for begin, length in places(slot)]
        lines.append(f"stop_array {md}")
        lines += [f"mdadm --examine-badblocks /dev/mapper/{name} > {name}.bad" for name in names]
    pool.make(disk, sum(slots * (sectors + 4096) for _, slots, _, sectors in SHAPES) * 512)
    lab.require(lab.run(GUEST + "\n".join(lines) + "\n", share, [disk]))
    cases = []
    for number, (made, slots, metadata, _) in enumerate(SHAPES):
        target = folder / str(number)
        target.mkdir()
        images = []
        for slot in range(slots):
            images.append(target / f"{slot}.img")
            pool.extract(disk, share, f"m{number}-{slot}", images[-1])
            spoil(images[-1], slot)
        case = Case(f"{made}, {slots} slots, {metadata}", target, images)
        case.hash = (share / f"a{number}.hash").read_text().strip()
        case.bad = [listed((share / f"m{number}-{slot}.bad").read_text()) for slot in range(slots)]
        cases.append(case)
    return cases


def spoil(image, seed):
    """What is listed holds something else from now on."""
    member, noise = mdimage.Member(image), random.Random(seed)
    with open(image, "r+b") as file:
        for begin, length in places(seed):
            file.seek(member.data_start() + begin * 512)
            file.write(noise.randbytes(length * 512))


class BadBlocks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="bad-blocks-")
        cls.addClassCleanup(scratch.cleanup)
        folder = Path(scratch.name)
        cls.cases = make(folder)
        cls.share = folder / "judged"
        for case in cls.cases:
            case.scan = json.loads(run(mend_cases.BITMENDCTL, "scan", "--json", *case.images).stdout)
            case.content = cls.read(case, folder)
            cls.write_over(case, folder)
        cls.recover_on_copies(folder)
        for some in guest_disks.boots(list(enumerate(cls.cases)), lambda numbered: numbered[1].images):
            guest = guest_disks.GuestDisks(folder, cls.share)
            for number, case in some:
                guest.lines.append(f"judge w{number} md{40 + number} {' '.join(guest.members(f'w{number}', case.mended))}")
            guest.run(GUEST)

    @staticmethod
    def read(case, folder):
        target = folder / "content"
        run(mend_cases.BITMENDCTL, "read", "--output", target, *case.images)
        content = target.read_bytes()
        target.unlink()
        return content

    @staticmethod
    def write_over(case, folder):
        """All of the first quarter: whatever was bad there is good again."""
        length = len(case.content) // 4 // 65536 * 65536
        fresh = folder / "fresh"
        fresh.write_bytes(random.Random(length).randbytes(length))
        case.ctl("write", "--offset", 0, fresh, *case.images)
        case.ctl("stop", *case.images)
        case.written = fresh.read_bytes() + case.content[length:]
        case.merge()

    @classmethod
    def recover_on_copies(cls, folder):
        """Without the last member, with a blank one added: by bitmendctl and by the kernel."""
        cls.recovered = []
        for number, case in enumerate(cls.cases):
            target = folder / f"r{number}"
            target.mkdir()
            images = []
            for image in case.images[:-1]:
                images.append(target / image.name)
                pool.copy_sparse(image, images[-1])
            spare = target / "spare.img"
            pool.make(spare, os.stat(images[0]).st_size)
            copy = Case(case.name, target, [*images, spare])
            done = copy.ctl("add", "--json", "--spare", spare, *images, allowed=(0, 4))
            copy.outcome = json.loads(done.stdout)
            copy.ctl("stop", *copy.images)
            copy.merge()
            cls.recovered.append(copy)
        for some in guest_disks.boots(list(enumerate(cls.recovered)), lambda numbered: numbered[1].images):
            guest = guest_disks.GuestDisks(folder, cls.share)
            for number, case in some:
                nodes = case.as_kernels(guest, f"k{number}")
                guest.lines.append(f"recover k{number} md{60 + number} {nodes[-1]} {' '.join(nodes[:-1])}")
            guest.run(GUEST)
        for some in guest_disks.boots(list(enumerate(cls.recovered)), lambda numbered: numbered[1].images):
            guest = guest_disks.GuestDisks(folder, cls.share)
            for number, case in some:
                guest.lines.append(f"judge r{number} md{60 + number} {' '.join(guest.members(f'r{number}', case.mended))}")
            guest.run(GUEST)

    def seen(self, name):
        return (self.share / name).read_text().strip()

    def test_scan_lists_what_mdadm_lists(self):
        for case in self.cases:
            members = {member["path"]: member for member in case.scan["arrays"][0]["members"]}
            for image, bad in zip(case.images, case.bad):
                with self.subTest(f"{case.name}, {image.name}"):
                    self.assertTrue(bad)
                    self.assertEqual(members[str(image)]["bad_blocks"], bad)

    def test_reading_goes_round_what_is_listed(self):
        for case in self.cases:
            with self.subTest(case.name):
                self.assertEqual(hashlib.sha256(case.content).hexdigest(), case.hash)

    def test_what_was_written_over_is_good_again_and_the_rest_stays_listed(self):
        for number, case in enumerate(self.cases):
            with self.subTest(case.name):
                self.assertEqual(self.seen(f"w{number}.hash"), hashlib.sha256(case.written).hexdigest())
                self.assertEqual(self.seen(f"w{number}.begun"), "")
                scan = json.loads(run(mend_cases.BITMENDCTL, "scan", "--json", *case.mended).stdout)
                cleared = 0
                for slot, member in enumerate(scan["arrays"][0]["members"]):
                    bad = listed(self.seen(f"w{number}.w{number}-{slot}.bad"))
                    self.assertEqual(member["bad_blocks"], bad)
                    cleared += sum(last - first + 1 for first, last in case.bad[slot])
                    cleared -= sum(last - first + 1 for first, last in bad)
                self.assertGreater(cleared, 0)

    def recoveries(self):
        """The case, what is listed on its new member by bitmendctl and by the kernel."""
        for number, case in enumerate(self.recovered):
            last = len(case.images) - 1
            yield case, *(listed(self.seen(f"{who}{number}.{who}{number}-{last}.bad")) for who in "rk")

    def test_a_recovery_lists_what_the_kernels_lists(self):
        for case, mine, kernels in self.recoveries():
            if "level=10" in case.name:
                continue
            with self.subTest(case.name):
                self.assertEqual(mine, kernels)
                self.assertEqual(bool(kernels), case.outcome["listed_bad_bytes"] > 0)
                ours, its = (mdimage.Member(copies[-1]) for copies in (case.mended, case.kernels))
                self.assertEqual(list(mend_cases.superblock_differences(ours, its)), [])

    def test_on_level_10_a_recovery_is_done_where_the_kernels_gives_up(self):
        for case, mine, kernels in self.recoveries():
            if "level=10" not in case.name:
                continue
            with self.subTest(case.name):
                self.assertEqual(kernels, [])
                kernels_spare = mdimage.Member(case.kernels[-1])
                self.assertEqual(kernels_spare.get(f"role{kernels_spare.get('dev_number')}"), 0xffff)
                self.assertEqual(sum(last - first + 1 for first, last in mine) * 512, case.outcome["listed_bad_bytes"])
                self.assertGreater(len(mine), 0)

    def test_the_kernel_takes_every_recovery_as_complete(self):
        for number, case in enumerate(self.recovered):
            with self.subTest(case.name):
                self.assertTrue(case.outcome["completed"])
                self.assertEqual(self.seen(f"r{number}.begun"), "")
                self.assertIn("degraded=0", self.seen(f"r{number}.sysfs"))

    def test_what_was_found_is_untouched(self):
        for case in [*self.cases, *self.recovered]:
            with self.subTest(case.name):
                self.assertEqual([fingerprint(image) for image in case.images], case.before)


if __name__ == "__main__":
    mend_cases.BITMENDCTL, mend_cases.APPLY_OVERLAY = lab.programs(__doc__, 2)
    lab.run_tests()
