# SPDX-License-Identifier: Apache-2.0
"""Reads and patches md superblocks in image files, for the tests: written apart from the engine, so
that the two can be held against each other. Little-endian writers only."""

import os
import struct

MD_MAGIC = 0xA92B4EFC
BITMAP_MAGIC = 0x6D746962
BITMAP_HEADER = 256

# name: (offset, struct format)
FIELDS_1 = {
    "magic": (0, "<I"), "major_version": (4, "<I"), "feature_map": (8, "<I"), "pad0": (12, "<I"), "set_uuid": (16, "16s"),
    "set_name": (32, "32s"), "ctime": (64, "<Q"), "level": (72, "<i"), "layout": (76, "<I"), "size": (80, "<Q"),
    "chunksize": (88, "<I"), "raid_disks": (92, "<I"), "bitmap_offset": (96, "<i"), "new_level": (100, "<I"),
    "reshape_position": (104, "<Q"), "delta_disks": (112, "<i"), "new_layout": (116, "<I"), "new_chunk": (120, "<I"),
    "new_offset": (124, "<i"), "data_offset": (128, "<Q"), "data_size": (136, "<Q"), "super_offset": (144, "<Q"),
    "recovery_offset": (152, "<Q"), "dev_number": (160, "<I"), "device_uuid": (168, "16s"), "devflags": (184, "B"),
    "bblog_shift": (185, "B"), "bblog_size": (186, "<H"), "bblog_offset": (188, "<i"), "utime": (192, "<Q"),
    "events": (200, "<Q"), "resync_offset": (208, "<Q"), "sb_csum": (216, "<I"), "max_dev": (220, "<I"),
}
WORDS_0 = {
    "md_magic": 0, "major_version": 1, "minor_version": 2, "patch_version": 3, "gvalid_words": 4, "set_uuid0": 5, "ctime": 6,
    "level": 7, "size": 8, "nr_disks": 9, "raid_disks": 10, "md_minor": 11, "not_persistent": 12, "set_uuid1": 13,
    "set_uuid2": 14, "set_uuid3": 15, "reserved16": 16, "utime": 32, "state": 33, "active_disks": 34, "working_disks": 35,
    "failed_disks": 36, "spare_disks": 37, "sb_csum": 38, "events_lo": 39, "events_hi": 40, "cp_events_lo": 41,
    "cp_events_hi": 42, "recovery_cp": 43, "layout": 64, "chunk_size": 65, "this.number": 992, "this.raid_disk": 995,
    "this.state": 996,
}
FIELDS_BITMAP = {
    "magic": (0, "<I"), "version": (4, "<I"), "uuid": (8, "16s"), "events": (24, "<Q"), "events_cleared": (32, "<Q"),
    "sync_size": (40, "<Q"), "state": (48, "<I"), "chunksize": (52, "<I"), "daemon_sleep": (56, "<I"),
    "write_behind": (60, "<I"), "sectors_reserved": (64, "<I"), "nodes": (68, "<I"),
}


def sum_of_words(block):
    total = sum(struct.unpack(f"<{len(block) // 4}I", block[:len(block) // 4 * 4]))
    if len(block) % 4:
        total += struct.unpack("<H", block[-2:])[0]
    return ((total & 0xFFFFFFFF) + (total >> 32)) & 0xFFFFFFFF


class Bitmap:
    """The write-intent bitmap behind `start` (bytes) of an image or bitmap file."""

    def __init__(self, path, start, level=None):
        self.path = path
        self.start = start
        with open(path, "rb") as file:
            file.seek(start)
            self.header = bytearray(file.read(BITMAP_HEADER))

    def get(self, name):
        offset, form = FIELDS_BITMAP[name]
        return struct.unpack_from(form, self.header, offset)[0]

    def set(self, name, value):
        offset, form = FIELDS_BITMAP[name]
        struct.pack_into(form, self.header, offset, value)

    def chunks(self):
        per_chunk = self.get("chunksize") // 512
        return -(-self.get("sync_size") // per_chunk)

    def dirty(self):
        """Numbers of the set chunks, ascending."""
        count = self.chunks()
        with open(self.path, "rb") as file:
            file.seek(self.start + BITMAP_HEADER)
            data = file.read((count + 7) // 8)
        return [i for i in range(count) if data[i >> 3] >> (i & 7) & 1]

    def set_bits(self, numbers, value=True):
        with open(self.path, "r+b") as file:
            for number in numbers:
                at = self.start + BITMAP_HEADER + (number >> 3)
                file.seek(at)
                byte = file.read(1)[0]
                byte = byte | 1 << (number & 7) if value else byte & ~(1 << (number & 7))
                file.seek(at)
                file.write(bytes([byte]))

    def store(self):
        with open(self.path, "r+b") as file:
            file.seek(self.start)
            file.write(self.header)


class Member:
    """One member image with a valid superblock. `version` is "0.90", "1.0", "1.1" or "1.2"."""

    def __init__(self, path):
        self.path = path
        self.sectors = os.path.getsize(path) // 512
        places = [("1.2", 8), ("1.1", 0), ("1.0", (self.sectors - 16) & ~7), ("0.90", (self.sectors & ~127) - 128)]
        with open(path, "rb") as file:
            for version, sector in places:
                if sector < 0:
                    continue
                file.seek(sector * 512)
                block = file.read(4096)
                if len(block) < 512 or struct.unpack("<I", block[:4])[0] != MD_MAGIC:
                    continue
                major = struct.unpack("<I", block[4:8])[0]
                if version == "0.90" and major == 0 or version != "0.90" and major == 1 and \
                        struct.unpack("<Q", block[144:152])[0] == sector:
                    self.version, self.sector, self.block = version, sector, bytearray(block)
                    return
        raise ValueError(f"{path}: no superblock")

    def get(self, name):
        if self.version == "0.90":
            return struct.unpack_from("<I", self.block, 4 * WORDS_0[name])[0]
        if name.startswith("role"):
            return struct.unpack_from("<H", self.block, 256 + 2 * int(name[4:]))[0]
        offset, form = FIELDS_1[name]
        return struct.unpack_from(form, self.block, offset)[0]

    def set(self, name, value):
        if self.version == "0.90":
            struct.pack_into("<I", self.block, 4 * WORDS_0[name], value & 0xFFFFFFFF)
        elif name.startswith("role"):
            struct.pack_into("<H", self.block, 256 + 2 * int(name[4:]), value)
        else:
            offset, form = FIELDS_1[name]
            struct.pack_into(form, self.block, offset, value)

    def checksum(self):
        if self.version == "0.90":
            block = bytearray(self.block)
            block[152:156] = bytes(4)
        else:
            block = bytearray(self.block[:256 + 2 * min(self.get("max_dev"), 1920)])
            block[216:220] = bytes(4)
        return sum_of_words(bytes(block))

    def store(self, good_checksum=True):
        if good_checksum:
            self.set("sb_csum", self.checksum())
        with open(self.path, "r+b") as file:
            file.seek(self.sector * 512)
            file.write(self.block)

    def bitmap_start(self):
        """Byte at which the internal bitmap begins, or None."""
        if self.version == "0.90":
            return (self.sector + 8) * 512 if self.get("state") & 0x100 else None
        if not self.get("feature_map") & 1 or self.get("bitmap_offset") == 0:
            return None
        return (self.sector + self.get("bitmap_offset")) * 512

    def bitmap(self):
        start = self.bitmap_start()
        return None if start is None else Bitmap(self.path, start)

    def data_start(self):
        return 0 if self.version == "0.90" else self.get("data_offset") * 512

    def data_length(self):
        """Bytes that the array uses of this member, which the superblock of a level without redundancy does not say."""
        return self.get("size") * (1024 if self.version == "0.90" else 512)


def ranges(numbers):
    """[3, 4, 5, 9] as [[3, 5], [9, 9]]."""
    result = []
    for number in numbers:
        if result and result[-1][1] == number - 1:
            result[-1][1] = number
        else:
            result.append([number, number])
    return result


def differing_chunks(first, second, chunk):
    """Chunks (in bytes, from the start of the data) in which two members of a mirror differ."""
    end = first.data_length()
    found = set()
    with open(first.path, "rb") as one, open(second.path, "rb") as two:
        one.seek(first.data_start())
        two.seek(second.data_start())
        for at in range(0, end, 4096):
            if one.read(min(4096, end - at)) != two.read(min(4096, end - at)):
                found.add(at // chunk)
    return found
