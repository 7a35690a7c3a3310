# SPDX-License-Identifier: Apache-2.0
"""What Bitmend does to the arrays of random_run.py, on overlays, and the kernel's judgement of the result.

An operation is a function: given the case, the expected content and a source of choices, it works with
bitmendctl on an overlay and returns a Work, or None when it is not for this array. A new one is one more row
in OPERATIONS; what the kernel says is the same for all: it takes every member, finds nothing to do, reads the
content that is expected and counts no difference.
"""

import collections
import shutil

import lab
import mend_cases
import pool

COUNTS = collections.Counter()

JUDGE = r"""
judge_array() {
    local name="$1"; shift
    mdadm --assemble /dev/md1 --run "$@" > "$name.log" 2>&1 || die "$name does not start: $(cat "$name.log")"
    dump_array md1 > "$name.started"
    content_hash md1 > "$name.hash"
    wait_idle md1
    [ ! -e /sys/block/md1/md/sync_action ] || run_check md1 > "$name.check"
    dd if=/dev/md1 of="/share/$name.content" bs=1M 2> /dev/null
    mdadm --quiet --stop /dev/md1 || die "$name does not stop"
}
"""


class Work:
    """Members as an operation left them, and what the array has to hold."""

    def __init__(self, name, case, folder, images, content):
        self.name, self.case, self.folder, self.images, self.content = name, case, folder, images, content
        COUNTS[name] += 1


def overlaid(case, name):
    folder = case.folder / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder, folder / "overlay"


def merged(folder, images):
    """Copies of the images with what lies in the overlay."""
    copies = []
    for image in images:
        copies.append(folder / f"done-{image.name}")
        pool.copy_sparse(image, copies[-1])
        mend_cases.run(mend_cases.APPLY_OVERLAY, image, folder / "overlay", copies[-1])
    return copies


def write(case, expected, choice):
    """Some stretches written through the array; levels with parity do not take them yet."""
    if case.shape.level in ("4", "5", "6"):
        return None
    folder, overlay = overlaid(case, "write")
    content = bytearray(expected)
    for number in range(3):
        at = choice.randrange(len(content))
        data = choice.randbytes(choice.randint(1, min(200000, len(content) - at)))
        source = folder / f"data{number}"
        source.write_bytes(data)
        mend_cases.run(mend_cases.BITMENDCTL, "write", "--overlay", overlay, "--offset", at, source, *case.images)
        content[at:at + len(data)] = data
    return Work("write", case, folder, merged(folder, case.images), bytes(content))


OPERATIONS = [write]


def work_on(case, expected, choice):
    works = [operation(case, expected, choice) for operation in OPERATIONS]
    return [work for work in works if work is not None]


def judge(works, folder, differ):
    for first in range(0, len(works), 32):
        judge_some(works[first:first + 32], folder, differ)


def judge_some(works, folder, differ):
    share = folder / "judged"
    shutil.rmtree(share, ignore_errors=True)
    share.mkdir()
    disk, slices, lines, at = folder / "judged.img", [], [], 0
    with open(disk, "wb") as pooled:
        for number, work in enumerate(works):
            nodes = []
            for slot, image in enumerate(work.images):
                size = image.stat().st_size
                slices.append(f"w{number}-{slot} {at // 512} {size // 512}")
                pooled.seek(at)
                pooled.write(image.read_bytes())
                at += (size + (1 << 20) - 1) >> 20 << 20
                nodes.append(f"/dev/mapper/w{number}-{slot}")
            lines.append(f"judge_array w{number} {' '.join(nodes)}")
        pooled.truncate(at)
    (share / "slices").write_text("\n".join(slices) + "\n")
    lab.require(lab.run(JUDGE + "reopen_members\n" + "\n".join(lines) + "\n", share, [disk], 600))
    for number, work in enumerate(works):
        for complaint in complaints(share, f"w{number}", work):
            differ(work.case, f"{work.name}: {complaint}")


def complaints(share, name, work):
    array = pool.parse_sysfs((share / f"{name}.started").read_text())
    if array.get("degraded", "0") != "0":
        yield f"the kernel misses {array['degraded']} members"
    if array.get("sync_action", "idle") != "idle" or array.get("resync_start", "none") != "none":
        yield f"the kernel begins a {array.get('sync_action')} from {array.get('resync_start')}"
    check = share / f"{name}.check"
    if check.exists() and check.read_text().strip() != "0":
        yield f"the kernel's check counts {check.read_text().strip()}"
    if (share / f"{name}.content").read_bytes() != work.content:
        yield "the kernel reads another content"
