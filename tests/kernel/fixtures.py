#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the fixture images and asks the kernel and mdadm what they are.

  fixtures.py --out FOLDER [--set quick|full] [--only NAME ...] [--jobs N]

fixture_cases.py lists the cases. For each, FOLDER/<case>/ holds the member images m0.img, m1.img ...
(an absent member has no file), bitmap.file where the bitmap is external, and truth.json:

  case      the description: name, level, metadata, slots, chunk (KiB), layout, bitmap, bitmap_chunk, state ...
  members   {"m0.img": {"examine": mdadm -E with its own field names (0.90: also "this" and "disks"),
                        "bitmap": mdadm -X, plus "bits" and "dirty" as numbers, or null,
                        "dirty_ranges": [[first, last], ...] of set chunks, by a reader of our own, or null,
                        "sectors": size of the image}}
  differing mirrors only: {"m1.img": ranges of 4 KiB blocks of the data area in which it differs from the first
            kept member, ...}; else null
  bitmap_file  {"bitmap": mdadm -X, "dirty_ranges": ...} or null
  trial     what assembling (copies of) all of them did, the array first held auto-read-only:
    assemble      {"status", "output"} of `mdadm --assemble`
    assemble_run  the same with --run, tried when the first did not start the array; else null
    started       "plain", "run" or null
    array         sysfs before any sync: level, raid_disks, degraded, array_size, resync_start ... as strings,
                  "members": {"m0.img": {"state", "slot", "offset", "size", "recovery_start", "errors"}}; or null
    left_out      images that are no member of the started array
    kicked        those of them that the kernel dropped as non-fresh
    sync          {"actions": ["resync" or "recovery", ...] that began once writable,
                   "read"/"written": {"m0.img": sectors of member traffic meanwhile}}; or null
    after         sysfs when idle again; or null
    sha256        of the content after that; null when not started or larger than 48 MiB
    log           the kernel's messages

FOLDER/index.json lists the cases in order. The images of an unchanged description are kept.
"""

import argparse
import concurrent.futures
import dataclasses
import fcntl
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fixture_cases
import lab
import mdimage
import pool

HERE = Path(__file__).resolve().parent
ALIGN = 2048
BITMAP_DISK_MIB = 16


class Batch:
    """The cases of one boot, their places on the pool disk and their names in the guest."""

    def __init__(self, cases, folder):
        self.cases = cases
        self.folder = folder
        self.disk = folder / "pool.img"
        self.bitmap_disk = folder / "bitmaps.img"
        self.share = folder / "share"
        self.share.mkdir(parents=True)
        table = []
        position = 0
        for number, case in enumerate(cases):
            for index in range(case.member_count()):
                table.append((f"{self.guest_name(number)}-{index}", position, case.sectors(index)))
                position += -(-case.sectors(index) // ALIGN) * ALIGN
        pool.make(self.disk, position * pool.SECTOR)
        pool.make(self.bitmap_disk, BITMAP_DISK_MIB << 20)
        self.table = "".join(f"{name} {start} {sectors}\n" for name, start, sectors in table)

    @staticmethod
    def guest_name(number):
        return f"c{number:02}"

    def variables(self, number):
        case = self.cases[number]
        name = self.guest_name(number)
        nodes = [f"/dev/mapper/{name}-{index}" for index in range(case.slots)]
        members = " ".join(f"{name}-{index}" for index in case.kept())
        return (f"MD=md{10 + number} C={name} N={case.slots} BITMAP={case.bitmap} FILE=/tmp/bitmaps/{name} "
                f"SYNC_STOP={case.sync_stop} MEMBERS='{members}' SPLIT_ONE='{' '.join(nodes[::2])}' "
                f"SPLIT_TWO='{' '.join(nodes[1::2])}'")

    def making(self):
        numbered = list(enumerate(self.cases))
        lines = [(HERE / "guest" / "states.sh").read_text(), "reopen_members", "mkdir /tmp/bitmaps",
                 "mkfs.ext4 -q /dev/ubdb && mount -t ext4 /dev/ubdb /tmp/bitmaps || die 'no place for bitmap files'"]
        for number, case in numbered:
            lines += [self.variables(number), f"say building {case.name}",
                      f"{'build_slowly' if 'half_resync' in case.state else 'build'} {create_options(case)}"]
        lines.append("sync -f /tmp/bitmaps")
        for number, case in numbered:
            if "half_resync" not in case.state:
                lines += [self.variables(number), "settle"]
        # The ones that are to be caught running come last.
        for number, case in sorted(numbered, key=lambda item: item[1].crashes):
            lines += [self.variables(number), f"say {case.state} for {case.name}", case.state]
        lines += ["sleep 1", "crash_now"]
        return "\n".join(lines) + "\n"

    def trying(self):
        lines = [(HERE / "guest" / "states.sh").read_text(), "reopen_members", "mkdir /tmp/bitmaps",
                 "mount -t ext4 /dev/ubdb /tmp/bitmaps || die 'no bitmap files'",
                 "echo 1 > /sys/module/md_mod/parameters/start_ro"]
        for number, case in enumerate(self.cases):
            lines += [self.variables(number), f"say trying {case.name}", f"trial /share/{case.name}"]
        return "\n".join(lines) + "\n"

    def boot(self, scenario, crash):
        (self.share / "slices").write_text(self.table)
        outcome = lab.run(scenario, self.share, [self.disk, self.bitmap_disk], timeout=400)
        lab.require(outcome, crash)

    def make(self, out):
        self.boot(self.making(), crash=True)
        for number, case in enumerate(self.cases):
            target = out / case.name
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
            for index in case.kept():
                pool.extract(self.disk, self.share, f"{self.guest_name(number)}-{index}", target / f"m{index}.img")
        self.boot(self.trying(), crash=False)
        for number, case in enumerate(self.cases):
            seen = self.share / case.name
            if case.bitmap == "file":
                shutil.copyfile(seen / "bitmap.file", out / case.name / "bitmap.file")
            truth = collect(case, self.guest_name(number), out / case.name, seen)
            (out / case.name / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")


def create_options(case):
    words = [str(case.slots + case.spares), f"--level={case.level}", f"--metadata={case.metadata}",
             f"--raid-devices={case.slots}"]
    if case.spares:
        words.append(f"--spare-devices={case.spares}")
    if not case.initial_sync and case.level not in ("0", "linear"):
        words.append("--assume-clean")
    if case.metadata != "0.90":
        words.append(f"--homehost=lab --name={case.name[:20]}")
    if case.chunk:
        words.append(f"--chunk={case.chunk}")
    if case.layout:
        words.append(f"--layout={case.layout}")
    if case.bitmap == "internal":
        words.append("--bitmap=internal")
    elif case.bitmap == "file":
        words.append("--bitmap=$FILE")
    elif case.level not in ("0", "linear") and "consistency" not in case.options:
        words.append("--bitmap=none")
    if case.bitmap_chunk:
        words.append(f"--bitmap-chunk={case.bitmap_chunk}")
    words.append(case.options)
    return " ".join(words)


# ---- what was seen ------------------------------------------------------------------------------


def examine(image):
    return pool.parse_examine(subprocess.run([lab.find_program("mdadm"), "-E", str(image)], capture_output=True, text=True).stdout)


def read(path):
    return path.read_text(errors="replace") if path.is_file() else ""


def collect(case, guest_name, folder, seen):
    def image_of(name):
        return f"m{name.rsplit('-', 1)[1]}.img" if name.startswith(guest_name + "-") else name

    members = {}
    for index in case.kept():
        image = folder / f"m{index}.img"
        member = mdimage.Member(image)
        bitmap = member.bitmap()
        members[image.name] = {"examine": examine(image),
                               "bitmap": pool.parse_bitmap(read(seen / f"{guest_name}-{index}.bitmap")) if bitmap else None,
                               "dirty_ranges": mdimage.ranges(bitmap.dirty()) if bitmap else None,
                               "sectors": member.sectors}
    return {"case": dataclasses.asdict(case), "members": members, "differing": differing(case, folder), "bitmap_file": bitmap_file(folder),
            "trial": trial(seen, list(members), image_of)}


def differing(case, folder):
    # Reading 9 GiB of holes would take longer than all the rest.
    if case.level != "1" or case.mib > 1024:
        return None
    first, *others = [mdimage.Member(folder / f"m{index}.img") for index in case.kept()]
    return {other.path.name: mdimage.ranges(sorted(mdimage.differing_chunks(first, other, 4096))) for other in others}


def bitmap_file(folder):
    path = folder / "bitmap.file"
    if not path.is_file():
        return None
    text = subprocess.run([lab.find_program("mdadm"), "-X", str(path)], capture_output=True, text=True).stdout
    return {"bitmap": pool.parse_bitmap(text), "dirty_ranges": mdimage.ranges(mdimage.Bitmap(path, 0).dirty())}


def assembling(path):
    text = read(path)
    if not text:
        return None
    output, _, status = text.rpartition("status=")
    return {"status": int(status), "output": output.strip()}


def sysfs(path, image_of):
    if not path.is_file():
        return None
    array = pool.parse_sysfs(path.read_text())
    array["members"] = {image_of(name): member for name, member in array["members"].items()}
    return array


def traffic(path, image_of):
    lines = [line.split() for line in read(path).splitlines()]
    return {image_of(words[0]): [int(number) for number in words[1:]] for words in lines if len(words) == 3}


def trial(seen, images, image_of):
    numbers = {f"dm-{number}": image_of(name) for number, name in enumerate(pool.slices(seen.parent))}
    return trial_of(seen, images, image_of, numbers)


def trial_of(seen, images, image_of, numbers):
    """What the guest's functions left in a folder; `numbers` says which image is dm-N in the log."""
    array = sysfs(seen / "sysfs", image_of)
    plain = assembling(seen / "assemble")
    forced = assembling(seen / "assemble.run")
    log = read(seen / "dmesg").splitlines()
    kicked = [numbers.get(match[1], match[1]) for match in (re.search(r"kicking non-fresh (\S+) from", line) for line in log) if match]
    sync = None
    if array:
        before = traffic(seen / "traffic.before", image_of)
        after = traffic(seen / "traffic.after", image_of)
        sync = {"actions": [match[1] for match in (re.search(r"md: (\w+) of RAID array", line) for line in log) if match],
                "read": {name: after[name][0] - before[name][0] for name in before if name in after},
                "written": {name: after[name][1] - before[name][1] for name in before if name in after}}
    return {"assemble": plain, "assemble_run": forced,
            "started": None if array is None else "run" if forced else "plain",
            "array": array, "left_out": [name for name in images if array is None or name not in array["members"]],
            "kicked": kicked, "sync": sync, "after": sysfs(seen / "sysfs.after", image_of),
            "sha256": read(seen / "hash").strip() or None, "log": log}


# ---- the whole set ------------------------------------------------------------------------------


def key_of(cases):
    digest = hashlib.sha256(lab.inputs_key().encode())
    for source in ("fixtures.py", "fixture_cases.py", "pool.py", "mdimage.py", "guest/states.sh", "guest/guest.sh"):
        digest.update((HERE / source).read_bytes())
    digest.update(",".join(case.name for case in cases).encode())
    return digest.hexdigest()


def is_made(out, key):
    index = out / "index.json"
    return index.is_file() and json.loads(index.read_text()).get("key") == key


def make_all(out, cases, jobs=2, batch_size=24):
    """Makes the fixtures unless they are there; several processes may call this at the same time."""
    out.mkdir(parents=True, exist_ok=True)
    key = key_of(cases)
    with open(out / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_made(out, key):
            return
        lab.root_image()
        count = max(1, round(len(cases) / batch_size))
        count = max(count, min(jobs, len(cases) // 10))
        with tempfile.TemporaryDirectory(prefix="fixtures-", dir=out) as scratch:
            batches = [Batch(cases[number::count], Path(scratch) / str(number)) for number in range(count)]
            with concurrent.futures.ThreadPoolExecutor(jobs) as workers:
                for done in [workers.submit(batch.make, out) for batch in batches]:
                    done.result()
        (out / "index.json").write_text(json.dumps({"key": key, "cases": [case.name for case in cases]}, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--set", choices=["quick", "full"], default="quick")
    parser.add_argument("--only", nargs="+", default=[], help="names of cases")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    cases = [case for case in fixture_cases.all_cases()
             if (case.name in options.only if options.only else case.quick or options.set == "full")]
    begun = time.monotonic()
    try:
        make_all(options.out, cases, options.jobs)
    except lab.LabError as error:
        print(error, file=sys.stderr)
        return lab.BROKEN
    print(f"{len(cases)} fixtures in {options.out}, {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
