#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the demo's photographs and letters, the same ones every time.

pictures.py FOLDER: FOLDER/old was on the array before its disk died, FOLDER/new came afterwards, and
FOLDER/edited holds the new versions that were being written when the power went.
"""

import math
import struct
import sys
import zlib
from pathlib import Path

WIDTH, HEIGHT = 240, 160


def png(pixel, grain):
    rows = bytearray()
    for y in range(HEIGHT):
        rows.append(0)
        for x in range(WIDTH):
            light = grain()
            rows.extend(max(0, min(255, int(value) + light)) for value in pixel(x / WIDTH, y / HEIGHT))

    def part(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(bytes(rows), 9)) + part(b"IEND", b"")


def landscape(seed, evening):
    sky = (250, 150, 90) if evening else (110, 170, 230)
    # Film grain, so that a picture has the size of a picture.
    state = seed

    def grain():
        nonlocal state
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        return (state >> 16) % 9 - 4

    def pixel(x, y):
        hills = [0.55 + 0.1 * n + 0.06 * math.sin(seed * (n + 1) + x * (5 + 3 * n + seed % 4)) for n in range(3)]
        for n in reversed(range(3)):
            if y > hills[n]:
                shade = 1 - 0.22 * n - 0.3 * (y - hills[n])
                return (70 * shade, (150 + 7 * (seed % 5)) * shade, 80 * shade)
        if (x - 0.2 - 0.08 * (seed % 8)) ** 2 + ((y - 0.25) * HEIGHT / WIDTH) ** 2 < 0.004:
            return (255, 244, 190)
        return tuple(value + (255 - value) * y * 0.9 for value in sky)

    return png(pixel, grain)


def letter(day):
    line = "The garden is in order, the disks are in the cupboard, and I have copied the photographs of the week.\n"
    return (f"Diary, day {day}\n\n" + line * (20 + day % 7)).encode()


def catalogue(title, words, kib):
    lines = []
    for number in range(kib * 1024 // 64):
        lines.append(f"{title} {number:06} {words[number % len(words)]}".ljust(63)[:63] + "\n")
    return "".join(lines).encode()


def write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def main():
    root = Path(sys.argv[1])
    old, new, edited = root / "old", root / "new", root / "edited"
    write(old, "README.txt", b"The family's photographs. Copies of everything are on this array, and nowhere else.\n")
    for n in range(3):
        write(old, f"2019-lake/lake-{n + 1}.png", landscape(3 + n, False))
        write(old, f"2020-garden/garden-{n + 1}.png", landscape(11 + n, n == 2))
    for day in range(1, 8):
        write(old, f"diary/2020-06-{day:02}.txt", letter(day))
    for n in range(3):
        write(new, f"2021-mountains/mountain-{n + 1}.png", landscape(20 + n, False))
        write(new, f"2022-sea/sea-{n + 1}.png", landscape(30 + n, True))
    for day in range(8, 15):
        write(new, f"diary/2020-06-{day:02}.txt", letter(day))
    plants = ["apple", "pear", "quince", "currant", "gooseberry", "rhubarb", "medlar"]
    write(new, "catalogue/plants.txt", catalogue("plant", plants, 800))
    write(new, "recipes/jam.txt", catalogue("jam", plants[::-1], 400))
    # Same names as in new, retouched.
    for n in range(3):
        write(edited, f"2021-mountains/mountain-{n + 1}.png", landscape(20 + n, True))
        write(edited, f"2022-sea/sea-{n + 1}.png", landscape(30 + n, False))
    write(edited, "catalogue/plants.txt", catalogue("plant", [name.upper() for name in plants], 400))


if __name__ == "__main__":
    main()
