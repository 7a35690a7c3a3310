# SPDX-License-Identifier: Apache-2.0
"""The files that the checks look at: everything of ours, without what was built."""

from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
ROOMS = ("app", "engine", "ui", "resources", "tests", "packaging", ".ci")


def files(*suffixes):
    """Sorted, relative to the top; without a suffix: all of them, those at the top as well."""
    found = [path for path in TOP.iterdir() if path.is_file()]
    for room in ROOMS:
        found += [path for path in (TOP / room).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return sorted(path.relative_to(TOP) for path in found if not suffixes or path.suffix in suffixes)


def report(complaints):
    """Prints them and gives the exit status."""
    for complaint in complaints:
        print(complaint)
    print(f"{len(complaints)} complaints")
    return 1 if complaints else 0
