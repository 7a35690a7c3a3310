# SPDX-License-Identifier: Apache-2.0
"""The statements of the accept/reject checklist about members and starting, each as a patch of a base
set, with what the kernel is expected to do. tlist.py makes and tries them.

A patch is {member: {field: value}}; a member is an index or "all", a field one of mdimage.py's or, with
the prefix "bitmap.", one of the bitmap's header. A value that is a function gets the Member (or Bitmap)
and returns the value. "bits" sets bits in the bitmap, "bytes" writes raw bytes into the superblock.
"""

from dataclasses import dataclass, field

import mdimage

EVENTS = 20  # all base sets
BITMAP_OFFSET, RECOVERY_OFFSET, BAD_BLOCKS, NEW_OFFSET, RECOVERY_BITMAP = 1, 2, 8, 64, 128
JOURNAL, PPL, MULTIPLE_PPLS, RAID0_LAYOUT, UNKNOWN = 512, 1024, 2048, 4096, 8192
FAULTY, SPARE, JOURNAL_ROLE = 0xFFFE, 0xFFFF, 0xFFFD
DESCRIPTOR_1_STATE = 512 + 128 + 16  # byte of disks[1].state in a 0.90 superblock
DIRTY = {"resync_offset": 0}


@dataclass
class Base:
    """How a base set is created; all are clean, with their roles in order."""
    level: str
    metadata: str = "1.2"
    sizes: tuple = (16384, 16384)
    options: str = ""


BASES = {
    "raid1": Base("1", options="--bitmap=internal --bitmap-chunk=64K"),
    "raid1-1.0": Base("1", "1.0"),
    "raid1-0.90": Base("1", "0.90"),
    "raid1-0.90-bitmap": Base("1", "0.90", options="--bitmap=internal --bitmap-chunk=64K"),
    "raid4": Base("4", sizes=(16384,) * 3, options="--chunk=64"),
    "raid5": Base("5", sizes=(16384,) * 3, options="--chunk=64"),
    "raid6": Base("6", sizes=(16384,) * 4, options="--chunk=64"),
    "raid10": Base("10", sizes=(16384,) * 4, options="--chunk=64 --layout=n2"),
    "raid0": Base("0", options="--chunk=64"),
    "raid0-zones": Base("0", sizes=(12288, 16384, 16384), options="--chunk=64"),
}


@dataclass
class Statement:
    """`add`, `run` and `roles` are expected: the answers of ADD_NEW_DISK and RUN_ARRAY, and "state slot"
    of each member while the array is still auto-read-only (None: not there). `copied`: sectors that the
    sync which then follows reads from the first member, where the statement says so."""
    number: int
    text: str
    base: str
    patch: dict = field(default_factory=dict)
    order: tuple = ()  # of adding; default: all by index
    version: str = ""
    parameters: str = ""  # "module/parameter=value"
    add: tuple = ()
    run: str = "ok"
    roles: tuple = ()
    copied: int = -1
    after_roles: tuple = ()


def change(**changes):
    """Fields by name; double underscore stands for a dot."""
    return {name.replace("__", "."): value for name, value in changes.items()}


def add_feature(bits):
    return lambda member: member.get("feature_map") | bits


def plus(name, difference):
    return lambda block: block.get(name) + difference


OK2 = ("ok", "ok")
IN_SYNC = ("in_sync 0", "in_sync 1")
REJECTED = dict(add=("ok", "EINVAL"), roles=("in_sync 0", None))
SECOND_LOST = dict(add=OK2, roles=("in_sync 0", None))
REBUILT = dict(add=OK2, roles=("in_sync 0", "spare none"), after_roles=IN_SYNC)
STARTED = dict(add=OK2, roles=IN_SYNC)


def refused(error):
    return dict(add=OK2, run=error, roles=())


def of_second(number, text, base="raid1", expect=None, **changes):
    return Statement(number, text, base, {1: change(**changes)}, **(expect or REJECTED))


def of_all(number, text, base="raid1", expect=None, **changes):
    return Statement(number, text, base, {"all": change(**changes)}, **(expect or STARTED))


def superblocks_1():
    yield of_second(1, "wrong magic", magic=0x12345678)
    yield of_second(2, "major_version 2", major_version=2)
    yield of_second(3, "max_dev 1921", max_dev=1921)
    yield of_second(4, "max_dev 1920", expect=STARTED, max_dev=1920)
    yield of_second(5, "super_offset is not its place", super_offset=16)
    yield of_second(6, "unknown feature bit", feature_map=add_feature(UNKNOWN))
    yield of_second(7, "checksum off by one", sb_csum=lambda member: member.checksum() + 1)
    yield of_second(8, "data_size 9", data_size=9)
    yield of_second(9, "data_size 10", expect=dict(add=OK2), data_size=10)
    yield of_second(10, "pad0 is 1", pad0=1)
    yield of_second(11, "first byte of pad3", bytes={224: b"\1"})
    yield of_second(12, "last byte of pad3", bytes={255: b"\1"})
    yield of_second(13, "data_size beyond the device", data_size=lambda member: member.sectors - member.get("data_offset") + 1)
    yield of_all(14, "size larger than data_size", size=99999)
    yield of_second(15, "another array's uuid", set_uuid=b"0123456789abcdef")
    yield of_second(16, "level differs", level=5)
    yield of_second(17, "layout differs", layout=1)
    yield of_second(18, "chunksize differs", chunksize=128)
    yield of_second(19, "raid_disks differs", expect=STARTED, raid_disks=3)
    yield of_second(20, "size differs", expect=STARTED, size=plus("size", -128))
    yield of_second(21, "ctime differs", expect=STARTED, ctime=plus("ctime", 1))
    yield of_all(22, "RAID0_LAYOUT on a mirror", expect=dict(add=("EINVAL", "EINVAL"), run="EINVAL"),
                 feature_map=add_feature(RAID0_LAYOUT))
    yield of_second(23, "BAD_BLOCKS without a log", feature_map=add_feature(BAD_BLOCKS), bblog_offset=0)
    yield of_second(24, "BAD_BLOCKS with a log of 9 sectors", feature_map=add_feature(BAD_BLOCKS), bblog_size=9)
    yield of_second(25, "dev_number twice", expect=dict(add=("ok", "EBUSY"), roles=("in_sync 0", None)), dev_number=0)
    yield of_second(26, "one event behind", expect=STARTED, events=plus("events", -1))
    yield of_second(27, "two events behind", expect=SECOND_LOST, events=plus("events", -2))
    yield of_second(28, "five events ahead", expect=dict(add=OK2, roles=(None, "in_sync 1")), events=plus("events", 5))
    yield of_second(29, "dev_number beyond max_dev", expect=REBUILT, dev_number=500)
    yield of_all(30, "role faulty in all tables", expect=dict(add=OK2, roles=("in_sync 0", "faulty none")), role1=FAULTY)
    yield Statement(31, "role faulty in the freshest table, the other one behind", "raid1",
                    {0: change(role1=FAULTY), 1: change(events=plus("events", -1))}, add=OK2, roles=("in_sync 0", "faulty none"))
    # It counts as having been a member before: with a bitmap only set chunks are copied, here none.
    yield of_all(32, "role 7 of 2", expect=dict(add=OK2, roles=("in_sync 0", "spare 1"), after_roles=IN_SYNC, copied=0), role1=7)
    yield of_all(33, "one role twice", expect=refused("EINVAL"), role1=0)
    yield of_all(34, "role spare", expect=REBUILT, role1=SPARE)
    yield Statement(35, "spare with events 1", "raid1", {"all": change(role1=SPARE), 1: change(events=1)}, **REBUILT)
    yield of_second(36, "RECOVERY_OFFSET 4096 without RECOVERY_BITMAP",
                    expect=dict(add=OK2, roles=("in_sync 0", "spare 1"), after_roles=IN_SYNC, copied=14336 - 4096),
                    feature_map=add_feature(RECOVERY_OFFSET), recovery_offset=4096)
    yield Statement(37, "RECOVERY_OFFSET 0 with RECOVERY_BITMAP", "raid1",
                    # With events_cleared equal to events the bit would only fade (T106).
                    {"all": {"bits": [3], "bitmap.events_cleared": 3}, 1: change(feature_map=add_feature(RECOVERY_OFFSET | RECOVERY_BITMAP), recovery_offset=0)},
                    add=OK2, roles=("in_sync 0", "spare 1"), after_roles=IN_SYNC, copied=128)
    yield of_all(38, "PPL and bitmap", expect=dict(add=OK2, roles=("in_sync 0", "spare none"), after_roles=IN_SYNC),
                 feature_map=add_feature(PPL))
    yield of_all(39, "JOURNAL and bitmap", expect=refused("EBUSY"), feature_map=add_feature(JOURNAL))
    yield of_all(40, "role journal without JOURNAL on the freshest", expect=REBUILT, role1=JOURNAL_ROLE)
    yield of_all(41, "raid_disks 0", expect=refused("EINVAL"), raid_disks=0)
    yield of_all(42, "level 99", expect=refused("EINVAL"), level=99)
    yield of_all(43, "level -4 without its personality", expect=refused("EINVAL"), level=-4)
    yield Statement(44, "1.2 offered as 1.1", "raid1", version="1.1", add=("EINVAL", "EINVAL"), run="EINVAL")
    yield Statement(45, "minor 3", "raid1", version="1.3", add=("EINVAL", "EINVAL"), run="EINVAL")
    yield Statement(46, "one of two", "raid1", order=(0,), add=("ok",), roles=("in_sync 0", None))
    yield of_second(47, "data_offset inside the superblock", data_offset=8)
    yield of_second(48, "1.0: data_size beyond the superblock", "raid1-1.0", data_size=lambda member: member.sector + 8)
    yield of_all(49, "both PPL bits", expect=dict(add=OK2, roles=("in_sync 0", "spare none"), after_roles=IN_SYNC),
                 feature_map=add_feature(PPL | MULTIPLE_PPLS))
    yield of_second(50, "NEW_OFFSET without RESHAPE_ACTIVE", expect=STARTED, feature_map=add_feature(NEW_OFFSET), new_offset=-2040)


def folded(member):
    once = (member.checksum() & 0xFFFF) + (member.checksum() >> 16)
    return (once & 0xFFFF) + (once >> 16)


def superblocks_090():
    old = "raid1-0.90"
    yield of_second(51, "checksum folded to 16 bits", old, STARTED, sb_csum=folded)
    yield of_second(52, "checksum with one bit flipped", old, sb_csum=lambda member: member.checksum() ^ 4)
    yield of_second(53, "minor 89", old, minor_version=89)
    yield of_second(54, "minor 92", old, minor_version=92)
    yield of_second(55, "major 1", old, major_version=1)
    yield of_second(56, "raid_disks 0", old, raid_disks=0)
    yield Statement(57, "the other byte order", old, {1: {"swap": True}}, **REJECTED)
    yield of_second(58, "size beyond the superblock", old, size=lambda member: member.sector // 2 + 4)
    yield of_second(59, "ctime differs", old, ctime=plus("ctime", 1))
    yield of_second(60, "md_minor differs", old, md_minor=plus("md_minor", 1))
    yield of_second(61, "size differs", old, size=plus("size", -64))
    yield of_second(62, "gvalid_words differs", old, gvalid_words=1)
    yield of_second(63, "a reserved word differs", old, reserved16=1)
    yield of_second(64, "nr_disks differs", old, STARTED, nr_disks=3)
    yield of_second(65, "utime differs", old, STARTED, utime=plus("utime", 9))
    yield of_second(66, "one event behind", old, STARTED, events_lo=plus("events_lo", -1))
    yield of_second(67, "two events behind", old, SECOND_LOST, events_lo=plus("events_lo", -2))
    yield of_second(68, "number 27", old, SECOND_LOST, this__number=27)
    yield Statement(69, "one number twice", old, {0: change(this__number=1)}, add=("ok", "EBUSY"))
    yield of_all(70, "dirty, cp_events is another", old, STARTED | dict(copied=16256), state=0, recovery_cp=4096, cp_events_lo=3)
    yield of_all(71, "dirty, cp_events is the same", old, STARTED | dict(copied=16256 - 4096), state=0, recovery_cp=4096,
                 cp_events_lo=EVENTS)
    yield of_all(72, "bitmap on disk but not in state", "raid1-0.90-bitmap", state=1)
    yield of_all(73, "descriptor faulty", old, dict(add=OK2, roles=("in_sync 0", "faulty none")),
                 bytes={DESCRIPTOR_1_STATE: b"\1\0\0\0"})
    yield of_all(74, "descriptor state 0", old, REBUILT, bytes={DESCRIPTOR_1_STATE: b"\0\0\0\0"})


def bitmaps():
    yield of_all(76, "magic", expect=refused("EINVAL"), bitmap__magic=0x12345678)
    yield of_all(77, "version 2", expect=refused("EINVAL"), bitmap__version=2)
    yield of_all(78, "version 3", bitmap__version=3)
    yield of_all(79, "version 5 without nodes", bitmap__version=5)
    yield of_all(80, "version 6", expect=refused("EINVAL"), bitmap__version=6)
    yield of_all(81, "chunk 256", expect=refused("EINVAL"), bitmap__chunksize=256)
    yield of_all(82, "chunk 512", bitmap__chunksize=512)
    yield of_all(83, "chunk 96 KiB", expect=refused("EINVAL"), bitmap__chunksize=98304)
    yield of_all(84, "daemon_sleep 0", expect=refused("EINVAL"), bitmap__daemon_sleep=0)
    yield of_all(85, "write_behind 16383", bitmap__write_behind=16383)
    yield of_all(86, "write_behind 16384", expect=refused("EINVAL"), bitmap__write_behind=16384)
    yield of_all(87, "another array's uuid", expect=refused("EINVAL"), bitmap__uuid=b"0123456789abcdef")
    yield of_all(88, "one event behind: stale", bitmap__events=EVENTS - 1)
    yield of_all(89, "one event ahead", bitmap__events=EVENTS + 1)
    yield of_all(90, "100 events ahead", bitmap__events=EVENTS + 100)
    yield of_all(91, "state stale", bitmap__state=2)
    yield of_all(92, "state write error", expect=refused("EIO"), bitmap__state=4)
    yield of_all(93, "sync_size 0", bitmap__sync_size=0)
    yield of_all(94, "area overlaps the data", expect=refused("EIO"), move_bitmap=2040)
    yield of_all(95, "bitmap_offset at garbage", expect=refused("EINVAL"), bitmap_offset=100)
    yield Statement(96, "bad only on the first-added member", "raid1", {0: change(bitmap__magic=0)}, **STARTED)
    yield of_all(97, "feature bit with offset 0", bitmap_offset=0)
    yield of_all(98, "no feature bit", feature_map=0)
    yield of_all(99, "clean with set bits", expect=STARTED | dict(copied=0), bits=[3])
    yield of_all(100, "dirty with set bits", expect=STARTED | dict(copied=256), bits=[3, 7], **DIRTY)
    yield of_all(101, "stale and clean", expect=STARTED | dict(copied=0), bitmap__state=2)
    yield of_all(102, "stale and dirty", expect=STARTED | dict(copied=14336), bitmap__state=2, **DIRTY)
    yield of_all(103, "chunks that end before resync_offset", expect=STARTED | dict(copied=128), bits=[1, 20], resync_offset=1280)
    yield of_all(104, "bits past the end", expect=STARTED | dict(copied=0), bits=[112, 150, 300], **DIRTY)
    yield Statement(105, "degraded, events_cleared is another", "raid1", {"all": {"bits": [3], "bitmap.events_cleared": 3}}, order=(0,),
                    add=("ok",), roles=("in_sync 0", None))
    yield Statement(106, "degraded, events_cleared is the same", "raid1", {"all": change(bits=[3], bitmap__events_cleared=EVENTS)},
                    order=(0,), add=("ok",), roles=("in_sync 0", None))
    yield Statement(107, "bitmaps differ: the last-added member's counts", "raid1",
                    {"all": DIRTY, 0: change(bits=[3]), 1: change(bits=[7, 8, 9])}, **STARTED | dict(copied=384))


def some(number, text, base, order, run, slots, patch=None, parameters=""):
    roles = tuple(f"in_sync {index}" if index in order else None for index in range(slots)) if run == "ok" else ()
    return Statement(number, text, base, {"all": patch or {}}, order=order, parameters=parameters,
                     add=("ok",) * len(order), run=run, roles=roles)


def personalities():
    yield some(117, "raid5, 1 of 3", "raid5", (0,), "EIO", 3)
    yield some(118, "raid5, 2 of 3, clean", "raid5", (0, 1), "ok", 3)
    yield some(119, "raid5, 2 of 3, dirty", "raid5", (0, 1), "EIO", 3, DIRTY)
    yield some(120, "the same with start_dirty_degraded", "raid5", (0, 1), "ok", 3, DIRTY, "md_mod/start_dirty_degraded=1")
    yield some(121, "raid6, dirty, 1 missing", "raid6", (0, 1, 2), "EIO", 4, DIRTY)
    yield some(122, "raid6, dirty, 2 missing", "raid6", (0, 1), "EIO", 4, DIRTY)
    yield some(123, "raid4, dirty, data missing", "raid4", (1, 2), "EIO", 3, DIRTY)
    yield some(124, "raid4, dirty, parity missing", "raid4", (0, 1), "EIO", 3, DIRTY)
    yield some(125, "raid10 n2, dirty, one of a pair missing", "raid10", (0, 2, 3), "ok", 4, DIRTY)
    yield some(126, "raid10 n2, both of a pair missing", "raid10", (2, 3), "EIO", 4, DIRTY)
    yield some(127, "raid10 n2, one of each pair missing", "raid10", (0, 3), "ok", 4, DIRTY)
    yield Statement(128, "raid1, dirty, one left", "raid1", {"all": DIRTY}, order=(0,), add=("ok",), roles=("in_sync 0", None), copied=0)
    yield some(129, "raid5, layout 6", "raid5", (0, 1, 2), "EIO", 3, {"layout": 6})
    yield some(130, "raid5, chunk 24 sectors", "raid5", (0, 1, 2), "EINVAL", 3, {"chunksize": 24})
    yield some(131, "raid5, chunk 4 sectors", "raid5", (0, 1, 2), "EINVAL", 3, {"chunksize": 4})
    yield some(132, "raid10, layout bit 19", "raid10", (0, 1, 2, 3), "EINVAL", 4, {"layout": 0x80102})
    yield some(133, "raid0, 1 of 2", "raid0", (0,), "EINVAL", 2)
    yield some(134, "raid0, one zone, no layout", "raid0", (0, 1), "ok", 2, {"feature_map": 0, "layout": 0})
    yield some(135, "raid0, zones, no layout", "raid0-zones", (0, 1, 2), "EOPNOTSUPP", 3, {"feature_map": 0, "layout": 0})
    yield some(136, "the same with default_layout 2", "raid0-zones", (0, 1, 2), "ok", 3, {"feature_map": 0, "layout": 0},
               "raid0/default_layout=2")
    yield some(137, "raid0, layout word 3", "raid0-zones", (0, 1, 2), "EOPNOTSUPP", 3, {"layout": 3})


def all_statements():
    return [*superblocks_1(), *superblocks_090(), *bitmaps(), *personalities()]


# ---- applying a patch ---------------------------------------------------------------------------


def value_of(value, block):
    return value(block) if callable(value) else value


def swap_bytes(member):
    """The 0.90 superblock as a big-endian host would have written it."""
    words = [member.block[at:at + 4] for at in range(0, 4096, 4)]
    for one, other in ((39, 40), (41, 42)):
        words[one], words[other] = words[other], words[one]
    member.block[:] = b"".join(bytes(reversed(word)) for word in words)


def apply(path, changes):
    member = mdimage.Member(path)
    bitmap = member.bitmap()
    checksum = None
    for name, value in changes.items():
        if name == "bits":
            bitmap.set_bits(value)
        elif name.startswith("bitmap."):
            bitmap.set(name[7:], value_of(value, bitmap))
        elif name == "move_bitmap":
            with open(path, "r+b") as file:
                file.seek(bitmap.start)
                content = file.read(4096)
                file.seek((member.sector + value) * 512)
                file.write(content)
            member.set("bitmap_offset", value)
        elif name == "sb_csum":
            checksum = value
        elif name not in ("bytes", "swap"):
            member.set(name, value_of(value, member))
    for offset, content in changes.get("bytes", {}).items():
        member.block[offset:offset + len(content)] = content
    if bitmap and any(name.startswith("bitmap.") for name in changes):
        bitmap.store()
    if checksum is None:
        member.set("sb_csum", member.checksum())
    else:
        member.set("sb_csum", value_of(checksum, member))
    if changes.get("swap"):
        swap_bytes(member)
    member.store(good_checksum=False)
