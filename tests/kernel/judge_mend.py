#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The kernel's judgement of a mend: Bitmend's resync, hot-add and clean stop.

  judge_mend.py --original MEMBER... SPARE --mended MEMBER... SPARE [--json FILE]

Both lists are image files in the same order, the spare last: the originals as they were found, and the
same ones after the mend (overlays already merged in). Only copies are used. In one boot the kernel
assembles the mended set, and does its own resync and hot-add on the original one.

The mended set passes when
  - mdadm reads each member: checksum correct, clean, bitmap without a set bit, all with the same events,
  - all members start together, each in sync, nothing missing, without --run or --force,
  - no resync or recovery begins, also not once the array is writable,
  - `check` counts no difference,
  - the content is what the kernel's own resync and hot-add make of the originals.
Every claim that does not hold is printed as a sentence; exit status 1. 125: the lab could not work.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import guest_disks
import lab
import pool

SCENARIO = r"""
count=@COUNT@
letters="a b c d e f g h i j k l m n o p"
n=0
for letter in $letters; do
    [ $n -lt $((count * 2)) ] || break
    if [ $n -lt $count ]; then wrap_member "mended$n" "/dev/ubd$letter"
    else wrap_member "original$((n - count))" "/dev/ubd$letter"; fi
    n=$((n + 1))
done
names() { for k in $(seq 0 $((count - 1))); do echo "$1$k"; done; }
nodes() { for k in $(seq 0 $(($2 - 1))); do echo "/dev/mapper/$1$k"; done; }

own=; theirs=
if [ -e /share/mended.file ]; then
    files_on "/dev/ubd@FILES@"
    cp /share/mended.file /share/original.file /files && sync
    own=--bitmap=/files/mended.file
    theirs=--bitmap=/files/original.file
    mdadm -X /files/mended.file > mended.file.bitmap 2>&1
fi

dump_state before - $(names mended)
dmesg -c > /dev/null
mdadm --assemble $own /dev/md10 $(nodes mended $count) > mended.assemble 2>&1
echo $? > mended.assemble.status
if [ -e /sys/block/md10/md/array_state ] && [ "$(md_get md10 array_state)" != inactive ]; then
    # Writing wakes whatever the kernel may have postponed.
    wait_idle md10
    dump_array md10 > mended.sysfs
    content_hash md10 > mended.hash
    dd if=/dev/md10 of=/tmp/block bs=4k count=1 2> /dev/null
    dd if=/tmp/block of=/dev/md10 bs=4k count=1 oflag=direct conv=notrunc 2> /dev/null
    wait_idle md10
    dmesg > mended.dmesg
    run_check md10 > mended.check
    dump_array md10 > mended.sysfs.after
fi
mdadm --stop /dev/md10

mdadm --assemble --run $theirs /dev/md11 $(nodes original $((count - 1))) > original.assemble 2>&1 || die "the original members do not start"
wait_idle md11
mdadm /dev/md11 --add "/dev/mapper/original$((count - 1))" >> original.assemble 2>&1 || die "the original spare is not taken"
wait_idle md11
content_hash md11 > original.hash
dump_array md11 > original.sysfs
mdadm --stop /dev/md11
"""


def boot(originals, mended, folder, timeout, files=None):
    share = folder / "share"
    share.mkdir()
    disks = []
    for kind, images in (("mended", mended), ("original", originals)):
        for index, image in enumerate(images):
            copy = folder / f"{kind}{index}.img"
            pool.copy_sparse(image, copy)
            disks.append(copy)
    letter = "abcdefghijklmnop"[len(disks)]
    if files:
        disks.append(guest_disks.files_disk(folder))
        for name, file in zip(("original.file", "mended.file"), files):
            pool.copy_sparse(file, share / name)
    scenario = SCENARIO.replace("@COUNT@", str(len(mended))).replace("@FILES@", letter)
    lab.require(lab.run(scenario, share, disks, timeout))
    return share


def read(path):
    return path.read_text() if path.is_file() else ""


def events_of(superblock):
    """0.90 has two words of them."""
    high, _, low = superblock.get("Events", "").rpartition(".")
    return str((int(high or 0) << 32) + int(low)) if low.isdigit() else None


def judge_bitmap(holder, text, events, say):
    bitmap = pool.parse_bitmap(text)
    if bitmap.get("dirty") != 0:
        say(f"{holder}: the bitmap has {bitmap.get('dirty')} dirty chunks")
    if bitmap.get("State") != "OK":
        say(f"{holder}: the bitmap's state is {bitmap.get('State')}")
    if bitmap.get("Events") not in events:
        say(f"{holder}: bitmap events {bitmap.get('Events')}, superblock events {sorted(map(str, events))}")


def judge_members(share, count, say):
    events = set()
    for index in range(count):
        superblock = pool.parse_examine(read(share / "before" / f"mended{index}.examine"))
        if not superblock.get("Checksum", "").endswith("correct"):
            say(f"member {index}: its superblock's checksum is {superblock.get('Checksum', 'not there')}")
        if superblock.get("State") != "clean":
            say(f"member {index}: its superblock says {superblock.get('State')}, not clean")
        if "Recovery Offset" in superblock:
            say(f"member {index}: still marked as recovering, at {superblock['Recovery Offset']}")
        if "Internal Bitmap" in superblock:
            own = read(share / "before" / f"mended{index}.bitmap")
            judge_bitmap(f"member {index}", own, {events_of(superblock)}, say)
        events.add(events_of(superblock))
    if len(events) != 1:
        say(f"the members do not agree on the number of events: {sorted(map(str, events))}")
    if (share / "mended.file").is_file():
        judge_bitmap("bitmap file", read(share / "mended.file.bitmap"), events, say)


def judge_array(share, count, say):
    if not (share / "mended.sysfs").is_file():
        say("the kernel does not start the mended array: " + read(share / "mended.assemble").strip())
        return
    array = pool.parse_sysfs(read(share / "mended.sysfs"))
    if array["degraded"] != "0" or array["raid_disks"] != str(count):
        say(f"the started array has {array['raid_disks']} slots and {array['degraded']} missing")
    for index in range(count):
        member = array["members"].get(f"mended{index}")
        if member is None:
            say(f"member {index}: the kernel left it out")
        elif "in_sync" not in member["state"].split(","):
            say(f"member {index}: the kernel calls it {member['state']} in slot {member['slot']}")
    if array["resync_start"] != "none":
        say(f"the kernel would resync from {array['resync_start']}")
    begun = [line for line in read(share / "mended.dmesg").splitlines() if " of RAID array " in line]
    for line in begun:
        say(f"the kernel began: {line.strip()}")
    if read(share / "mended.check").strip() != "0":
        say(f"check counts {read(share / 'mended.check').strip()} differing sectors")
    if read(share / "mended.hash") != read(share / "original.hash"):
        say("the content is not what the kernel's own resync and hot-add make of the originals")


def judge(originals, mended, timeout=180, files=None):
    """(list of sentences about what is wrong, facts as a dictionary). `files`: the external bitmap's
    file as it was found, and after the mend."""
    wrong = []
    with tempfile.TemporaryDirectory(prefix="judge-") as folder:
        share = boot(originals, mended, Path(folder), timeout, files)
        judge_members(share, len(mended), wrong.append)
        judge_array(share, len(mended), wrong.append)
        facts = {"mended_sha256": read(share / "mended.hash").strip(),
                 "kernel_sha256": read(share / "original.hash").strip(),
                 "mismatch_cnt": read(share / "mended.check").strip(),
                 "array": pool.parse_sysfs(read(share / "mended.sysfs")),
                 "kernels_own": pool.parse_sysfs(read(share / "original.sysfs")),
                 "wrong": wrong}
    return wrong, facts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--original", nargs="+", required=True)
    parser.add_argument("--mended", nargs="+", required=True)
    parser.add_argument("--json", type=Path, help="write what was seen")
    parser.add_argument("--timeout", type=float, default=180)
    options = parser.parse_args()
    if len(options.original) != len(options.mended) or len(options.mended) < 2 or len(options.mended) > 8:
        parser.error("the two lists must be equally long: one to seven members and the spare")
    try:
        wrong, facts = judge(options.original, options.mended, options.timeout)
    except lab.LabError as error:
        print(error, file=sys.stderr)
        return lab.BROKEN
    if options.json:
        options.json.write_text(json.dumps(facts, indent=2) + "\n")
    for sentence in wrong:
        print("not accepted: " + sentence)
    if not wrong:
        print(f"accepted: in sync, nothing to resync, check 0, content {facts['mended_sha256']}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
