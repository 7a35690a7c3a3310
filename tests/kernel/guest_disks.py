# SPDX-License-Identifier: Apache-2.0
"""Images as disks of one guest, each behind a device-mapper device, and bitmap files beside them."""

from pathlib import Path

import lab
import pool

MEMBERS = 14  # of one boot: the guest has letters for sixteen disks, and one may hold files


def boots(cases, images_of):
    """The cases in their order, as many together as have room in one boot."""
    together = []
    for case in cases:
        if together and sum(len(images_of(other)) for other in together) + len(images_of(case)) > MEMBERS:
            yield together
            together = []
        together.append(case)
    yield together


def files_disk(folder):
    """An empty disk for bitmap files: the kernel wants them on a file system whose blocks it can map."""
    disk = Path(folder) / "files.img"
    pool.make(disk, 16 << 20)
    return disk


def bring_bitmap(file, share, name):
    """The lines that put a copy of a bitmap file onto that file system, and mdadm's option that names it; nothing
    of either without a file."""
    if not file:
        return [], ""
    pool.copy_sparse(file, Path(share) / name)
    return [f"cp /share/{name} /files/{name} && sync"], f"--bitmap=/files/{name}"


class GuestDisks:
    """What one boot is given. `share` is the folder that the guest sees; `folder` takes what it needs besides."""

    def __init__(self, folder, share):
        self.folder, self.share = Path(folder), Path(share)
        self.share.mkdir(exist_ok=True)
        self.disks, self.lines = [], []

    def add(self, disk):
        self.disks.append(disk)
        return f"/dev/ubd{chr(ord('a') + len(self.disks) - 1)}"

    def members(self, name, images):
        """The devices of these images."""
        self.lines += [f"wrap_member {name}-{index} {self.add(image)}" for index, image in enumerate(images)]
        return [f"/dev/mapper/{name}-{index}" for index in range(len(images))]

    def bitmap(self, file, name):
        """The option of mdadm that names a copy of this bitmap file; empty without one."""
        lines, option = bring_bitmap(file, self.share, name)
        if lines and not any(line.startswith("files_on") for line in self.lines):
            self.lines.append(f"files_on {self.add(files_disk(self.folder))}")
        self.lines += lines
        return option

    def run(self, functions):
        lab.require(lab.run(functions + "\n".join(self.lines) + "\n", self.share, self.disks, 240))
