# SPDX-License-Identifier: Apache-2.0
"""What the tests of mends share: a set of images that bitmendctl mends on overlays, the kernel's own mend
of copies of them, and the comparison of what both leave behind."""

import hashlib
import os
import struct
import subprocess
import tempfile
from pathlib import Path

import crashed_arrays
import guest_disks
import judge_mend
import mdimage
import pool

# Set by the test that is run.
BITMENDCTL = ""
APPLY_OVERLAY = ""

# Per update, random, or a count of updates that are ours to choose (the kernel bundles them by time).
FREE_FIELDS = {"utime", "device_uuid", "sb_csum", "events"}
# The kernel notes the number of the node that an array is started as.
FREE_WORDS = {mdimage.WORDS_0[name] for name in ("utime", "sb_csum", "md_minor", "events_lo", "events_hi", "cp_events_lo", "cp_events_hi")}

KERNEL_MENDS = r"""
mend() {
    md="$1"; bitmap="$2"; spare="$3"; shift 3
    mdadm --assemble --run $bitmap "/dev/$md" "$@" || die "$md does not start"
    wait_idle "$md"
    mdadm "/dev/$md" --add "$spare" || die "$md takes no spare"
    wait_idle "$md"
    mdadm --stop "/dev/$md" || die "$md does not stop"
}
"""


def run(*command, allowed=(0,)):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode not in allowed:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def fingerprint(path):
    """Changes with every write to the file; holes are not read."""
    state, digest = os.stat(path), hashlib.sha256()
    with open(path, "rb") as file:
        for begin, end in pool.data_ranges(file.fileno(), 0, state.st_size):
            digest.update(f"{begin} {end} ".encode())
            digest.update(os.pread(file.fileno(), end - begin, begin))
    return digest.hexdigest(), state.st_mtime_ns, state.st_size


class Case:
    """`images` are the members and, last, the spare. `bitmap` is the file of an external bitmap."""

    def __init__(self, name, folder, images, bitmap=None):
        self.name, self.folder, self.images = name, Path(folder), [Path(image) for image in images]
        self.bitmap = Path(bitmap) if bitmap else None
        self.overlay = self.folder / "overlay"
        self.before = [fingerprint(image) for image in self.everything()]
        self.mended = [self.folder / f"mended-{image.name}" for image in self.images]
        self.kernels = [self.folder / f"kernel-{image.name}" for image in self.images]
        self.mended_bitmap = self.folder / "mended-bitmap" if bitmap else None

    def everything(self):
        return self.images + ([self.bitmap] if self.bitmap else [])

    def ctl(self, command, *arguments, prefix=(), allowed=(0,)):
        """Each step is a process of its own: all that connects them lies in the overlays."""
        words = ["--overlay", self.overlay] + (["--bitmap-file", self.bitmap] if self.bitmap else [])
        return run(*prefix, BITMENDCTL, command, *words, *arguments, allowed=allowed)

    def mend(self, prefix=()):
        members, spare = self.images[:-1], self.images[-1]
        self.ctl("resync", *members, prefix=prefix)
        self.ctl("add", "--spare", spare, *members, prefix=prefix)
        self.ctl("stop", *self.images, prefix=prefix)

    def merge(self):
        copies = list(zip(self.images, self.mended))
        if self.bitmap:
            copies.append((self.bitmap, self.mended_bitmap))
        for image, copy in copies:
            pool.copy_sparse(image, copy)
            run(APPLY_OVERLAY, image, self.overlay, copy)

    def as_kernels(self, guest, name):
        """The devices of copies as they were found, for the kernel to do as it does."""
        for image, copy in zip(self.images, self.kernels):
            pool.copy_sparse(image, copy)
        return guest.members(name, self.kernels)


def kernel_mends(cases):
    """The kernel's own mend of copies of all of them, as many in one boot as it has disks."""
    for some in guest_disks.boots(cases, lambda case: case.images):
        boot_kernel(some)


def boot_kernel(cases):
    with tempfile.TemporaryDirectory(prefix="kernel-mends-") as scratch:
        guest = guest_disks.GuestDisks(scratch, Path(scratch) / "share")
        for number, case in enumerate(cases):
            nodes = case.as_kernels(guest, f"k{number}")
            option = guest.bitmap(case.bitmap, f"bitmap{number}")
            guest.lines.append(f"mend md{20 + number} '{option}' {nodes[-1]} {' '.join(nodes[:-1])}")
        guest.run(KERNEL_MENDS)


def superblock_differences(mine, its):
    if its.version == "0.90":
        for word in range(1024):
            place = (word - 128) % 32 if word >= 128 else None
            # Times and counts of updates are ours, major and minor those of the machine's devices.
            if word in FREE_WORDS or place in (1, 2):
                continue
            ours, kernels = (struct.unpack_from("<I", member.block, 4 * word)[0] for member in (mine, its))
            if ours != kernels:
                yield f"word {word} is {ours:#x}, the kernel's {kernels:#x}"
        return
    for name in mdimage.FIELDS_1:
        if name not in FREE_FIELDS and mine.get(name) != its.get(name):
            yield f"{name} is {mine.get(name)}, the kernel's {its.get(name)}"
    for number in range(its.get("max_dev")):
        if mine.get(f"role{number}") != its.get(f"role{number}"):
            yield f"dev_roles[{number}] is {mine.get(f'role{number}'):#x}, the kernel's {its.get(f'role{number}'):#x}"


def differences(ours, kernels):
    """Sentences on every field of superblock and bitmap that is not as the kernel leaves it."""
    mine, its = mdimage.Member(ours), mdimage.Member(kernels)
    yield from superblock_differences(mine, its)
    if mine.checksum() != mine.get("sb_csum"):
        yield "its checksum is wrong"
    yield from bitmap_differences(mine.bitmap(), its.bitmap())


def bitmap_differences(mine, its):
    if mine is None or its is None:
        if mine is not its:
            yield "only one of the two has a bitmap"
        return
    for name in mdimage.FIELDS_BITMAP:
        if name != "events" and mine.get(name) != its.get(name):
            yield f"bitmap {name} is {mine.get(name)}, the kernel's {its.get(name)}"
    length = -(-(256 + -(-its.chunks() // 8)) // 512) * 512
    parts = []
    for bitmap in (mine, its):
        with open(bitmap.path, "rb") as file:
            file.seek(bitmap.start + 256)
            parts.append(file.read(length - 256))
    if parts[0] != parts[1]:
        at = next(i for i in range(len(parts[0])) if parts[0][i] != parts[1][i])
        yield f"bitmap byte {256 + at} is {parts[0][at]:#x}, the kernel's {parts[1][at]:#x}"


class JudgedMends:
    """For a test case with FLAVOURS (of crashed_arrays), a SEED and the KIND of its cases: crashed arrays of each
    flavour are mended, and what every mend owes to the kernel is tried."""

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="judged-mends-")
        cls.addClassCleanup(scratch.cleanup)
        cls.cases = []
        made = crashed_arrays.make(Path(scratch.name), len(cls.FLAVOURS), cls.SEED, flavours=cls.FLAVOURS)
        for folder, (metadata, place) in zip(made, cls.FLAVOURS):
            images = [folder / name for name in ("a.img", "b.img", "spare.img") if (folder / name).exists()]
            bitmap = folder / "bitmap" if place == "file" else None
            cls.cases.append(cls.KIND(f"{metadata}, bitmap {place}", folder, images, bitmap))
        for case in cls.cases:
            case.mend()
            case.merge()

    def test_the_kernel_accepts_every_mend(self):
        for case in self.cases:
            with self.subTest(case.name):
                files = (case.bitmap, case.mended_bitmap) if case.bitmap else None
                wrong, _ = judge_mend.judge(case.images, case.mended, files=files)
                self.assertEqual(wrong, [])

    def test_superblocks_and_bitmaps_are_as_the_kernel_leaves_them(self):
        kernel_mends(self.cases)
        for case in self.cases:
            for ours, kernels in zip(case.mended, case.kernels):
                with self.subTest(f"{case.name}, {ours.name}"):
                    self.assertEqual(list(differences(ours, kernels)), [])

    def test_what_was_found_is_untouched(self):
        for case in self.cases:
            with self.subTest(case.name):
                self.assertEqual([fingerprint(image) for image in case.everything()], case.before)
