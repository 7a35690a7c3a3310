#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shape of the files: length, licence line, and words that have no place in them."""

import re
import sys

import sources

LONGEST = {".h": 150, ".cpp": 400, ".py": 400, ".sh": 400}
# Tests are lists of cases, of which many belong together.
LONGEST_TESTS = {".h": 260, ".cpp": 650, ".py": 500, ".sh": 400}
# Text that no comment can be put into.
WITHOUT_LICENCE_LINE = {".json", ".md", ".png", ".svg", ".zst", ".desktop", ".xml", ".qrc", ".ts", ""}
# What is unfinished, what belongs to one machine, and what talks about the making instead of the thing.
FORBIDDEN = re.compile(
    r"\bTO" r"DO\b|\bFIX" r"ME\b|\bX" r"XX\b|\bHA" r"CK\b|\bQSK" r"IP\b|not imple" r"mented"
    r"|/wo" r"rk/|/ho" r"me/\w|\.\./sha" r"red|\bissue #?\d", re.IGNORECASE)
BINARY = {".png", ".zst", ".ico"}


def complaints():
    for path in sources.files():
        if path.suffix in BINARY or path.name in ("LICENSE", ".git"):
            continue
        name = path.as_posix()
        text = (sources.TOP / path).read_text()
        lines = text.splitlines()
        limits = LONGEST_TESTS if path.parts[0] == "tests" else LONGEST
        if len(lines) > limits.get(path.suffix, len(lines)):
            yield f"{name} has {len(lines)} lines, more than {limits[path.suffix]}: it wants splitting"
        is_script = text.startswith("#!")
        wants_licence = is_script or path.suffix not in WITHOUT_LICENCE_LINE and path.name != "CMakeLists.txt"
        if wants_licence and not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:3]):
            yield f"{name} has no licence line: SPDX-License-Identifier: Apache-2.0"
        for number, line in enumerate(lines, 1):
            if FORBIDDEN.search(line):
                yield f"{name}:{number}: {line.strip()[:80]}"
            if path.suffix in (".h", ".cpp") and line != line.rstrip():
                yield f"{name}:{number}: blanks at the end of the line"
        if text and not text.endswith("\n"):
            yield f"{name} does not end with a line feed"


if __name__ == "__main__":
    sys.exit(sources.report(list(complaints())))
