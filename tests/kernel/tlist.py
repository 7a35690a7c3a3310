#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tries the statements of tlist_cases.py on the kernel, without mdadm in between.

  tlist.py --out FOLDER [--only T1 T2 ...] [--check]

Makes the base sets, patches copies of them and offers each patched set to the kernel by SET_ARRAY_INFO,
ADD_NEW_DISK for each member and RUN_ARRAY. With --check the answers are compared with the expected ones:
every deviation is printed, and the exit status is 1.

FOLDER/T<n>/m0.img ... are the patched sets; FOLDER/base/<name>/ the unpatched ones; FOLDER/verdicts.json:
  {"T26": {"text": the statement, "base": name, "version": what SET_ARRAY_INFO was given,
           "order": images in the order of adding (on equal events the kernel takes the last as freshest),
           "members": {"m0.img": {"add": "ok" or errno, "state", "slot"}}: sysfs after RUN_ARRAY while still
                      auto-read-only; state and slot are null for a member that is not in the array,
           "run": "ok" or errno (EOPNOTSUPP: a RAID 0 whose layout nobody knows), "started": true or false,
           "kicked": images dropped as non-fresh,
           "array": other values from sysfs (raid_disks, degraded, array_size, resync_start, ...) or null,
           "after": {"members": {...}, "degraded", ...} once writable and idle, or null,
           "sync": {"actions": [...], "read": {image: sectors}, "written": {image: sectors}} or null,
           "dirty_after": {image: chunks set in its bitmap after the stop, or null},
           "expected": {"add", "run", "roles", "copied", "after_roles"},
           "log": the kernel's messages}}
"""

import argparse
import concurrent.futures
import fcntl
import hashlib
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import fixtures
import lab
import mdimage
import pool
import tlist_cases

HERE = Path(__file__).resolve().parent
ALIGN = 2048

TRYING = r"""
reopen_members
echo 1 > /sys/module/md_mod/parameters/start_ro

# statement FOLDER VERSION PARAMETER MEMBER...
statement() {
    local folder="/share/$1" version="$2" parameter="$3" member before= file=
    shift 3
    mkdir -p "$folder"
    if [ -n "$parameter" ]; then
        file="/sys/module/${parameter%%/*}/parameters/${parameter#*/}"
        file=${file%%=*}
        read -r before < "$file"
        echo "${parameter##*=}" > "$file"
    fi
    dmesg -c > /dev/null
    mdctl begin "/dev/$MD" "$version" > "$folder/steps"
    for member in "$@"; do
        mdctl add "/dev/$MD" "/dev/mapper/$member" >> "$folder/steps"
    done
    mdctl run "/dev/$MD" >> "$folder/steps"
    if is_running; then
        dump_array "$MD" > "$folder/sysfs"
        member_traffic > "$folder/traffic.before"
        # Not by an ioctl: opening the node would make the kernel look for partitions, and those reads count.
        md_set "$MD" array_state active
        # The effects of a bitmap that fades show only after some of its daemon's rounds.
        [ ! -e "/sys/block/$MD/md/bitmap/time_base" ] || md_set "$MD" bitmap/time_base 1 2> /dev/null
        until_true 20 is_idle "$MD"
        usleep 100000
        until_true 20 is_idle "$MD"
        member_traffic > "$folder/traffic.after"
        dump_array "$MD" > "$folder/sysfs.after"
    fi
    dmesg > "$folder/dmesg"
    mdctl stop "/dev/$MD" > /dev/null
    [ -z "$file" ] || echo "$before" > "$file"
}
"""


def make_bases(out, scratch):
    """Creates every base set in one boot, with the same number of events everywhere."""
    share = scratch / "share"
    share.mkdir(parents=True)
    disk = scratch / "pool.img"
    table = []
    lines = ["reopen_members"]
    position = 0
    for number, (name, base) in enumerate(tlist_cases.BASES.items()):
        nodes = []
        for index, sectors in enumerate(base.sizes):
            table.append(f"b{number}-{index} {position} {sectors}\n")
            nodes.append(f"/dev/mapper/b{number}-{index}")
            position += -(-sectors // ALIGN) * ALIGN
        redundant = "" if base.level == "0" else "--assume-clean"
        named = "" if base.metadata == "0.90" else f"--homehost=lab --name={name}"
        md = f"/dev/md{10 + number}"
        lines += [f"mdadm --create {md} --run --quiet --level={base.level} --metadata={base.metadata} {redundant} {named} "
                  f"--raid-devices={len(base.sizes)} {base.options} {' '.join(nodes)} || die 'no {name}'",
                  f"scribble md{10 + number} {name} 0 256", f"scribble md{10 + number} {name} 2048 512"]
    lines += ["sleep 1"] + [f"mdadm --quiet --stop /dev/md{10 + number} || die stop" for number in range(len(tlist_cases.BASES))]
    pool.make(disk, position * pool.SECTOR)
    (share / "slices").write_text("".join(table))
    lab.require(lab.run("\n".join(lines) + "\n", share, [disk], 180))
    for number, (name, base) in enumerate(tlist_cases.BASES.items()):
        for index in range(len(base.sizes)):
            image = out / "base" / name / f"m{index}.img"
            image.parent.mkdir(parents=True, exist_ok=True)
            pool.extract(disk, share, f"b{number}-{index}", image)
            set_events(image)


def set_events(image):
    member = mdimage.Member(image)
    bitmap = member.bitmap()
    member.set("events_lo" if member.version == "0.90" else "events", tlist_cases.EVENTS)
    member.store()
    if bitmap:
        bitmap.set("events", tlist_cases.EVENTS)
        bitmap.set("events_cleared", tlist_cases.EVENTS)
        bitmap.store()


def patch(statement, out):
    target = out / f"T{statement.number}"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    count = len(tlist_cases.BASES[statement.base].sizes)
    order = statement.order or tuple(range(count))
    for index in order:
        image = target / f"m{index}.img"
        pool.copy_sparse(out / "base" / statement.base / image.name, image)
        changes = {**statement.patch.get("all", {}), **statement.patch.get(index, {})}
        if changes:
            tlist_cases.apply(image, changes)
    return [f"m{index}.img" for index in order]


def try_all(statements, out, scratch):
    """One boot; returns the verdicts of these statements."""
    share = scratch / "share"
    share.mkdir(parents=True)
    disk = scratch / "pool.img"
    table = []
    position = 0
    states = (HERE / "guest" / "states.sh").read_text()
    lines = [states, TRYING]
    images = {}
    with open(disk, "wb") as file:
        for turn, statement in enumerate(statements):
            images[statement.number] = patch(statement, out)
            names = []
            for image in images[statement.number]:
                path = out / f"T{statement.number}" / image
                sectors = path.stat().st_size // pool.SECTOR
                names.append(f"t{statement.number}-{image[1:-4]}")
                table.append(f"{names[-1]} {position} {sectors}\n")
                place(path, file, position * pool.SECTOR)
                position += -(-sectors // ALIGN) * ALIGN
            version = statement.version or tlist_cases.BASES[statement.base].metadata
            lines.append(f"MD=md{100 + turn}; statement T{statement.number} {version} '{statement.parameters}' {' '.join(names)}")
        file.truncate(position * pool.SECTOR)
    (share / "slices").write_text("".join(table))
    lab.require(lab.run("\n".join(lines) + "\n", share, [disk], 400))
    order = [line.split()[0] for line in table]
    return {f"T{statement.number}": verdict(statement, images[statement.number], share, disk, order) for statement in statements}


def place(path, file, at):
    with open(path, "rb") as reader:
        for start, stop in pool.data_ranges(reader.fileno(), 0, path.stat().st_size):
            reader.seek(start)
            file.seek(at + start)
            file.write(reader.read(stop - start))


def verdict(statement, images, share, disk, order):
    name = f"T{statement.number}"
    seen = share / name

    def image_of(guest):
        return f"m{guest.rsplit('-', 1)[1]}.img" if "-" in guest[1:] and guest.startswith("t") else guest

    steps = [line.split() for line in fixtures.read(seen / "steps").splitlines()]
    added = dict(zip(images, [step[2] for step in steps if step[0] == "ADD_NEW_DISK"]))
    run = next((step[2] for step in steps if step[0] == "RUN_ARRAY"), None)
    seen_trial = fixtures.trial_of(seen, images, image_of, {f"dm-{number}": image_of(guest) for number, guest in enumerate(order)})
    array = seen_trial["array"]
    here = array.pop("members") if array else {}
    members = {image: {"add": added.get(image), "state": here.get(image, {}).get("state"), "slot": here.get(image, {}).get("slot")}
               for image in images}
    return {"text": statement.text, "base": statement.base,
            "version": statement.version or tlist_cases.BASES[statement.base].metadata, "order": images,
            "members": members, "run": run, "started": array is not None, "kicked": seen_trial["kicked"], "array": array,
            "after": seen_trial["after"], "sync": seen_trial["sync"],
            "dirty_after": {image: dirty_after(disk, share, f"t{statement.number}-{image[1:-4]}") for image in images},
            "expected": {key: getattr(statement, key) for key in ("add", "run", "roles", "copied", "after_roles")},
            "log": seen_trial["log"]}


def dirty_after(disk, share, guest):
    with tempfile.NamedTemporaryFile(prefix="tlist-") as file:
        pool.extract(disk, share, guest, file.name)
        try:
            bitmap = mdimage.Member(file.name).bitmap()
            return len(bitmap.dirty()) if bitmap and bitmap.get("chunksize") >= 512 else None
        except ValueError:
            return None


def deviations(name, seen):
    """What differs from the expected answers, as sentences."""
    expected = seen["expected"]
    found = []
    added = [seen["members"][image]["add"] for image in seen["order"]]
    if list(expected["add"]) != added:
        found.append(f"ADD_NEW_DISK answered {added}, expected {list(expected['add'])}")
    if expected["run"] != seen["run"]:
        found.append(f"RUN_ARRAY answered {seen['run']}, expected {expected['run']}")
    for key, members in (("roles", seen["members"]), ("after_roles", (seen["after"] or {}).get("members", {}))):
        for index, role in enumerate(expected[key]):
            member = members.get(f"m{index}.img")
            now = None if member is None or member["state"] is None else f"{member['state'].split(',')[0]} {member['slot']}"
            if now != role:
                found.append(f"m{index}.img is {now} in {key}, expected {role}")
    if expected["copied"] >= 0:
        copied = seen["sync"]["read"].get("m0.img") if seen["sync"] else None
        if copied != expected["copied"]:
            found.append(f"{copied} sectors were copied, expected {expected['copied']}")
    return [f"{name} ({seen['text']}): {sentence}" for sentence in found]


def key_of():
    digest = hashlib.sha256(lab.inputs_key().encode())
    for source in ("tlist.py", "tlist_cases.py", "fixtures.py", "pool.py", "mdimage.py", "guest/states.sh", "guest/guest.sh"):
        digest.update((HERE / source).read_bytes())
    return digest.hexdigest()


def make_all(out, only=(), jobs=2):
    """The verdicts, made now unless they are there."""
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        marker, result = out / "key", out / "verdicts.json"
        if not only and marker.is_file() and marker.read_text() == key_of():
            return json.loads(result.read_text())
        lab.root_image()
        statements = [statement for statement in tlist_cases.all_statements() if not only or f"T{statement.number}" in only]
        with tempfile.TemporaryDirectory(prefix="tlist-", dir=out) as scratch:
            make_bases(out, Path(scratch) / "bases")
            verdicts = {}
            with concurrent.futures.ThreadPoolExecutor(jobs) as workers:
                parts = [workers.submit(try_all, statements[part::jobs], out, Path(scratch) / str(part))
                         for part in range(jobs) if statements[part::jobs]]
                for part in parts:
                    verdicts.update(part.result())
        ordered = {f"T{statement.number}": verdicts[f"T{statement.number}"] for statement in statements}
        result.write_text(json.dumps(ordered, indent=1) + "\n")
        marker.write_text("" if only else key_of())
        return json.loads(result.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    begun = time.monotonic()
    try:
        verdicts = make_all(options.out, options.only, options.jobs)
    except lab.LabError as error:
        print(error, file=sys.stderr)
        return lab.BROKEN
    print(f"{len(verdicts)} statements in {options.out}, {time.monotonic() - begun:.0f} s")
    wrong = [sentence for name, seen in verdicts.items() for sentence in deviations(name, seen)]
    if options.check:
        print("\n".join(wrong))
    return 1 if options.check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
