#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One array of each level for a long time: whatever can be done to it, one thing after the other, drawn at random, each
by a process of bitmendctl and some of them killed; beside a model of its content and its members.

  soak.py BITMENDCTL APPLY_OVERLAY [--seed N] [--steps N] [--levels 1,4,5,6,10]

Every 50 steps the array is completed and the kernel judges it: it takes every member, has nothing to do, reads the
content of the model, and its check counts nothing. The soak goes on with the images that the kernel leaves. Each
difference is a line.
"""

import argparse
import collections
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import lab
import mend_cases
import pool
import random_judge
import random_operations
import random_run
import random_shapes

STEPS_PER_JUDGEMENT = 50
LONGEST_WRITE = 8 << 20


class Soaked:
    """The array and the model of it. `members`: the image in each slot, None where none is."""

    def __init__(self, case, content, choice):
        self.case, self.shape, self.choice = case, case.shape, choice
        self.content = bytearray(content)
        self.members = list(case.images)
        self.out = None  # (slot, image) of a member that was failed and may come back
        self.has_bitmap, self.bitmap_is_new = bool(case.shape.bitmap), False
        self.new, self.rounds, self.counts, self.wrong = 0, 0, collections.Counter(), []
        self.begin_anew()

    def begin_anew(self):
        self.rounds += 1
        self.place = random_operations.Place(self.case, f"soak{self.rounds}")

    def ctl(self, command, *arguments, allowed=(0,)):
        return self.place.ctl(command, *arguments, allowed=allowed)

    def present(self):
        return [image for image in self.members if image]

    def lost(self):
        return {slot for slot, image in enumerate(self.members) if not image}

    def blank(self):
        self.new += 1
        return self.place.blank(self.case.member_bytes, self.new, self.choice)

    def stretch(self):
        """Where, and how many bytes: aligned or not."""
        length = min(len(self.content), self.choice.choice([512, 4096, 65536, self.choice.randint(1, LONGEST_WRITE)]))
        at = self.choice.randrange(len(self.content) - length + 1)
        return (at // 512 * 512 if self.choice.random() < 0.5 else at), length

    def expect(self, holds, what):
        if not holds:
            self.wrong.append(what)

    # What can be done. False: not now.

    def write(self):
        at, length = self.stretch()
        data = self.choice.randbytes(length)
        source = self.place.folder / "data"
        source.write_bytes(data)
        self.ctl("write", "--offset", at, source, *self.present())
        self.content[at:at + length] = data

    def read(self):
        at, length = self.stretch()
        found = self.bytes_at("--offset", at, "--length", length)
        self.expect(found == self.content[at:at + length], f"{length} bytes from {at} on are others")

    def bytes_at(self, *where):
        target = self.place.folder / "out"
        target.unlink(missing_ok=True)
        self.ctl("read", "--output", target, *where, *self.present())
        return target.read_bytes()

    def killed_write(self):
        if self.lost():
            return False  # dirty and degraded: md does not start that
        at, length = self.stretch()
        data = self.choice.randbytes(length)
        source = self.place.folder / "data"
        source.write_bytes(data)
        process = self.start("write", "--offset", at, source, *self.present())
        self.kill(process, self.choice.random() * 0.1)
        self.ctl("resync", *self.present())
        found = self.bytes_at()
        self.wrong += random_operations.torn(self.content, found, at, data, 0)
        self.content = bytearray(found)

    def start(self, command, *arguments):
        words = (mend_cases.BITMENDCTL, command, "--overlay", self.place.folder / "overlay", *arguments)
        return subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @staticmethod
    def kill(process, after):
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()

    def fail(self):
        slot = self.choice.randrange(self.shape.members)
        if not self.members[slot] or not self.shape.survives(self.lost() | {slot}):
            return False
        gone = self.members[slot]
        self.ctl("fail", "--member", gone, *self.present())
        self.members[slot], self.out = None, (slot, gone)
        if self.choice.random() < 0.5:
            self.ctl("remove", "--member", gone, *self.present(), gone)

    def come_back(self):
        if not self.out or self.members[self.out[0]]:
            return False
        slot, image = self.out
        # Refused (3) where the bitmap cannot tell what it missed.
        done = self.ctl("re-add", "--member", image, *self.present(), image, allowed=(0, 3))
        self.expect(done.returncode == 0 or not self.has_bitmap or self.bitmap_is_new,
                    f"slot {slot} is not taken back: {done.stderr.strip()}")
        if done.returncode == 0:
            self.members[slot], self.out = image, None

    def add(self, killed=False):
        if not self.lost():
            return False
        slot, spare = min(self.lost()), self.blank()
        if killed:
            self.kill(self.start("add", "--spare", spare, *self.present()), self.choice.random() * 0.1)
        self.ctl("add", "--spare", spare, *self.present())
        self.members[slot] = spare
        if self.out and self.out[0] == slot:
            self.out = None

    def killed_add(self):
        return self.add(killed=True)

    def replace(self, killed=False):
        slot = self.choice.randrange(self.shape.members)
        if not self.members[slot] or self.shape.metadata == "0.90":
            return False
        old, spare = self.members[slot], self.blank()
        words = ("replace", "--member", old, "--spare", spare, *self.present())
        if killed:
            self.kill(self.start(*words), self.choice.random() * 0.1)
            state = self.state_of(spare, [*self.present(), spare])
            if state == "in_sync":
                words = None
            elif state == "replacement":
                words = ("recover", *self.present(), spare)
        if words:
            self.ctl(*words)
        self.members[slot] = spare

    def state_of(self, image, images):
        scan = json.loads(self.ctl("scan", "--json", *images).stdout)
        for array in scan["arrays"]:
            for member in array["members"]:
                if member["path"] == str(image):
                    return member["state"]
        return None

    def killed_replace(self):
        return self.replace(killed=True)

    def check(self):
        if not any(self.shape.survives(self.lost() | {slot}) for slot in range(self.shape.members) if self.members[slot]):
            return False  # nothing to compare
        done = json.loads(self.ctl("check", "--json", *self.present(), allowed=(0, 4)).stdout)
        self.expect(done["mismatch_sectors"] == 0, f"check counts {done['mismatch_sectors']}")

    def repair(self):
        if self.lost():
            return False
        done = json.loads(self.ctl("repair", "--json", *self.present(), allowed=(0, 4)).stdout)
        self.expect(done["mismatch_sectors"] == 0, f"repair counts {done['mismatch_sectors']}")

    def change_bitmap(self):
        if self.shape.bitmap is None:
            return False
        if self.has_bitmap:
            self.ctl("bitmap-remove", *self.present())
        else:
            self.ctl("bitmap-add", "--chunk", self.shape.bitmap * 1024, *self.present())
            self.bitmap_is_new = True
        self.has_bitmap = not self.has_bitmap
        self.out = None

    def stop(self):
        self.ctl("stop", *self.present())

    OPERATIONS = [(write, 30), (read, 10), (killed_write, 8), (fail, 10), (come_back, 10), (add, 8), (killed_add, 5),
                  (replace, 5), (killed_replace, 4), (check, 6), (repair, 2), (change_bitmap, 4), (stop, 5)]

    def step(self):
        done = False
        while done is False:
            operation = self.choice.choices([row[0] for row in self.OPERATIONS], [row[1] for row in self.OPERATIONS])[0]
            try:
                done = operation(self)
            except AssertionError as error:
                self.wrong.append(f"{operation.__name__}: {error}")
                return
        self.counts[operation.__name__] += 1

    def judge(self, folder):
        """Completes the array, has the kernel look at it, and goes on with what that leaves."""
        while self.lost():
            self.add()
        self.ctl("stop", *self.present())
        merged = self.place.merged(self.members)
        work = random_judge.Work("soak", self.case, merged, bytes(self.content))
        random_judge.judge([work], folder, lambda _, what: self.wrong.append(what))
        self.out = None
        self.begin_anew()
        for slot in range(self.shape.members):
            self.members[slot] = self.place.folder / f"kernels{slot}.img"
            pool.extract(folder / "judged.img", folder / "judged", f"w0-{slot}", self.members[slot])


def shapes_of(level, choice):
    kind = choice.choice([kind for kind in random_shapes.KINDS if kind[0] == level])
    shape = random_shapes.draw(choice, kind)
    while shape.members > 5 or (level == "1" and shape.members < 2):
        shape = random_shapes.draw(choice, kind)
    return shape


def soak(level, options, runner, number):
    choice = random.Random(f"{options.seed} {level} {number}")
    shape = shapes_of(level, choice)
    case = random_run.Case(number, shape, choice.randrange(random_run.PATTERN // 65536), runner.folder)
    runner.make([case])
    case.member_bytes = shape.sizes[0] * 512
    soaked, steps = Soaked(case, case.content(runner.pattern * 3), choice), min(options.steps, options.steps_of_one)
    for done in range(1, steps + 1):
        soaked.step()
        if done % STEPS_PER_JUDGEMENT == 0 or done == steps:
            soaked.judge(runner.folder)
        for what in soaked.wrong:
            print(f"seed {options.seed} level {level} array {number} ({shape}) step {done}: {what}", flush=True)
        if soaked.wrong:
            return steps, soaked, False
    print(f"level {level}: {steps} steps on {shape}: {dict(soaked.counts)}", flush=True)
    return steps, soaked, True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bitmendctl")
    parser.add_argument("apply_overlay")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=20, help="of each level")
    parser.add_argument("--steps-of-one", type=int, default=100, help="before another array of the level is drawn")
    parser.add_argument("--levels", default="1,4,5,6,10")
    options = parser.parse_args()
    mend_cases.BITMENDCTL, mend_cases.APPLY_OVERLAY = options.bitmendctl, options.apply_overlay
    good, total, judged = True, 0, 0
    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:
        runner = random_run.Runner(argparse.Namespace(sets=0, keep=None, seed=options.seed, cases=0, only=""), Path(scratch))
        number = 0
        for level in options.levels.split(","):
            left = options.steps
            while left > 0:
                number += 1
                done, soaked, well = soak(level, options, runner, number)
                left, total, judged, good = left - done, total + done, judged + soaked.rounds - 1, good and well
    print(f"seed {options.seed}: {total} steps on {number} arrays, {judged} times judged by the kernel, "
          f"{'0 differences' if good else 'there are differences'}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    try:
        main()
    except lab.LabError as error:
        sys.exit(str(error))
