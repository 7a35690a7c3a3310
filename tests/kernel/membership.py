#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bitmendctl fail, remove and re-add leave behind what the kernel does, field for field, and the kernel
takes a member that was added again without copying anything more.

  membership.py BITMENDCTL APPLY_OVERLAY [unittest arguments]
"""

import tempfile
import unittest
from pathlib import Path

import guest_disks
import judge_mend
import lab
import mdimage
import mend_cases
import pool
from mend_cases import Case, differences, fingerprint, kernel_mends

FLAVOURS = [(3, "1.2", "internal"), (2, "1.0", "internal"), (3, "0.90", "internal"), (2, "1.1", "internal"),
            (2, "1.1", "none"), (2, "1.2", "none"), (2, "1.0", "none"), (3, "0.90", "none"), (2, "1.2", "file")]
# Without a bitmap no member comes back from a failure: its events are behind.
COMES_BACK = [flavour for flavour in FLAVOURS if flavour[2] != "none"]
SECTORS = 16384

MAKE = r"""
make_mirror() {
    md="$1"; last="$2"; leaves="$3"; bitmap="$4"; shift 4
    mdadm --create "/dev/$md" --run --quiet --assume-clean --level=1 --bitmap="$bitmap" "$@" || die "no $md"
    scribble "$md" early 512 64
    [ "$bitmap" != internal ] || wait_clear "$md" "${last##*/}"
    if [ "$leaves" = yes ]; then
        mdadm --quiet "/dev/$md" --fail "$last" --remove "$last" || die "$md keeps $last"
        for spot in 0 1300 4000; do scribble "$md" late $spot 64; done
    fi
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
    case $bitmap in /files/*) cp "$bitmap" /share ;; esac
}
"""

CHANGE = r"""
change() {
    md="$1"; what="$2"; bitmap="$3"; last="$4"; shift 4
    mdadm --assemble $bitmap "/dev/$md" "$@" || die "$md does not start"
    wait_idle "$md"
    mdadm --quiet "/dev/$md" --fail "$last" || die "$md keeps $last"
    sleep 1
    [ "$what" = fail ] || mdadm --quiet "/dev/$md" --remove "$last" || die "$md keeps $last"
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
    [ -z "$bitmap" ] || cp "${bitmap#*=}" /share
}
"""


class ReAdd(Case):
    def mend(self, prefix=()):
        members, returning = self.images[:-1], self.images[-1]
        self.ctl("re-add", "--member", returning, *members, prefix=prefix)
        self.ctl("stop", *self.images, prefix=prefix)


class Fail(Case):
    def mend(self, prefix=()):
        self.ctl("fail", "--member", self.images[-1], *self.images, prefix=prefix)


class Remove(Fail):
    def mend(self, prefix=()):
        super().mend(prefix)
        self.ctl("remove", "--member", self.images[-1], *self.images, prefix=prefix)


def make(folder, kinds):
    """For each kind of case one array of each flavour."""
    disk, share = folder / "pool.img", folder / "share"
    lines, wanted = [], []
    for kind in kinds:
        for slots, metadata, bitmap in COMES_BACK if kind is ReAdd else FLAVOURS:
            number = len(wanted)
            names = [f"m{number}-{index}" for index in range(slots)]
            wanted.append((kind, f"{metadata}, bitmap {bitmap}", names))
            lines += [f"cut_member {name} {SECTORS}" for name in names]
            nodes = [f"/dev/mapper/{name}" for name in names]
            leaves = "yes" if kind is ReAdd else "no"
            if bitmap == "file":
                bitmap = f"/files/m{number}"
            lines.append(f"make_mirror md{30 + number} {nodes[-1]} {leaves} {bitmap} --metadata={metadata} "
                         f"--raid-devices={slots} {' '.join(nodes)}")
    pool.make(disk, sum(len(names) for _, _, names in wanted) * (SECTORS + 4096) * 512)
    begin = MAKE + "files_on /dev/ubdb\n"
    lab.require(lab.run(begin + "\n".join(lines) + "\n", share, [disk, guest_disks.files_disk(folder)], 240))
    cases = []
    for number, (kind, name, names) in enumerate(wanted):
        target = folder / str(number)
        target.mkdir()
        images = [target / f"{index}.img" for index in range(len(names))]
        for image, member in zip(images, names):
            pool.extract(disk, share, member, image)
        bitmap = share / f"m{number}"
        cases.append(kind(f"{kind.__name__}, {name}", target, images, bitmap if bitmap.exists() else None))
    return cases


def kernel_changes(cases, what):
    for some in guest_disks.boots(cases, lambda case: case.images):
        kernel_changes_of(some, what)


def kernel_changes_of(cases, what):
    with tempfile.TemporaryDirectory(prefix="membership-") as scratch:
        guest = guest_disks.GuestDisks(scratch, Path(scratch) / "share")
        for number, case in enumerate(cases):
            nodes = case.as_kernels(guest, f"k{number}")
            option = guest.bitmap(case.bitmap, f"bitmap{number}")
            guest.lines.append(f"change md{20 + number} {what} '{option}' {nodes[-1]} {' '.join(nodes)}")
        guest.run(CHANGE)
        for number, case in enumerate(cases):
            if case.bitmap:
                case.kernels_bitmap = case.folder / "kernel-bitmap"
                pool.copy_sparse(guest.share / f"bitmap{number}", case.kernels_bitmap)


class Membership(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="membership-")
        cls.addClassCleanup(scratch.cleanup)
        cls.cases = make(Path(scratch.name), (ReAdd, Fail, Remove))
        for case in cls.cases:
            case.mend()
            case.merge()

    def of(self, kind):
        return [case for case in self.cases if type(case) is kind]

    def compare(self, kind):
        for case in self.of(kind):
            for ours, kernels in zip(case.mended, case.kernels):
                with self.subTest(f"{case.name}, {ours.name}"):
                    self.assertEqual(list(differences(ours, kernels)), [])

    def compare_files(self, kind):
        files = [case for case in self.of(kind) if case.bitmap]
        self.assertGreater(len(files), 0)
        for case in files:
            with self.subTest(case.name):
                ours, kernels = (mdimage.Bitmap(path, 0) for path in (case.mended_bitmap, case.kernels_bitmap))
                self.assertEqual(list(mend_cases.bitmap_differences(ours, kernels)), [])

    def test_re_add_leaves_what_the_kernel_leaves(self):
        kernel_mends(self.of(ReAdd))
        self.compare(ReAdd)

    def test_the_kernel_accepts_a_member_that_was_added_again(self):
        for case in self.of(ReAdd):
            with self.subTest(case.name):
                files = (case.bitmap, case.mended_bitmap) if case.bitmap else None
                wrong, _ = judge_mend.judge(case.images, case.mended, files=files)
                self.assertEqual(wrong, [])

    def test_fail_leaves_what_the_kernel_leaves(self):
        kernel_changes(self.of(Fail), "fail")
        self.compare(Fail)
        self.compare_files(Fail)

    def test_remove_leaves_what_the_kernel_leaves(self):
        kernel_changes(self.of(Remove), "remove")
        self.compare(Remove)
        self.compare_files(Remove)

    def test_a_failed_member_is_two_updates_behind_and_untouched(self):
        for case in self.of(Fail) + self.of(Remove):
            with self.subTest(case.name):
                name = "events_lo" if case.name.split()[1] == "0.90," else "events"
                first, failed = mdimage.Member(case.mended[0]), mdimage.Member(case.mended[-1])
                self.assertGreaterEqual(first.get(name), failed.get(name) + 2)
                self.assertEqual(failed.block, mdimage.Member(case.images[-1]).block)

    def test_members_are_untouched(self):
        for case in self.cases:
            with self.subTest(case.name):
                self.assertEqual([fingerprint(image) for image in case.everything()], case.before)


if __name__ == "__main__":
    mend_cases.BITMENDCTL, mend_cases.APPLY_OVERLAY = lab.programs(__doc__, 2)
    lab.run_tests()
