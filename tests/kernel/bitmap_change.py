#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bitmendctl bitmap-add and bitmap-remove leave behind what mdadm --grow --bitmap does, field for field, and
the kernel takes the array with all its members and nothing to resync.

  bitmap_change.py BITMENDCTL APPLY_OVERLAY [unittest arguments]
"""

import tempfile
import unittest
from pathlib import Path

import guest_disks
import judge_many
import lab
import mdimage
import mend_cases
import pool
from mend_cases import Case, differences, fingerprint

SECTORS = 16384
BIG = 126 << 11  # with the smallest chunks, bitmaps of two pages where there is room for them

# Metadata, slots, of which the last is missing, sectors, the option of mdadm for the chunk, our options.
ADDED = [
    ("1.2", 2, False, SECTORS, "", []),
    ("1.1", 2, False, SECTORS, "--bitmap-chunk=4K", ["--chunk", "4K"]),
    ("1.0", 2, False, SECTORS, "", []),
    ("1.0", 3, True, SECTORS + 344, "--bitmap-chunk=64K", ["--chunk", "64K"]),
    ("0.90", 2, False, BIG, "--bitmap-chunk=4K", ["--chunk", "4K"]),
    ("0.90", 3, True, SECTORS, "", []),
]
# Metadata, slots, sectors, options: placed where mdadm would not, so that only the kernel has a say.
PLACED = [
    ("1.2", 2, BIG, ["--chunk", "4K", "--location", "64"]),
    ("1.1", 2, SECTORS, ["--chunk", "4K", "--location", "40"]),
    ("1.0", 2, BIG, ["--chunk", "4K", "--location", "-64"]),
]
FILES = [("1.2", 2, SECTORS, []), ("1.0", 3, SECTORS, ["--chunk", "4K"])]

MAKE = r"""
make_mirror() {
    md="$1"; last="$2"; leaves="$3"; shift 3
    mdadm --create "/dev/$md" --run --quiet --assume-clean --level=1 "$@" || die "no $md"
    for spot in 0 1300 4000; do scribble "$md" "$md" $spot 128; done
    if [ "$leaves" = yes ]; then
        mdadm --quiet "/dev/$md" --fail "$last" --remove "$last" || die "$md keeps $last"
        scribble "$md" late 512 64
    fi
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
    [ ! -e "/files/$md" ] || cp "/files/$md" /share
}
"""

CHANGE = r"""
reopen_members
change() {
    md="$1"; chunk="$2"; bitmap="$3"; shift 3
    mdadm --assemble --run $bitmap "/dev/$md" "$@" 2> /dev/null || die "$md does not start"
    wait_idle "$md"
    if [ "$chunk" = none ]; then mdadm --quiet --grow "/dev/$md" --bitmap=none || die "$md keeps its bitmap"
    else mdadm --quiet --grow "/dev/$md" --bitmap=internal $chunk || die "$md gets no bitmap"; fi
    wait_idle "$md"
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
}
"""


class Add(Case):
    def mend(self, prefix=()):
        self.ctl("bitmap-add", *self.options, *self.images, prefix=prefix)


class Remove(Case):
    def mend(self, prefix=()):
        self.ctl("bitmap-remove", *self.images, prefix=prefix)


class AddFile(Case):
    """The file is made beside the overlays, and from then on what goes to it goes to them."""

    def mend(self, prefix=()):
        self.bitmap = self.folder / "bitmap"
        self.mended_bitmap = self.folder / "mended-bitmap"
        self.ctl("bitmap-add", *self.options, *self.images, prefix=prefix)


def make(folder, wanted):
    """The members of each (metadata, slots, is the last missing, sectors, bitmap)."""
    disk, share = folder / "pool.img", folder / "share"
    lines = []
    for number, (metadata, slots, leaves, sectors, bitmap) in enumerate(wanted):
        nodes = []
        for index in range(slots):
            lines.append(f"cut_member m{number}-{index} {sectors}")
            nodes.append(f"/dev/mapper/m{number}-{index}")
        # What the array does not use of each member is room before the superblock of 1.0.
        size = f"--size={sectors // 2 - 4096}" if (metadata, sectors) == ("1.0", BIG) else ""
        if bitmap == "file":
            bitmap = f"/files/md{30 + number}"
        lines.append(f"make_mirror md{30 + number} {nodes[-1]} {'yes' if leaves else 'no'} --metadata={metadata} "
                     f"--bitmap={bitmap} {size} --raid-devices={slots} {' '.join(nodes)}")
    pool.make(disk, sum(slots * (sectors + 4096) for _, slots, _, sectors, _ in wanted) * 512)
    begin = MAKE + "files_on /dev/ubdb\n"
    lab.require(lab.run(begin + "\n".join(lines) + "\n", share, [disk, guest_disks.files_disk(folder)], 240))
    made = []
    for number, (_, slots, leaves, _, _) in enumerate(wanted):
        target = folder / str(number)
        target.mkdir()
        images = [target / f"{index}.img" for index in range(slots - (1 if leaves else 0))]
        for index, image in enumerate(images):
            pool.extract(disk, share, f"m{number}-{index}", image)
        bitmap = share / f"md{30 + number}"
        made.append((target, images, bitmap if bitmap.exists() else None))
    return made


def kernel_changes(cases):
    """mdadm --grow on copies of all of them, in one boot."""
    with tempfile.TemporaryDirectory(prefix="bitmap-change-") as scratch:
        share, disk = Path(scratch) / "share", Path(scratch) / "pool.img"
        share.mkdir()
        table, lines, start = [], ["files_on /dev/ubdb"], 0
        for number, case in enumerate(cases):
            bring, option = guest_disks.bring_bitmap(case.bitmap, share, f"bitmap{number}")
            lines += bring
            nodes = []
            for index, image in enumerate(case.images):
                size = image.stat().st_size // 512
                table.append(f"k{number}-{index} {start} {size}")
                nodes.append(f"/dev/mapper/k{number}-{index}")
                start += -(-size // 2048) * 2048
            lines.append(f"change md{20 + number} '{case.chunk}' '{option}' {' '.join(nodes)}")
        pool.make(disk, start * 512)
        with open(disk, "r+b") as target:
            images = [image for case in cases for image in case.images]
            for line, image in zip(table, images):
                judge_many.copy_into(target, int(line.split()[1]) * 512, image)
        (share / "slices").write_text("\n".join(table) + "\n")
        lab.require(lab.run(CHANGE + "\n".join(lines) + "\n", share, [disk, guest_disks.files_disk(scratch)], 240))
        for number, case in enumerate(cases):
            for index, copy in enumerate(case.kernels):
                pool.extract(disk, share, f"k{number}-{index}", copy)


class BitmapChange(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="bitmap-change-")
        cls.addClassCleanup(scratch.cleanup)
        folder = Path(scratch.name)
        removed = [(metadata, 2, False, SECTORS, "internal") for metadata in ("0.90", "1.0", "1.1", "1.2")]
        removed += [("1.2", 2, False, SECTORS, "file")]
        wanted = [(metadata, slots, leaves, sectors, "none") for metadata, slots, leaves, sectors, *_ in ADDED]
        wanted += [(metadata, slots, False, sectors, "none") for metadata, slots, sectors, _ in PLACED + FILES]
        made = iter(make(folder, wanted + removed))
        cls.added = [cls.case(Add, made, *row) for row in ADDED]
        cls.placed = [cls.case(Add, made, metadata, slots, False, sectors, "", options)
                      for metadata, slots, sectors, options in PLACED]
        cls.files = [cls.case(AddFile, made, metadata, slots, False, sectors, "", options)
                     for metadata, slots, sectors, options in FILES]
        cls.removed = [cls.case(Remove, made, metadata, slots, leaves, sectors, "none", [])
                       for metadata, slots, leaves, sectors, _ in removed]
        cls.cases = cls.added + cls.placed + cls.files + cls.removed
        for case in cls.cases:
            case.mend()
            case.merge()
        cls.verdicts = judge_many.judge([(case.mended, None if isinstance(case, Remove) else case.mended_bitmap)
                                         for case in cls.cases])

    @classmethod
    def case(cls, kind, made, metadata, slots, leaves, sectors, chunk, options):
        folder, images, bitmap = next(made)
        case = kind(f"{kind.__name__}, {metadata}, {slots} slots{', degraded' if leaves else ''}, {options}", folder, images,
                    bitmap)
        case.options, case.chunk, case.present = options, chunk, len(images)
        return case

    def test_what_is_left_is_what_mdadm_and_the_kernel_leave(self):
        kernel_changes(self.added + self.removed)
        for case in self.added + self.removed:
            for ours, kernels in zip(case.mended, case.kernels):
                with self.subTest(f"{case.name}, {ours.name}"):
                    self.assertEqual(list(differences(ours, kernels)), [])

    def test_the_kernel_takes_all_members_and_has_nothing_to_do(self):
        for case, verdict in zip(self.cases, self.verdicts):
            with self.subTest(case.name):
                self.assertEqual(list(verdict.complaints(case.present)), [])
                location = verdict.sysfs["bitmap/location"]
                self.assertEqual(location == "none", isinstance(case, Remove), location)

    def test_bitmaps_of_several_pages_are_among_them(self):
        several = [case.name for case in self.added + self.placed
                   if mdimage.Member(case.mended[0]).bitmap().chunks() > 30720]
        self.assertEqual(len(several), 3)

    def test_no_byte_of_data_changes(self):
        for case in self.cases:
            with self.subTest(case.name):
                for before, after in zip(case.images, case.mended):
                    self.assertTrue(judge_many.data_of(before) == judge_many.data_of(after))

    def test_what_a_bitmap_leaves_behind_stays_where_it_was(self):
        for case in self.removed:
            if case.bitmap:
                continue
            with self.subTest(case.name):
                place = mdimage.Member(case.images[0]).bitmap().start
                for before, after in zip(case.images, case.mended):
                    self.assertTrue(before.read_bytes()[place:place + 4096] == after.read_bytes()[place:place + 4096])

    def test_members_are_untouched(self):
        for case in self.cases:
            with self.subTest(case.name):
                found = case.images if isinstance(case, AddFile) else case.everything()  # it makes the file
                self.assertEqual([fingerprint(path) for path in found], case.before)


if __name__ == "__main__":
    mend_cases.BITMENDCTL, mend_cases.APPLY_OVERLAY = lab.programs(__doc__, 2)
    lab.run_tests()
