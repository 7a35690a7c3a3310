# SPDX-License-Identifier: Apache-2.0
"""What Bitmend does to the arrays of random_run.py, on overlays.

An operation is a function: given the case, the expected content and a source of choices, it works with
bitmendctl on an overlay and returns a Work for random_judge.py, or None when it is not for this array. A new
one is one more row in ALWAYS or DRAWN."""

import json
import re
import shutil
import subprocess

import mdimage
import mend_cases
import pool
from random_judge import Work

BLOCK = 4096


class Place:
    """A folder of an operation, with the overlay that its calls share."""

    def __init__(self, case, name):
        self.folder = case.folder / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()

    def ctl(self, command, *arguments, allowed=(0,)):
        return mend_cases.run(mend_cases.BITMENDCTL, command, "--overlay", self.folder / "overlay", *arguments,
                              allowed=allowed)

    def copies(self, images, prefix):
        targets = [self.folder / f"{prefix}-{image.name}" for image in images]
        for image, target in zip(images, targets):
            pool.copy_sparse(image, target)
        return targets

    def merged(self, images, prefix="done"):
        """Copies of the images with what lies in the overlay."""
        targets = self.copies(images, prefix)
        words = [word for image, target in zip(images, targets) for word in (image, self.folder / "overlay", target)]
        mend_cases.run(mend_cases.APPLY_OVERLAY, *words)
        return targets

    def blank(self, size, number, choice):
        """A disk for a new member: never used, or full of something else."""
        image = self.folder / f"new{number}.img"
        if choice.random() < 0.5:
            pool.make(image, size)
        else:
            image.write_bytes(choice.randbytes(size))
        return image


def data_sectors(image):
    """Where the data of a member begins, in bytes, and its sectors."""
    member = mdimage.Member(image)
    return member.data_start(), member.get("size") * (2 if member.version == "0.90" else 1)


def write_pieces(place, images, content, choice, count):
    for number in range(count):
        at = choice.randrange(len(content))
        data = choice.randbytes(choice.randint(1, min(200000, len(content) - at)))
        source = place.folder / f"data{number}"
        source.write_bytes(data)
        place.ctl("write", "--offset", at, source, *images)
        content[at:at + len(data)] = data


def write(case, expected, choice):
    """Some stretches written through the array."""
    place, content = Place(case, "write"), bytearray(expected)
    write_pieces(place, case.images, content, choice, 3)
    return Work("writes", case, place.merged(case.images), bytes(content))


def killed_write(case, expected, choice):
    """A long write is killed (-9). What was acknowledged is there, the rest is old or new, and a resync of what the
    bitmap names makes of it what the kernel's own does."""
    place, length = Place(case, "killed"), min(len(expected), 1_500_000)
    at, data = choice.randrange(len(expected) - length + 1), choice.randbytes(length)
    source = place.folder / "data"
    source.write_bytes(data)
    process = subprocess.Popen([mend_cases.BITMENDCTL, "write", "--verbose", "--overlay", place.folder / "overlay",
                                "--offset", str(at), "--flush-every", "64K", source, *case.images],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    enough, safe = choice.randrange(length), 0
    for line in process.stderr:
        acknowledged = re.search(r"bytes 0 to (\d+) ", line)
        safe = int(acknowledged.group(1)) if acknowledged else safe
        if safe >= enough:
            process.kill()
    process.wait()
    killed = place.merged(case.images, "killed")
    before = [image.read_bytes() for image in killed]
    place.ctl("resync", *case.images)
    place.ctl("stop", *case.images)
    done = place.merged(case.images)
    work = Work("killed writes", case, done, kernels=("resync", killed))
    work.wrong += [f"slot {slot} was changed outside what the bitmap names, at sector {sector} of its data"
                   for slot, sector in changed_elsewhere(case, killed, before, done)[:1]]
    target = place.folder / "out"
    place.ctl("read", "--output", target, *case.images)
    work.wrong += torn(expected, target.read_bytes(), at, data, safe)
    return work


def torn(old, found, at, data, safe):
    """Complaints: what was acknowledged is new, what lies outside is old, and each sector between is one of both."""
    end = at + len(data)
    if found[:at] != old[:at] or found[end:] != old[end:]:
        yield "something else was changed than what was written"
    if found[at:at + safe] != data[:safe]:
        yield "what was acknowledged is lost"
    for byte in range(at + safe, end):
        if found[byte] != old[byte] and found[byte] != data[byte - at]:
            yield f"byte {byte} is neither old nor new"
            return


def resync(case, _, choice):
    """The kernel was killed while it wrote, and a part of what it wrote never arrived."""
    if not case.crashed:
        return None
    place = Place(case, "resync")
    lose_writes(case, choice)
    before = [image.read_bytes() for image in case.crashed]
    place.ctl("resync", *case.crashed)
    place.ctl("stop", *case.crashed)
    done = place.merged(case.crashed)
    work = Work("resyncs", case, done, kernels=("resync", case.crashed))
    work.wrong += [f"slot {slot} was changed outside what the bitmap names, at sector {sector} of its data"
                   for slot, sector in changed_elsewhere(case, case.crashed, before, done)[:1]]
    return work


def lose_writes(case, choice):
    """Takes some blocks of some members back to what they were before the writes that the crash cut off."""
    for image, crashed in zip(case.images, case.crashed):
        start, sectors = data_sectors(image)
        part = choice.choice([0, 0.2, 0.5, 1])
        old, new = image.read_bytes(), bytearray(crashed.read_bytes())
        for at in range(start, start + sectors * 512, BLOCK):
            end = min(at + BLOCK, start + sectors * 512)
            if old[at:end] != new[at:end] and choice.random() < part:
                new[at:end] = old[at:end]
        crashed.write_bytes(new)


def changed_elsewhere(case, images, before, done):
    """(slot, sector of its data) of each changed sector that no bitmap of the images names."""
    if not case.shape.bitmap:
        return []
    _, length = data_sectors(images[0])
    named = set()
    for image in images:
        named.update(mdimage.Member(image).bitmap().dirty())
    bit, found = case.shape.bits(length), []
    for slot, (old, image) in enumerate(zip(before, done)):
        start, sectors = data_sectors(image)
        new = image.read_bytes()
        for sector in range(sectors):
            at = start + sector * 512
            if old[at:at + 512] != new[at:at + 512] and bit(slot, sector) not in named:
                found.append((slot, sector))
    return found


def recover(case, expected, choice):
    """Members are lost, as many as can be, and new ones come in their place."""
    lost = case.shape.lost_set(choice)
    place = Place(case, "recover")
    members = [image for slot, image in enumerate(case.images) if slot not in lost]
    for slot in sorted(lost, key=lambda _: choice.random()):
        spare = place.blank(case.images[slot].stat().st_size, slot, choice)
        place.ctl("add", "--spare", spare, *members)
        members.append(spare)
    place.ctl("stop", *members)
    return Work("recoveries", case, place.merged(members), expected)


def write_degraded(case, expected, choice):
    """Members are lost, as many as can be, and the array is written to without them, and between the recoveries of
    those that come in their place."""
    lost = case.shape.lost_set(choice)
    place, content = Place(case, "degraded"), bytearray(expected)
    members = [image for slot, image in enumerate(case.images) if slot not in lost]
    write_pieces(place, members, content, choice, 3)
    for slot in sorted(lost):
        spare = place.blank(case.images[slot].stat().st_size, slot, choice)
        place.ctl("add", "--spare", spare, *members)
        members.append(spare)
        write_pieces(place, members, content, choice, 1)
    place.ctl("stop", *members)
    return Work("degraded writes", case, place.merged(members), bytes(content))


def repair(case, _, choice):
    """Single bytes of some members are wrong: check counts them as the kernel does, repair mends as it does."""
    place = Place(case, "repair")
    damaged = place.copies(case.images, "damaged")
    for _ in range(choice.randint(1, 4)):
        spoil(choice.choice(damaged), choice)
    checked = json.loads(place.ctl("check", "--json", *damaged, allowed=(0, 4)).stdout)
    repaired = json.loads(place.ctl("repair", "--json", *damaged, allowed=(0, 4)).stdout)
    place.ctl("stop", *damaged)
    work = Work("checks with repair", case, place.merged(damaged), kernels=("repair", damaged))
    work.counted = {"check": checked["mismatch_sectors"], "repair": repaired["mismatch_sectors"]}
    return work


def spoil(image, choice):
    start, sectors = data_sectors(image)
    with open(image, "r+b") as file:
        at = start + choice.randrange(sectors * 512)
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << choice.randrange(8)]))


def come_back(case, expected, choice):
    """A member is failed, perhaps removed, and perhaps the array written to; then it comes back, where the bitmap
    says what it missed, or else a new one takes its place."""
    slot = choice.randrange(case.shape.members)
    if not case.shape.survives({slot}):
        return None
    place, content = Place(case, "re-add"), bytearray(expected)
    gone, others = case.images[slot], [image for image in case.images if image != case.images[slot]]
    place.ctl("fail", "--member", gone, *case.images)
    if choice.random() < 0.5:
        place.ctl("remove", "--member", gone, *case.images)
    write_pieces(place, others, content, choice, choice.randint(0, 2))
    if case.shape.bitmap:
        place.ctl("re-add", "--member", gone, *others)
        members, name = case.images, "re-adds"
    else:
        spare = place.blank(gone.stat().st_size, slot, choice)
        place.ctl("re-add", "--member", gone, *others, allowed=(3,))
        place.ctl("add", "--spare", spare, *others)
        members, name = others + [spare], "replacements"
    place.ctl("stop", *members)
    return Work(name, case, place.merged(members), bytes(content))


ALWAYS = [write, resync]
DRAWN = [recover, write_degraded, killed_write, repair, come_back]


def work_on(case, expected, choice, differ):
    """The works of all operations for this array: those that are always done, and one that is drawn."""
    works = []
    for operation in ALWAYS + ([choice.choice(DRAWN)] if case.shape.is_redundant() else []):
        try:
            works.append(operation(case, expected, choice))
        except AssertionError as error:
            differ(case, f"{operation.__name__}: {error}")
    return [work for work in works if work is not None]
