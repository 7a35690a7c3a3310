# SPDX-License-Identifier: Apache-2.0
"""The kernel's judgement of what Bitmend did to the arrays of random_run.py: it takes every member, finds nothing
to do, reads the content that is expected and counts no difference. Where the content is the kernel's own choice,
it does the same work on the members as they were before."""

import collections
import shutil

import lab
import pool

COUNTS = collections.Counter()
PER_BOOT = 64

JUDGE = r"""
# Less than dump_array says, for many members take long to ask. What was begun is told when it is over as well.
say_how_it_is() {
    local key
    for key in degraded last_sync_action; do print_file "$key" "/sys/block/md1/md/$key"; done
    set -- /sys/block/md1/md/dev-*
    echo "taken=$#"
}

# How it takes the members: as they are, or with work of its own to do.
take() {
    local name="$1" how="$2"; shift 2
    mdadm --assemble /dev/md1 --run "$@" > "$name.log" 2>&1 || { mdadm --quiet --stop /dev/md1; return 0; }
    wait_idle md1
    [ "$how" != done ] || say_how_it_is > "$name.started"
    if [ "$how" = repair ]; then
        run_check md1 > "$name.check"
        md_set md1 sync_action repair
        wait_idle md1
        md_get md1 mismatch_cnt > "$name.repair"
    fi
    dd if=/dev/md1 of="/share/$name.content" bs=1M 2> /dev/null
    [ "$how" != done ] || [ ! -e /sys/block/md1/md/sync_action ] || run_check md1 > "$name.check"
    mdadm --quiet --stop /dev/md1 || die "$name does not stop"
}
"""


class Work:
    """Members as an operation left them, and what the array has to hold: `content`, or what the kernel makes of
    `kernels`: ("resync" or "repair", the members before). `counted`: what Bitmend counted, by action."""

    def __init__(self, name, case, images, content=None, kernels=None):
        self.name, self.case, self.images, self.content, self.kernels = name, case, images, content, kernels
        self.counted, self.wrong = {}, []
        COUNTS[name] += 1


def judge(works, folder, differ, keep=False):
    """Takes the works' images away unless they are to be kept."""
    for first in range(0, len(works), PER_BOOT):
        judge_some(works[first:first + PER_BOOT], folder, differ, keep)


class Disk:
    """All members on one disk, each with a line that says where."""

    def __init__(self, path, keep):
        self.file, self.keep, self.slices, self.at = open(path, "wb"), keep, [], 0

    def put(self, name, images):
        """Moves members onto it, and says which nodes they are."""
        for slot, image in enumerate(images):
            size = image.stat().st_size
            self.slices.append(f"{name}-{slot} {self.at // 512} {size // 512}")
            self.file.seek(self.at)
            self.file.write(image.read_bytes())
            if not self.keep:
                image.unlink()
            self.at += (size + (1 << 20) - 1) >> 20 << 20
        return " ".join(f"/dev/mapper/{name}-{slot}" for slot in range(len(images)))

    def close(self):
        self.file.truncate(self.at)
        self.file.close()


def judge_some(works, folder, differ, keep):
    share = folder / "judged"
    shutil.rmtree(share, ignore_errors=True)
    share.mkdir()
    disk, lines = Disk(folder / "judged.img", keep), []
    for number, work in enumerate(works):
        lines.append(f"take w{number} done {disk.put(f'w{number}', work.images)}")
        if work.kernels:
            how, images = work.kernels
            lines.append(f"take k{number} {how} {disk.put(f'k{number}', images)}")
    disk.close()
    (share / "slices").write_text("\n".join(disk.slices) + "\n")
    lab.require(lab.run(JUDGE + "reopen_members\n" + "\n".join(lines) + "\n", share, [folder / "judged.img"], 900))
    for number, work in enumerate(works):
        for complaint in [*work.wrong, *complaints(share, str(number), work)]:
            differ(work.case, f"{work.name}: {complaint}")


def complaints(share, number, work):
    if not (share / f"w{number}.started").exists():
        yield f"the kernel does not start it: {(share / f'w{number}.log').read_text().strip()}"
        return
    array = pool.parse_sysfs((share / f"w{number}.started").read_text())
    if array.get("degraded", "0") != "0":
        yield f"the kernel misses {array['degraded']} members"
    if array["taken"] != str(len(work.images)):
        yield f"the kernel takes {array['taken']} of {len(work.images)} members"
    if array.get("last_sync_action", "none") != "none":
        yield f"the kernel begins a {array['last_sync_action']}"
    check = share / f"w{number}.check"
    if check.exists() and check.read_text().strip() != "0":
        yield f"the kernel's check counts {check.read_text().strip()}"
    for action, count in work.counted.items():
        kernels = (share / f"k{number}.{action}").read_text().strip()
        if kernels != str(count):
            yield f"its {action} counts {count}, the kernel's {kernels}"
    content = (share / f"k{number}.content").read_bytes() if work.kernels else work.content
    found = (share / f"w{number}.content").read_bytes()
    if found != content:
        at = next((i for i, pair in enumerate(zip(found, content)) if pair[0] != pair[1]), "the end")
        yield f"the kernel reads another content from byte {at} on"
