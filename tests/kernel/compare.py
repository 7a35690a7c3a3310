# SPDX-License-Identifier: Apache-2.0
"""What the comparisons with the kernel share: running bitmendctl, and collecting differences."""

import json
import os
import subprocess


class Differences:
    """Every difference is one line; none is a pass."""

    def __init__(self):
        self.lines = []
        self.checked = 0

    def equal(self, place, what, ours, theirs):
        self.checked += 1
        if ours != theirs:
            self.lines.append(f"{place}: {what}: bitmend says {ours!r}, the kernel {theirs!r}")

    def true(self, place, what, holds):
        self.checked += 1
        if not holds:
            self.lines.append(f"{place}: {what}")

    def finish(self, subjects):
        for line in self.lines:
            print(line)
        print(f"{subjects}: {self.checked} comparisons, {len(self.lines)} differences")
        return 1 if self.lines or self.checked == 0 else 0


def bitmendctl(program, command, folder, names, *options):
    """The JSON result. The images are named relative to their folder, so that paths are their names."""
    done = subprocess.run([os.path.abspath(program), command, "--json", *options, *names], cwd=folder,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode not in (0, 4):
        raise RuntimeError(f"bitmendctl {command} in {folder} ended with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)
