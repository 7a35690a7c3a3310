#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What bitmendctl writes into mirrors that the kernel made is what the kernel then finds there.

  write_judged.py BITMENDCTL APPLY_OVERLAY [unittest arguments]

Of each mirror one copy is stopped after random writes: the kernel starts no resync. Of another one the last
write is killed (-9), and one member loses what it had of it: the kernel resyncs what the bitmap names and
no more, and nothing that was acknowledged is lost. In both its check then counts nothing.
"""

import os
import random
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

import guest_disks
import lab
import mdimage
import mend_cases
import pool
from judge_many import data_of
from mend_cases import Case, fingerprint

# Slots, metadata, sectors of a member, KiB of a bitmap chunk (0: no bitmap), whether the bitmap is in a file.
SHAPES = [(2, "1.2", 20480, 16, False), (3, "1.2", 24576 + 344, 64, False), (2, "1.0", 16384, 4, False),
          (2, "0.90", 16384, 64, False), (2, "1.1", 16384, 0, False), (2, "1.1", 16384, 16, False),
          (2, "0.90", 16384, 0, False), (2, "1.2", 16384, 16, True), (2, "0.90", 16384, 4, True)]
WRITES = 8
PIECE = 8192  # what is acknowledged at a time by the write that is killed
ACKNOWLEDGED = 20 * PIECE
LAST = 60 * PIECE
# Superblocks and bitmap pages that a start, a resync and a stop write, in sectors.
METADATA = 300

MAKE = r"""
make_mirror() {
    md="$1"; bitmap="$2"; shift 2
    mdadm --create "/dev/$md" --run --quiet --assume-clean --level=1 --bitmap="$bitmap" "$@" || die "no $md"
    for spot in 0 512 1300 4000; do scribble "$md" "$md" $spot 256; done
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
    case $bitmap in /files/*) cp "$bitmap" /share ;; esac
}
"""

JUDGE = r"""
judge() {
    name="$1"; md="$2"; bitmap="$3"; shift 3
    dmesg -c > /dev/null
    mdadm --assemble $bitmap "/dev/$md" "$@" 2> "$name.assemble" || die "$md does not start: $(cat "$name.assemble")"
    wait_idle "$md"
    dmesg | grep ' of RAID array ' > "$name.begun"
    for node in "$@"; do member_sectors_written "${node##*/}"; done > "$name.written"
    dump_array "$md" > "$name.sysfs"
    run_check "$md" > "$name.check"
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
}
"""


def make(folder):
    """The members of each mirror, and the file with its bitmap."""
    disk, share = folder / "pool.img", folder / "share"
    lines = []
    for number, (slots, metadata, sectors, chunk, in_file) in enumerate(SHAPES):
        nodes = []
        for index in range(slots):
            lines.append(f"cut_member m{number}-{index} {sectors}")
            nodes.append(f"/dev/mapper/m{number}-{index}")
        bitmap = f"/files/m{number}" if in_file else "internal" if chunk else "none"
        option = f"--bitmap-chunk={chunk}K" if chunk else ""
        lines.append(f"make_mirror md{40 + number} {bitmap} --metadata={metadata} --raid-devices={slots} {option} "
                     f"{' '.join(nodes)}")
    pool.make(disk, sum(slots * (sectors + 4096) for slots, _, sectors, *_ in SHAPES) * 512)
    begin = MAKE + "files_on /dev/ubdb\n"
    lab.require(lab.run(begin + "\n".join(lines) + "\n", share, [disk, guest_disks.files_disk(folder)]))
    mirrors = []
    for number, (slots, *_) in enumerate(SHAPES):
        images = [folder / f"{number}-{index}.img" for index in range(slots)]
        for index, image in enumerate(images):
            pool.extract(disk, share, f"m{number}-{index}", image)
        bitmap = share / f"m{number}"
        mirrors.append((images, bitmap if bitmap.exists() else None))
    return mirrors


class Written(Case):
    """A mirror that is written to. `content` is what has been acknowledged."""

    def __init__(self, name, folder, images, bitmap, seed):
        folder.mkdir()
        super().__init__(name, folder, images, bitmap)
        self.choice = random.Random(seed)
        self.content = bytearray(data_of(images[0]))
        self.old = None

    def write(self):
        length = self.choice.choice([1, 512, 4096, 70_000, 200_000])
        at = self.choice.randrange(len(self.content) - length)
        data = self.choice.randbytes(length)
        source = self.folder / "input"
        source.write_bytes(data)
        self.ctl("write", "--offset", at, "--flush-every", "32K", source, *self.images)
        self.content[at:at + length] = data

    def write_and_die(self):
        self.at = self.choice.randrange(0, len(self.content) - LAST, 512)
        self.data = self.choice.randbytes(LAST)
        self.old = bytes(self.content[self.at:self.at + LAST])
        bitmap = ["--bitmap-file", self.bitmap] if self.bitmap else []
        process = subprocess.Popen([mend_cases.BITMENDCTL, "write", "--verbose", "--overlay", self.overlay, *bitmap,
                                    "--offset", str(self.at), "--flush-every", str(PIECE), "-", *self.images],
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        process.stdin.write(self.data[:ACKNOWLEDGED + 3 * PIECE])
        process.stdin.flush()
        for line in process.stderr:
            if f"bytes 0 to {ACKNOWLEDGED} ".encode() in line:
                break
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        self.content[self.at:self.at + ACKNOWLEDGED] = self.data[:ACKNOWLEDGED]

    def lose_a_copy(self):
        """The last acknowledged piece never came to the last member, as after a power cut."""
        member = mdimage.Member(self.mended[-1])
        last = self.at + ACKNOWLEDGED - PIECE
        with open(self.mended[-1], "r+b") as file:
            file.seek(member.data_start() + last)
            file.write(self.old[ACKNOWLEDGED - PIECE:ACKNOWLEDGED])

    def named(self):
        """Bytes that a resync by the bitmap of the first member copies; all without one."""
        bitmap = mdimage.Bitmap(self.mended_bitmap, 0) if self.bitmap else mdimage.Member(self.mended[0]).bitmap()
        return len(bitmap.dirty()) * bitmap.get("chunksize") if bitmap else len(self.content)

    def complaint(self, content):
        """Everything acknowledged is there; of the rest of the killed write each piece is old or new."""
        if self.old is None:
            return "" if content == self.content else "what was written is not there"
        begin, end = self.at + ACKNOWLEDGED, self.at + LAST
        if content[:begin] != self.content[:begin] or content[end:] != self.content[end:]:
            return "what was acknowledged is not there"
        for piece in range(ACKNOWLEDGED, LAST, 512):
            found = content[self.at + piece:self.at + piece + 512]
            if found not in (self.old[piece:piece + 512], self.data[piece:piece + 512]):
                return f"neither old nor new at byte {self.at + piece}"
        return ""


class WriteJudged(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="write-judged-")
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = Path(scratch.name)
        cls.stopped, cls.killed = [], []
        for number, (images, bitmap) in enumerate(make(cls.folder)):
            slots, metadata, _, chunk, in_file = SHAPES[number]
            for kind, cases in (("stopped", cls.stopped), ("killed", cls.killed)):
                place = ", in a file" if in_file else ""
                case = Written(f"{slots} slots, {metadata}, {chunk} KiB{place}, {kind}", cls.folder / f"{kind}{number}",
                               images, bitmap, number)
                for _ in range(WRITES):
                    case.write()
                if kind == "killed":
                    case.write_and_die()
                case.merge()
                cases.append(case)
        for case in cls.killed:
            case.lose_a_copy()
            case.due = case.named()
        cls.shares = {kind: cls.judge(kind, cases) for kind, cases in (("stopped", cls.stopped), ("killed", cls.killed))}

    @classmethod
    def judge(cls, kind, cases):
        share = cls.folder / f"share-{kind}"
        for some in guest_disks.boots(list(enumerate(cases)), lambda numbered: numbered[1].mended):
            guest = guest_disks.GuestDisks(cls.folder, share)
            for number, case in some:
                nodes = guest.members(f"{kind}{number}", case.mended)
                option = guest.bitmap(case.mended_bitmap, f"bitmap{number}")
                guest.lines.append(f"judge {number} md{60 + number} '{option}' {' '.join(nodes)}")
            guest.run(JUDGE)
        return share

    def accepted(self, kind, number, case):
        """The kernel took every member, counts no difference, and all hold what was acknowledged."""
        share = self.shares[kind]
        array = pool.parse_sysfs((share / f"{number}.sysfs").read_text())
        self.assertEqual((array["degraded"], array["resync_start"]), ("0", "none"))
        self.assertEqual(len(array["members"]), len(case.images))
        self.assertEqual((share / f"{number}.check").read_text().strip(), "0")
        for copy in case.mended:
            self.assertEqual(case.complaint(data_of(copy)), "")

    def test_after_a_stop_the_kernel_has_nothing_to_do(self):
        for number, case in enumerate(self.stopped):
            with self.subTest(case.name):
                self.accepted("stopped", number, case)
                self.assertEqual((self.shares["stopped"] / f"{number}.begun").read_text(), "")

    def test_after_a_kill_the_kernel_resyncs_what_is_named_and_nothing_is_lost(self):
        for number, case in enumerate(self.killed):
            with self.subTest(case.name):
                self.accepted("killed", number, case)
                self.assertIn("resync of RAID array", (self.shares["killed"] / f"{number}.begun").read_text())
                written = [int(line) for line in (self.shares["killed"] / f"{number}.written").read_text().split()]
                self.assertGreater(max(written[1:]), PIECE // 512)
                for sectors in written[1:]:
                    self.assertLessEqual(sectors, case.due // 512 + METADATA)
                if SHAPES[number][3]:
                    self.assertLess(case.due, len(case.content) // 4)

    def test_members_are_untouched(self):
        for case in self.stopped + self.killed:
            self.assertEqual([fingerprint(image) for image in case.everything()], case.before)


if __name__ == "__main__":
    mend_cases.BITMENDCTL, mend_cases.APPLY_OVERLAY = lab.programs(__doc__, 2)
    lab.run_tests()
