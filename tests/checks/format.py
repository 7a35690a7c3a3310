#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-format has nothing to change in our C++."""

import subprocess
import sys

import sources

if __name__ == "__main__":
    names = [path.as_posix() for path in sources.files(".h", ".cpp")
             if path.parts[0] in ("app", "engine", "tests", "ui")]
    sys.exit(subprocess.run(["clang-format-19", "--dry-run", "--Werror", *names], cwd=sources.TOP).returncode)
