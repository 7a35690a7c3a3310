#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The kernel makes arrays and loses their members one after the other while they are written to. What
bitmendctl then makes of them on overlays, with members accepted by name, the kernel assembles without
force: no member kicked, nothing unexpected resynced, and all that was written before the accepted member
left is there. Beside it, mdadm --force on copies of the same images does what the plan says it would.

  force.py BITMENDCTL APPLY_OVERLAY [unittest arguments]
"""

import json
import os
import tempfile
import unittest
from pathlib import Path

import lab
import mdimage
import mend_cases
import pool
from mend_cases import fingerprint, run

SECTORS = 16384
EARLY, MIDDLE, LATE = (512, 2112), (1088, 3072), (1536, 3648)  # KiB in the array; 64 KiB each

MAKE = r"""
write_spots() {
    md="$1"; what="$2"; shift 2
    for spot in "$@"; do scribble "$md" "$what" "$spot" 64 || true; done
    sleep 1
}
make_array() {
    md="$1"; level="$2"; shift 2
    chunk=--chunk=64
    [ "$level" != 1 ] || chunk=
    mdadm --create "/dev/$md" --run --quiet --assume-clean --level="$level" --bitmap=internal --bitmap-chunk=64K \
        $chunk --raid-devices=$# "$@" || die "no $md"
    md_set "$md" safe_mode_delay 0.05
}
"""

JUDGE = r"""
# holds ARRAY SEED KIB: what scribble wrote there.
holds() {
    yes "bitmend $2 $3" | head -c 65536 > /tmp/expected
    dd if="/dev/$1" bs=64k skip=$(($3 / 64)) count=1 of=/tmp/found 2>/dev/null
    cmp -s /tmp/expected /tmp/found
}
ours() {
    name="$1"; md="$2"; folder="/share/$name"; shift 2
    mkdir -p "$folder"
    mdadm --assemble --run "/dev/$md" "$@" > "$folder/assemble" 2>&1
    wait_idle "$md"
    dump_array "$md" > "$folder/sysfs"
    for spot in EARLY_SPOTS; do holds "$md" early $spot && echo "early $spot" >> "$folder/holds"; done
    for spot in MIDDLE_SPOTS; do holds "$md" middle $spot && echo "middle $spot" >> "$folder/holds"; done
    [ "$(md_get "$md" degraded)" != 0 ] || run_check "$md" > "$folder/check"
    mdadm --quiet --stop "/dev/$md"
}
forced() {
    name="$1"; md="$2"; folder="/share/$name"; shift 2
    mdadm --assemble --run "/dev/$md" "$@" > "$folder/unforced" 2>&1
    case "$(md_get "$md" array_state)" in
        '' | clear | inactive) ;;
        *) echo started > "$folder/unforced.starts" ;;
    esac
    mdadm --quiet --stop "/dev/$md" 2>/dev/null
    mdadm --assemble --force --run "/dev/$md" "$@" > "$folder/forced" 2>&1
    dump_array "$md" > "$folder/forced.sysfs"
    mdadm --quiet --stop "/dev/$md" 2>/dev/null
}
"""


class Forced:
    """One array. `lost`: what leaves at each step; `accept`: the members that are accepted, by index;
    `dirty`: the power goes while it is degraded. `takes`: who takes part in the end."""

    def __init__(self, name, level, disks, lost, accept, takes, dirty=False, middle=True):
        self.name, self.level, self.disks, self.lost = name, level, disks, lost
        self.accept, self.takes, self.dirty, self.middle = accept, takes, dirty, middle

    def steps(self, md):
        names = [f"{self.name}-{index}" for index in range(self.disks)]
        spots = iter([" ".join(map(str, part)) for part in (EARLY, MIDDLE, LATE, LATE)])
        lines = [f"cut_member {name} {SECTORS}" for name in names]
        lines.append(f"make_array {md} {self.level} " + " ".join(f"/dev/mapper/{name}" for name in names))
        lines.append(f"write_spots {md} early {next(spots)}")
        lines.append(f"wait_clear {md} {names[0]}")
        for number, members in enumerate(self.lost):
            if self.dirty and number == len(self.lost) - 1:
                lines.append(f"hold_dirty {md}")
            lines += [f"break_member {names[index]}" for index in members]
            lines.append(f"write_spots {md} {'middle' if number == 0 else 'late'} {next(spots)}")
        if not self.dirty:
            lines.append(f"mdadm --quiet --stop /dev/{md} || die {md} does not stop")
        return lines

    def words(self):
        words = [word for index in self.accept for word in ("--accept-stale", self.images[index])]
        return words + (["--accept-dirty-degraded"] if self.dirty else [])

    def ctl(self, command, *arguments):
        return run(mend_cases.BITMENDCTL, command, "--overlay", self.folder / "overlay", *arguments, *self.images)

    def mend(self):
        self.before = [fingerprint(image) for image in self.images]
        self.unforced = json.loads(self.ctl("plan", "--json").stdout)
        self.plan = json.loads(self.ctl("plan", "--json", *self.words()).stdout)
        self.ctl("stop", *self.words())
        self.mended = []
        for index in self.takes:
            copy = self.folder / f"mended-{index}.img"
            pool.copy_sparse(self.images[index], copy)
            run(mend_cases.APPLY_OVERLAY, self.images[index], self.folder / "overlay", copy)
            self.mended.append(copy)


CASES = [
    Forced("steps5", 5, 3, [[2], [1]], accept=[1], takes=[0, 1]),
    Forced("older5", 5, 3, [[2], [1]], accept=[2], takes=[0, 2], middle=False),
    Forced("steps6", 6, 5, [[4], [3], [2]], accept=[2], takes=[0, 1, 2]),
    Forced("steps10", 10, 4, [[3], [2]], accept=[2], takes=[0, 1, 2]),
    Forced("mirror", 1, 3, [[2], [1]], accept=[1], takes=[0]),
    Forced("together5", 5, 3, [[1, 2]], accept=[1, 2], takes=[0, 1, 2], middle=False),
    Forced("dirty5", 5, 3, [[2]], accept=[], takes=[0, 1], dirty=True),
    Forced("dirty6", 6, 4, [[3]], accept=[], takes=[0, 1, 2], dirty=True),
]


def make(folder):
    disk, share = folder / "pool.img", folder / "share"
    lines = [line for number, case in enumerate(CASES) for line in case.steps(f"md{40 + number}")]
    pool.make(disk, sum(case.disks for case in CASES) * (SECTORS + 4096) * 512)
    lab.require(lab.run(MAKE + "\n".join(lines) + "\ncrash_now\n", share, [disk], 300), crash=True)
    for case in CASES:
        case.folder = folder / case.name
        case.folder.mkdir()
        case.images = []
        for index in range(case.disks):
            case.images.append(case.folder / f"m{index}.img")
            pool.extract(disk, share, f"{case.name}-{index}", case.images[-1])


def put(disk, share, images):
    """All images into one disk, as cut_member would have laid them out."""
    start, lines = 0, []
    with open(disk, "wb") as out:
        for name, image in images:
            size = os.stat(image).st_size
            lines.append(f"{name} {start // 512} {size // 512}\n")
            with open(image, "rb") as source:
                for begin, end in pool.data_ranges(source.fileno(), 0, size):
                    os.pwrite(out.fileno(), os.pread(source.fileno(), end - begin, begin), start + begin)
            start += (size + (1 << 20) - 1) >> 20 << 20
        out.truncate(start)
    share.mkdir()
    (share / "slices").write_text("".join(lines))


def judge(folder):
    disk, share = folder / "judge.img", folder / "judge"
    images, lines = [], ["reopen_members"]
    for number, case in enumerate(CASES):
        mended = [(f"o{number}-{index}", image) for index, image in zip(case.takes, case.mended)]
        originals = [(f"f{number}-{index}", image) for index, image in enumerate(case.images)]
        images += mended + originals
        for verb, names, md in (("ours", mended, 60 + number), ("forced", originals, 80 + number)):
            nodes = " ".join(f"/dev/mapper/{name}" for name, _ in names)
            lines.append(f"{verb} {case.name} md{md} {nodes}")
    put(disk, share, images)
    spots = {"EARLY_SPOTS": EARLY, "MIDDLE_SPOTS": MIDDLE}
    script = JUDGE + "\n".join(lines) + "\n"
    for word, values in spots.items():
        script = script.replace(word, " ".join(map(str, values)))
    lab.require(lab.run(script + "dmesg > /share/dmesg\n", share, [disk], 300))
    return share


def of(*names):
    """Makes a test of each case out of one for a case; all of them when none is named."""
    def decorate(test):
        def each(self):
            for case in CASES:
                if not names or case.name in names:
                    with self.subTest(case.name):
                        test(self, case)
        return each
    return decorate


class Force(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="force-")
        cls.addClassCleanup(scratch.cleanup)
        folder = Path(scratch.name)
        make(folder)
        for case in CASES:
            case.mend()
        cls.share = judge(folder)

    def read(self, case, name):
        path = self.share / case.name / name
        return path.read_text() if path.is_file() else ""

    @of()
    def test_the_kernel_takes_every_member_without_force(self, case):
        sysfs = pool.parse_sysfs(self.read(case, "sysfs"))
        self.assertEqual(sysfs.get("degraded"), str(case.disks - len(case.takes)), self.read(case, "assemble"))
        states = {member["slot"]: member["state"] for member in sysfs["members"].values()}
        self.assertEqual(states, {str(index): "in_sync" for index in case.takes})
        self.assertEqual(sysfs["resync_start"], "none")

    def test_nothing_is_kicked(self):
        console = (self.share / "dmesg").read_text()
        ours = [line for line in console.splitlines() if "kicking" in line
                and any(f"md{60 + number}:" in line for number in range(len(CASES)))]
        self.assertEqual(ours, [])

    @of()
    def test_what_was_written_before_it_left_is_there(self, case):
        wanted = [f"early {spot}" for spot in EARLY] + [f"middle {spot}" for spot in MIDDLE if case.middle]
        self.assertEqual(set(wanted) - set(self.read(case, "holds").splitlines()), set())

    @of("together5")
    def test_complete_arrays_are_consistent_after_the_resync(self, case):
        self.assertEqual(self.read(case, "check").strip(), "0")
        self.assertTrue(case.plan["force"]["resync_follows"])

    @of()
    def test_the_superblocks_are_what_the_plan_said(self, case):
        if case.plan["force"] is None:
            return
        for change in case.plan["force"]["changes"]:
            if change["field"] == "events":
                index = [str(image) for image in case.images].index(change["path"])
                mended = mdimage.Member(case.mended[case.takes.index(index)])
                self.assertGreaterEqual(mended.get("events"), int(change["after"]))
        counts = {mdimage.Member(image).get("events") for image in case.mended}
        self.assertEqual(len(counts), 1)

    @of()
    def test_mdadm_refuses_without_force_and_does_with_it_what_the_plan_says(self, case):
        forced = case.plan["force"]
        self.assertEqual(bool(self.read(case, "unforced.starts")), case.unforced["array"]["can_start"])
        sysfs = pool.parse_sysfs(self.read(case, "forced.sysfs"))
        if forced is None:
            return
        # Members that were up to date, and those whose events were raised.
        told = {member["role"] for member in case.unforced["array"]["members"] if member["state"] == "in_sync"}
        raised = {Path(one["path"]).name for one in forced["mdadm_force"]["raised"]}
        told |= {index for index, image in enumerate(case.images) if image.name in raised}
        self.assertTrue(forced["mdadm_force"]["starts"])
        took = {int(member["slot"]) for member in sysfs["members"].values() if member["slot"].isdigit()}
        self.assertEqual(took, told, self.read(case, "forced"))

    @of("steps5", "steps6", "steps10")
    def test_the_choices_that_help_are_named(self, case):
        for index in case.accept:
            self.assertIn(f"m{index}.img", case.unforced["array"]["explanation"])

    @of("dirty5", "dirty6")
    def test_the_acceptance_of_dirt_is_named(self, case):
        self.assertIn("--accept-dirty-degraded", case.unforced["array"]["explanation"])

    @of("mirror")
    def test_a_mirror_starts_without_the_member_that_was_accepted(self, case):
        self.assertIsNone(case.plan["force"])
        self.assertEqual([Path(path).name for path in case.plan["taking"]], ["m0.img"])

    @of("dirty5", "dirty6")
    def test_the_write_hole_is_what_the_bitmap_says(self, case):
        bitmap = mdimage.Member(case.images[0]).bitmap()
        chunk = bitmap.get("chunksize") // 512
        told = [at for first, last in case.plan["force"]["untrusted_sectors"]
                for at in range(first // chunk, last // chunk + 1)]
        self.assertEqual(told, bitmap.dirty())
        self.assertTrue(told)

    @of("steps5", "steps6", "dirty5")
    def test_bits_of_what_may_be_torn_are_kept(self, case):
        kept = set(mdimage.Member(case.mended[-1]).bitmap().dirty())
        self.assertLessEqual(set(mdimage.Member(case.images[0]).bitmap().dirty()), kept)

    @of()
    def test_members_are_untouched(self, case):
        self.assertEqual([fingerprint(image) for image in case.images], case.before)


if __name__ == "__main__":
    mend_cases.BITMENDCTL, mend_cases.APPLY_OVERLAY = lab.programs(__doc__, 2)
    lab.run_tests()
