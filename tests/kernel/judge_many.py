# SPDX-License-Identifier: Apache-2.0
"""Many sets of members judged by the kernel in one boot.

They are put, one behind the other, into the one disk that the guest cuts its members from. What the kernel
leaves of each is cut out of it again, so a test can look at what became of the data as well."""

import tempfile
from pathlib import Path

import guest_disks
import lab
import mdimage
import pool

SCENARIO = r"""
reopen_members
judge() {
    number="$1"; option="$2"; shift 2
    md="md$((200 + number))"
    for node in "$@"; do
        mdadm -E "$node" >> "$number.examine" 2>&1 || echo "$node" >> "$number.refused"
    done
    dmesg -c > /dev/null
    if ! mdadm --assemble $option "/dev/$md" "$@" > "$number.assemble" 2>&1; then
        echo yes > "$number.forced"
        mdadm --stop "/dev/$md" > /dev/null 2>&1
        mdadm --assemble --run $option "/dev/$md" "$@" > "$number.assemble" 2>&1 || return 0
    fi
    [ "$(md_get "$md" array_state)" != inactive ] || { mdadm --stop "/dev/$md"; return 0; }
    wait_idle "$md"
    dd if="/dev/$md" of=/tmp/block bs=4k count=1 2> /dev/null
    dd if=/tmp/block of="/dev/$md" bs=4k count=1 oflag=direct conv=notrunc 2> /dev/null
    wait_idle "$md"
    dmesg > "$number.dmesg"
    for node in "$@"; do member_sectors_written "${node##*/}"; done > "$number.written"
    dump_array "$md" > "$number.sysfs"
    run_check "$md" > "$number.check"
    mdadm --quiet --stop "/dev/$md" || die "$md does not stop"
}
"""


class Verdict:
    """What the kernel made of one set. `left`: its members as they are afterwards."""

    def __init__(self, share, number, images, left):
        def text(kind):
            path = share / f"{number}.{kind}"
            return path.read_text() if path.is_file() else ""

        self.images, self.left = images, left
        self.refused = text("refused").split()
        self.forced = text("forced") != ""
        self.assemble = text("assemble").strip()
        self.started = text("sysfs") != ""
        self.sysfs = pool.parse_sysfs(text("sysfs"))
        self.log = text("dmesg").splitlines()
        self.begun = [line.split("md: ")[-1] for line in self.log if " of RAID array " in line]
        self.written = [int(word) for word in text("written").split()]  # sectors, in the order of the images
        self.check = text("check").strip()

    def complaints(self, slots, may_sync=False, may_force=False):
        """Sentences on what is not as after a mend: all members in sync, nothing to do, check 0."""
        if self.refused:
            yield f"mdadm -E does not accept {self.refused}"
        if not self.started:
            yield f"the kernel does not start it: {self.assemble}"
            return
        if self.forced and not may_force:
            yield f"it starts only when it is told to: {self.assemble}"
        states = {name: member["state"] for name, member in self.sysfs["members"].items()}
        in_sync = [name for name, state in states.items() if "in_sync" in state.split(",")]
        if len(in_sync) != slots or len(states) != len(self.images):
            yield f"{len(in_sync)} of {slots} members are in sync: {states}"
        if any("non-fresh" in line or "kicking" in line for line in self.log):
            yield "the kernel kicked a member out"
        if any("bitmap file is out of date" in line for line in self.log):
            yield "the kernel calls the bitmap out of date"
        if self.begun and not may_sync:
            yield f"the kernel began: {self.begun}"
        if self.check != "0":
            yield f"check counts {self.check}"

    def contents(self):
        return [data_of(image) for image in self.left]


def data_of(image):
    member = mdimage.Member(image)
    with open(image, "rb") as file:
        file.seek(member.data_start())
        return file.read(member.data_length())


def judge(sets, folder=None, timeout=540):
    """`sets`: (images, file of an external bitmap or None) of each. Returns their verdicts. What is left of
    the members goes to `folder`, where one is named."""
    with tempfile.TemporaryDirectory(prefix="judge-many-") as scratch:
        return judge_in(sets, Path(scratch), folder, timeout)


def judge_in(sets, scratch, folder, timeout):
    share = scratch / "share"
    share.mkdir()
    disk = scratch / "pool.img"
    lines, table, start = [], [], 0
    sizes = [image.stat().st_size // pool.SECTOR for images, _ in sets for image in images]
    pool.make(disk, sum(size + 4096 for size in sizes) * pool.SECTOR)
    with open(disk, "r+b") as target:
        for number, (images, bitmap) in enumerate(sets):
            nodes = []
            for index, image in enumerate(images):
                size = image.stat().st_size // pool.SECTOR
                copy_into(target, start * pool.SECTOR, image)
                table.append(f"n{number}-{index} {start} {size}")
                nodes.append(f"/dev/mapper/n{number}-{index}")
                start += -(-size // 2048) * 2048
            bring, option = guest_disks.bring_bitmap(bitmap, share, f"bitmap{number}")
            lines += bring
            lines.append(f"judge {number} '{option}' {' '.join(nodes)}")
    (share / "slices").write_text("\n".join(table) + "\n")
    disks, begin = [disk], SCENARIO
    if any(bitmap for _, bitmap in sets):
        disks.append(guest_disks.files_disk(scratch))
        begin += "files_on /dev/ubdb\n"
    lab.require(lab.run(begin + "\n".join(lines) + "\n", share, disks, timeout))
    verdicts = []
    for number, (images, _) in enumerate(sets):
        left = [Path(folder) / f"left{number}-{index}.img" for index in range(len(images) if folder else 0)]
        for index, image in enumerate(left):
            pool.extract(disk, share, f"n{number}-{index}", image)
        verdicts.append(Verdict(share, number, images, left))
    return verdicts


def copy_into(target, at, image):
    with open(image, "rb") as source:
        for begin, end in pool.data_ranges(source.fileno(), 0, image.stat().st_size):
            source.seek(begin)
            target.seek(at + begin)
            target.write(source.read(end - begin))
