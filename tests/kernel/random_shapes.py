# SPDX-License-Identifier: Apache-2.0
"""Arrays of every level, layout and metadata, drawn at random, and which of their members can be missing.

What can be missing is said here by rules of its own, apart from the engine's."""

import itertools

LEVEL5 = ["left-asymmetric", "right-asymmetric", "left-symmetric", "right-symmetric", "parity-first", "parity-last"]
LEVEL6 = LEVEL5 + ["ddf-zero-restart", "ddf-N-restart", "ddf-N-continue", "left-asymmetric-6", "right-asymmetric-6",
                   "left-symmetric-6", "right-symmetric-6", "parity-first-6"]
METADATA = ["0.90", "1.0", "1.1", "1.2"]

# Each with what mdadm calls it: level, layout, fewest members.
KINDS = [("linear", None, 2), ("0", "original", 2), ("0", "alternate", 2), ("1", None, 2), ("4", None, 3)]
KINDS += [("5", layout, 3) for layout in LEVEL5]
KINDS += [("6", layout, 4) for layout in LEVEL6]
KINDS += [("10", layout, 2) for layout in ("n2", "f2", "o2")] + [("10", layout, 3) for layout in ("n3", "f3", "o3")]

MOST_MEMBERS = 8
HEADROOM = 4096  # sectors that superblock, bitmap and mdadm's own reserve take at most


class Shape:
    """One array to be made. `sizes` are the members' sectors, by slot."""

    def __init__(self, kind, metadata, members, chunk, sizes, bitmap):
        self.level, self.layout, _ = kind
        self.metadata, self.members, self.chunk, self.sizes = metadata, members, chunk, sizes
        self.bitmap = bitmap if self.is_redundant() else None  # KiB of one of its chunks

    def __str__(self):
        layout = f" {self.layout}" if self.layout else ""
        chunk = f", {self.chunk} KiB" if self.chunk else ""
        sizes = f", {'/'.join(map(str, self.sizes))} sectors" if len(set(self.sizes)) > 1 else ""
        return f"raid{self.level}{layout}, {self.members} members, {self.metadata}{chunk}{sizes}" \
            f"{f', bitmap of {self.bitmap} KiB' if self.bitmap else ''}"

    def options(self):
        """mdadm's, but for the members."""
        words = [f"--level={self.level}", f"--metadata={self.metadata}", f"--raid-devices={self.members}"]
        if self.layout:
            words.append(f"--layout={self.layout}")
        if self.chunk:
            words.append(f"--chunk={self.chunk}K")
        if self.bitmap:
            words += ["--bitmap=internal", f"--bitmap-chunk={self.bitmap}K"]
        elif self.is_redundant():
            words.append("--bitmap=none")
        return words

    def is_redundant(self):
        return self.level not in ("linear", "0")

    def survives(self, missing):
        """By the rule of each level: whether all data can be had without these slots."""
        if self.level in ("linear", "0"):
            return not missing
        if self.level == "1":
            return len(missing) < self.members
        if self.level != "10":
            return len(missing) <= (2 if self.level == "6" else 1)
        # Copies lie on neighbours: near ones fill the members in turn, far and offset ones begin on each.
        copies = int(self.layout[1:])
        step = copies if self.layout[0] == "n" else 1
        for first in range(self.members if step == 1 else 0):
            if all((first + i) % self.members in missing for i in range(copies)):
                return False
        if step > 1:
            for chunk in range(self.members):
                if all((chunk * copies + i) % self.members in missing for i in range(copies)):
                    return False
        return True

    def bits(self, member_sectors):
        """Which chunk of the bitmap speaks for sector i of slot s, as a function of s and i: None where nothing lies.
        Bitmaps count sectors of the members, but on level 10 sectors of the array."""
        per_bit = self.bitmap * 2
        if self.level != "10":
            return lambda slot, sector: sector // per_bit
        chunk = self.chunk * 2
        lies = {}
        copies, kind = int(self.layout[1:]), self.layout[0]
        rows = member_sectors // chunk
        for number in range(rows * self.members // copies if kind == "n" else rows // copies * self.members):
            for copy in range(copies):
                if kind == "n":
                    row, slot = divmod(number * copies + copy, self.members)
                elif kind == "f":
                    row, slot = number // self.members + copy * (rows // copies), (number + copy) % self.members
                else:
                    row, slot = number // self.members * copies + copy, (number + copy) % self.members
                lies.setdefault((slot, row), number)

        def bit(slot, sector):
            number = lies.get((slot, sector // chunk))
            return None if number is None else (number * chunk + sector % chunk) // per_bit
        return bit

    def lost_set(self, choice):
        """One or two slots that it can do without; where it can, two more often than one."""
        every = [set(some) for count in (1, 2) for some in itertools.combinations(range(self.members), count)]
        sizes = [[some for some in every if len(some) == count and self.survives(some)] for count in (1, 2)]
        return choice.choice(sizes[1] if sizes[1] and choice.random() < 0.7 else sizes[0])

    def missing_sets(self, choice, most):
        """Up to `most` survivable sets of missing slots, the whole array first, and one that is too many."""
        every = [set(some) for count in range(1, self.members)
                 for some in itertools.combinations(range(self.members), count)]
        good = [some for some in every if self.survives(some)]
        bad = [some for some in every if not self.survives(some)]
        # The largest ones are the hardest.
        choice.shuffle(good)
        good.sort(key=len, reverse=True)
        hardest = good[:most // 2]
        rest = good[most // 2:]
        choice.shuffle(rest)
        return [set(), *hardest, *rest[:most - len(hardest)]], choice.choice(bad) if bad else None


def draw(choice, kind):
    level, layout, fewest = kind
    members = choice.randint(fewest, MOST_MEMBERS)
    metadata = choice.choice(METADATA)
    chunk = None
    if level == "0":
        # Level 0 takes chunks that are no powers of two; 0.90 cannot say which layout is meant.
        chunk = choice.choice([4, 12, 16, 64, 128])
        metadata = choice.choice(METADATA[1:])
    elif level != "1":
        chunk = choice.choice([4, 8, 16, 64, 128, 256])
    base = choice.randrange(1500, 4000) + HEADROOM
    if level in ("linear", "0") and choice.random() < 0.7:
        sizes = [base + choice.choice([0, 512, 1000, 1536]) for _ in range(members)]
    else:
        sizes = [base] * members
    bitmap = choice.choice([4, 8, 16, 64, 512]) if choice.random() < 0.6 else None
    return Shape(kind, metadata, members, chunk, sizes, bitmap)


def draw_all(choice, count):
    """Every kind before any comes again."""
    shapes = []
    while len(shapes) < count:
        kinds = KINDS[:]
        choice.shuffle(kinds)
        shapes += [draw(choice, kind) for kind in kinds]
    return shapes[:count]
