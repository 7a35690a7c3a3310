# SPDX-License-Identifier: Apache-2.0
"""The one big sparse disk from which a scenario cuts its members (cut_member in guest/guest.sh)."""

import os
import re
from pathlib import Path

SECTOR = 512
BLOCK = 4096


def make(path, size):
    with open(path, "wb") as file:
        file.truncate(size)


def slices(share):
    """{member name: (first sector, sectors)} as the guest wrote them down."""
    table = {}
    for line in (Path(share) / "slices").read_text().splitlines():
        name, start, sectors = line.split()
        table[name] = (int(start), int(sectors))
    return table


def data_ranges(descriptor, begin, end):
    position = begin
    while position < end:
        try:
            position = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError:
            return
        if position >= end:
            return
        stop = min(os.lseek(descriptor, position, os.SEEK_HOLE), end)
        yield position, stop
        position = stop


def copy_sparse(source, target, begin=0, length=None):
    """Copies a range of one file into another; blocks of zeros become holes."""
    zeros = bytes(BLOCK)
    with open(source, "rb") as reader, open(target, "wb") as writer:
        length = os.fstat(reader.fileno()).st_size - begin if length is None else length
        writer.truncate(length)
        for start, stop in data_ranges(reader.fileno(), begin, begin + length):
            at = start
            while at < stop:
                piece = os.pread(reader.fileno(), min(1 << 20, stop - at), at)
                # Most pieces have no such block, and then one write is enough.
                step = BLOCK if zeros in piece or len(piece) < BLOCK else len(piece)
                for offset in range(0, len(piece), step):
                    block = piece[offset:offset + step]
                    if block.count(0) != len(block):
                        os.pwrite(writer.fileno(), block, at - begin + offset)
                at += len(piece)


def extract(pool, share, name, target):
    start, sectors = slices(share)[name]
    copy_sparse(pool, target, start * SECTOR, sectors * SECTOR)


# ---- what the programs print --------------------------------------------------------------------


def parse_examine(text):
    """`mdadm -E` as a dictionary with mdadm's own field names. The device table of 0.90 becomes the
    list "disks" and the entry "this", each {number, major, minor, raid_disk, state}."""
    fields = {}
    for line in text.splitlines():
        table = re.match(r"\s*(this|\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(-?\d+)\s+(\S.*?)\s*$", line)
        if table:
            entry = {"number": int(table[2]), "major": int(table[3]), "minor": int(table[4]),
                     "raid_disk": int(table[5]), "state": re.split(r"\s{2,}", table[6])[0]}
            if table[1] == "this":
                fields["this"] = entry
            else:
                fields.setdefault("disks", []).append(entry)
            continue
        match = re.match(r"\s*(\S[^:]*?) : (.*?)\s*$", line)
        if match:
            fields[match[1]] = match[2]
    return fields


def parse_bitmap(text):
    """`mdadm -X` as a dictionary, and the count behind "Bitmap" as numbers "bits" and "dirty"."""
    fields = parse_examine(text)
    match = re.match(r"(\d+) bits .*?, (\d+) dirty", fields.get("Bitmap", ""))
    if match:
        fields["bits"] = int(match[1])
        fields["dirty"] = int(match[2])
    return fields


def parse_sysfs(text):
    """dump_array's output: {"key": value, ..., "members": {name: {"key": value}}}."""
    result = {"members": {}}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key.startswith("member."):
            _, name, item = key.split(".", 2)
            result["members"].setdefault(name, {})[item] = value
        elif key:
            result[key] = value
    return result
