#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The judge of mends is itself judged: it accepts what the kernel mends, and nothing that falls short.

The arrays are the bundled demo and two freshly crashed ones.
"""

import subprocess
import tempfile
import unittest
from pathlib import Path

import crashed_arrays
import judge_mend
import lab
import mdimage
import pool

DEMO = Path(__file__).resolve().parents[2] / "resources" / "demo"

KERNELS_OWN_MEND = r"""
for letter in a b c; do [ ! -e "/dev/ubd$letter" ] || wrap_member "m$letter" "/dev/ubd$letter"; done
spare=$(ls /dev/mapper/m? | tail -n 1)
mdadm --assemble --run /dev/md10 $(ls /dev/mapper/m? | grep -v "$spare") || die "does not start"
wait_idle md10
mdadm /dev/md10 --add "$spare" || die "no hot-add"
wait_idle md10
mdadm --stop /dev/md10 || die "does not stop"
"""


def unpack_demo(folder):
    images = []
    for name in ("disk-a", "disk-b", "spare"):
        image = Path(folder) / f"{name}.img"
        subprocess.run(["zstd", "-q", "-d", "--sparse", str(DEMO / f"{name}.img.zst"), "-o", str(image)], check=True)
        images.append(image)
    return images


def kernels_mend(images, folder):
    """Copies of the images, mended by the kernel."""
    copies = []
    for index, image in enumerate(images):
        copy = Path(folder) / f"mended{index}.img"
        pool.copy_sparse(image, copy)
        copies.append(copy)
    lab.require(lab.run(KERNELS_OWN_MEND, Path(folder) / "mend-share", copies))
    return copies


class Judge(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="judge-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def assert_accepted(self, originals, mended):
        wrong, _ = judge_mend.judge(originals, mended)
        self.assertEqual(wrong, [])

    def test_demo_mended_by_the_kernel_is_accepted(self):
        images = unpack_demo(self.folder)
        first, second = mdimage.Member(images[0]), mdimage.Member(images[1])
        self.assertEqual(first.get("resync_offset"), 0)
        differing = mdimage.differing_chunks(first, second, 65536)
        self.assertGreater(len(differing), 0)
        self.assertLessEqual(differing, set(first.bitmap().dirty()))
        self.assert_accepted(images, kernels_mend(images, self.folder))

    def test_crashed_arrays_mended_by_the_kernel_are_accepted(self):
        for folder in crashed_arrays.make(self.folder, 2, 7):
            images = [folder / "a.img", folder / "b.img", folder / "spare.img"]
            images = [image for image in images if image.exists()]
            self.assert_accepted(images, kernels_mend(images, folder))

    def test_unmended_members_are_refused(self):
        images = unpack_demo(self.folder)
        wrong, _ = judge_mend.judge(images, images)
        self.assertTrue(any("not clean" in sentence for sentence in wrong), wrong)
        self.assertTrue(any("dirty chunks" in sentence for sentence in wrong), wrong)
        self.assertTrue(any("left it out" in sentence or "does not start" in sentence for sentence in wrong), wrong)

    def test_one_wrong_byte_is_found(self):
        images = unpack_demo(self.folder)
        mended = kernels_mend(images, self.folder)
        at = mdimage.Member(mended[2]).data_start() + 5_000_000
        with open(mended[2], "r+b") as file:
            file.seek(at)
            byte = file.read(1)
            file.seek(at)
            file.write(bytes([byte[0] ^ 1]))
        wrong, _ = judge_mend.judge(images, mended)
        self.assertIn("check counts 128 differing sectors", wrong)

    def test_wrong_content_on_every_member_is_found(self):
        images = unpack_demo(self.folder)
        mended = kernels_mend(images, self.folder)
        for image in mended:
            with open(image, "r+b") as file:
                file.seek(mdimage.Member(image).data_start() + 5_000_000)
                file.write(b"not what was there")
        wrong, _ = judge_mend.judge(images, mended)
        self.assertEqual(len(wrong), 1, wrong)
        self.assertIn("content", wrong[0])


if __name__ == "__main__":
    lab.run_tests()
