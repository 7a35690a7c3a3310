#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Includes point down: which room may include which, and who may know Qt.

The window and bitmendctl see the engine's values. The window never sees an Array, a source of bytes
or a struct as it lies on disk; those are behind engine/session.
"""

import re
import sys

import sources

BASE = ["engine/base"]
IO = BASE + ["engine/io"]
ALLOWED = {
    "engine/base": BASE,
    "engine/io": IO,
    "engine/metadata": IO + ["engine/metadata"],
    "engine/raid": BASE + ["engine/raid"],
    "engine/array": IO + ["engine/metadata", "engine/raid", "engine/array"],
    "engine/export": IO + ["engine/export"],
    "engine/session": ["engine"],
    "ui": ["engine", "ui"],
    "app/ctl": ["engine", "ui", "app/ctl"],
    "app": ["engine/session", "ui", "app"],
    "tests": ["engine", "ui", "app", "tests"],
}
WITH_QT = ("engine/session", "ui", "app", "tests")
# Shared with bitmendctl, so without Qt.
WORDS = re.compile(r"ui/(words\w*|phrase)\.(h|cpp)$")
BELOW_THE_DOOR = re.compile(
    r"engine/(array/(array|array_state|commit|\w*locks?)|io/(block_source|file_device|slice|overlay)"
    r"|metadata/(metadata_format|\w+_format|superblock090|superblock1))\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)


def room_of(name):
    rooms = [room for room in ALLOWED if name.startswith(room + "/")]
    return max(rooms, key=len) if rooms else None


def complaint(name, room, bracket, included):
    if bracket == "<":
        is_qt = re.match(r"Q[A-Z]|Qt", included) is not None
        if is_qt and (not room.startswith(WITH_QT) or room == "app/ctl" or WORDS.match(name)):
            return f"{name} must not know Qt, but includes <{included}>"
        return None
    if included.endswith(".moc"):
        return None
    if not any(included.startswith(allowed + "/") for allowed in ALLOWED[room]):
        return f"{name} must not include {included}: {room} may use {', '.join(ALLOWED[room])}"
    if room == "ui" and BELOW_THE_DOOR.match(included):
        return f"{name} must not include {included}: the window knows values only"
    if WORDS.match(name) and included.startswith("ui/") and not WORDS.match(included):
        return f"{name} must not include {included}: bitmendctl has no window"
    if room == "app/ctl" and included.startswith("ui/") and not WORDS.match(included):
        return f"{name} must not include {included}: bitmendctl has no window"
    if room in ("app/ctl",) and included.startswith("engine/session/"):
        return f"{name} must not include {included}: bitmendctl has no Qt"
    return None


def complaints():
    for path in sources.files(".h", ".cpp"):
        name = path.as_posix()
        room = room_of(name)
        if room is None:
            continue
        for bracket, included in INCLUDE.findall((sources.TOP / path).read_text()):
            found = complaint(name, room, bracket, included)
            if found:
                yield found


if __name__ == "__main__":
    sys.exit(sources.report(list(complaints())))
