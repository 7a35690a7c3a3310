#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Bitmend leaves half done, killed or without power, the kernel takes up and finishes.

  cut_short.py CUT_STATES [unittest arguments]

Resync, hot-add with recovery, adding a bitmap, a clean stop and writes are cut short at many steps, on arrays
that the kernel made. Of each state the kernel takes every member, resyncs or recovers what is named as due
and no more, and counts no difference; what it started from and all that was acknowledged is there. With
BITMEND_LONG there are more of them.
"""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import crashed_arrays
import judge_many
import lab
import mdimage
import pool

CUT_STATES = ""
SECTORS = 16384
TIMES = 6 if os.environ.get("BITMEND_LONG") else 1

# Operation, states, metadata, slots, is the last one missing, bitmap.
MADE = [
    ("add", 12, "1.2", 2, True, "internal"),
    ("add", 8, "0.90", 3, True, "internal"),
    ("add", 8, "1.1", 2, True, "none"),
    ("bitmap-add", 8, "1.0", 2, False, "none"),
    ("bitmap-add", 8, "1.2", 3, True, "none"),
    ("stop", 8, "1.2", 2, False, "internal"),
    ("write", 10, "1.0", 2, False, "internal"),
    ("write", 8, "1.1", 3, True, "internal"),
]
CRASHED = [("resync", 8, "1.2", "internal"), ("resync", 8, "0.90", "internal")]
SEED = 2006

# Superblocks, bitmap pages and the 4 KiB that the judge writes, in sectors.
METADATA = 300

MAKE = r"""
make_mirror() {
    md="$1"; last="$2"; leaves="$3"; chunk="$4"; shift 4
    mdadm --create "/dev/$md" --run --quiet --assume-clean --level=1 $chunk "$@" || die "no $md"
    for spot in 0 512 1300 4000; do scribble "$md" "$md" $spot 256; done
    [ "$chunk" = --bitmap=none ] || wait_clear "$md" "${last##*/}"
    if [ "$leaves" = yes ]; then
        mdadm --quiet "/dev/$md" --fail "$last" --remove "$last" || die "$md keeps $last"
        scribble "$md" late 640 64
    fi
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
}
"""


def make(folder):
    disk, share = folder / "pool.img", folder / "share"
    lines = []
    for number, (_, _, metadata, slots, leaves, bitmap) in enumerate(MADE):
        names = [f"m{number}-{index}" for index in range(slots)]
        lines += [f"cut_member {name} {SECTORS}" for name in names]
        nodes = " ".join(f"/dev/mapper/{name}" for name in names)
        chunk = "--bitmap=none" if bitmap == "none" else "'--bitmap=internal --bitmap-chunk=64K'"
        lines.append(f"make_mirror md{30 + number} /dev/mapper/{names[-1]} {'yes' if leaves else 'no'} {chunk} "
                     f"--metadata={metadata} --raid-devices={slots} {nodes}")
    pool.make(disk, sum(row[3] for row in MADE) * (SECTORS + 4096) * 512)
    lab.require(lab.run(MAKE + "\n".join(lines) + "\n", share, [disk], 240))
    made = []
    for number, (operation, _, _, slots, leaves, _) in enumerate(MADE):
        target = folder / f"made{number}"
        target.mkdir()
        images = [target / f"{index}.img" for index in range(slots - leaves)]
        for index, image in enumerate(images):
            pool.extract(disk, share, f"m{number}-{index}", image)
        if operation == "add":
            images.append(target / "new.img")
            pool.make(images[-1], SECTORS * 512)
        made.append(images)
    return made


def crash(folder):
    """Arrays of which two members were there when the power went, whatever the seed makes first."""
    made = []
    for number, (_, _, metadata, bitmap) in enumerate(CRASHED):
        seed = SEED
        while crashed_arrays.describe(0, seed)["slots"] != 3 or crashed_arrays.describe(0, seed)["sectors"] > 20000:
            seed += 1
        [one] = crashed_arrays.make(folder / f"crashed{number}", 1, seed, flavours=[(metadata, bitmap)])
        made.append([one / "a.img", one / "b.img"])
    return made


class State:
    def __init__(self, operation, folder, facts, images, base, content):
        self.operation, self.facts, self.base, self.content = operation, facts, base, content
        self.all = [folder / image.name for image in images]
        # A newcomer that has not got its superblock yet is not offered.
        self.images = [image for image in self.all if has_superblock(image)]
        self.name = f"{operation} {folder.parent.name}, {facts['kind']} after {facts['cut']} of {facts['of']}"
        members = [mdimage.Member(image) for image in self.images]
        self.due = [self.named(member) for member in members]

    def named(self, member):
        """Sectors that this member's own records allow to be written to it."""
        size = member.data_length() // 512
        newcomer = self.operation == "add" and Path(member.path).name == "new.img"
        if newcomer:
            begun = member.version != "0.90" and member.get("feature_map") & 2
            return size - (member.get("recovery_offset") if begun else 0)
        if not any(is_dirty(mdimage.Member(image)) for image in self.images):
            return 0
        # A newcomer that is no member yet may have anything; md asks those that are.
        bits = [mdimage.Member(image).bitmap() for image in self.images if image.name != "new.img"]
        bits = [bitmap for bitmap in bits if bitmap]
        return max((len(bitmap.dirty()) * bitmap.get("chunksize") // 512 for bitmap in bits), default=0)

    def complaint(self, content):
        """Every byte is old or new, and new where that was acknowledged."""
        for offset, length in self.facts["acknowledged"]:
            if content[offset:offset + length] != self.content[offset:offset + length]:
                return f"what was acknowledged at byte {offset} is not there"
        for at in range(0, len(content), 4096):
            found, old, new = (bytes_of[at:at + 4096] for bytes_of in (content, self.base, self.content))
            if found not in (old, new) and any(byte not in pair for byte, *pair in zip(found, old, new)):
                return f"neither old nor new at byte {at}"
        return ""


def is_dirty(member):
    if member.version == "0.90":
        return not member.get("state") & 1
    return member.get("resync_offset") != (1 << 64) - 1


def has_superblock(image):
    try:
        member = mdimage.Member(image)
    except ValueError:
        return False
    return member.checksum() == member.get("sb_csum")


def cut(operation, count, images, folder):
    folder.mkdir()
    done = subprocess.run([CUT_STATES, operation, str(count * TIMES), str(folder), *map(str, images)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    base, content = judge_many.data_of(images[0]), (folder / "content").read_bytes()
    return [State(operation, folder / str(number), facts, images, base, content)
            for number, facts in enumerate(json.loads((folder / "states.json").read_text()))]


class CutShort(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="cut-short-")
        cls.addClassCleanup(scratch.cleanup)
        folder = Path(scratch.name)
        cls.states = []
        rows = [row[:2] for row in MADE + CRASHED]
        for number, ((operation, count), images) in enumerate(zip(rows, make(folder) + crash(folder))):
            cls.states += cut(operation, count, images, folder / f"cut{number}")
        cls.verdicts = []
        for begin in range(0, len(cls.states), 80):
            part = cls.states[begin:begin + 80]
            target = folder / f"left{begin}"
            target.mkdir()
            cls.verdicts += judge_many.judge([(state.images, None) for state in part], target, 1200)

    def test_there_are_enough_of_them(self):
        killed = sum(state.facts["kind"] == "killed" for state in self.states)
        print(f"{killed} killed, {len(self.states) - killed} without power")
        self.assertGreaterEqual(killed, 40)
        self.assertGreaterEqual(len(self.states) - killed, 40)

    def test_the_kernel_takes_every_member_and_finishes(self):
        for state, verdict in zip(self.states, self.verdicts):
            with self.subTest(state.name):
                self.assertEqual(list(verdict.complaints(len(state.images), may_sync=True, may_force=True)), [])

    def test_it_touches_only_what_is_named(self):
        named = 0
        for state, verdict in zip(self.states, self.verdicts):
            with self.subTest(state.name):
                for due, sectors in zip(state.due, verdict.written):
                    self.assertLessEqual(sectors, due + METADATA)
                    named += due
        self.assertGreater(named, 0)

    def test_nothing_is_lost(self):
        for state, verdict in zip(self.states, self.verdicts):
            with self.subTest(state.name):
                contents = verdict.contents()
                self.assertEqual(state.complaint(contents[0]), "")
                for other in contents[1:]:
                    self.assertTrue(other == contents[0])


if __name__ == "__main__":
    [CUT_STATES] = lab.programs(__doc__, 1)
    lab.run_tests()
