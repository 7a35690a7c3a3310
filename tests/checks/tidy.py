#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over every source of ours, side by side on all cores.

  tidy.py --prepare BUILD     make what the sources include but moc writes, and own_declarations
  tidy.py BUILD [FOLDER...]   judge all, or what lies in these folders

BUILD is a configured tree with compile_commands.json. What was clean stays clean until the source,
one of our headers that it includes, the way it is compiled or the rules change: a file in
BUILD/tidy-cache, named by the hash of all that, says so.

own_declarations keeps clang-tidy's checks out of the system's headers, where they would spend most
of the time; clang's analyzer, which walks paths and not declarations, is not touched by it.
"""

import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import sources

TIDY = "clang-tidy-19"
LLVM = Path("/usr/lib/llvm-19")
PLUGIN = "own_declarations.so"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def units(build):
    """Our own sources among the compile commands, with how each is compiled."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = Path(os.path.normpath(Path(entry["directory"]) / entry["file"]))
        if path.is_relative_to(sources.TOP) and not path.is_relative_to(build.parent):
            yield path, entry["command"]


@functools.cache
def text_of(path):
    return path.read_text() if path.is_file() else None


def own_includes(path, seen):
    for name in INCLUDE.findall(text_of(path) or ""):
        included = sources.TOP / name
        if included not in seen and text_of(included) is not None:
            seen.add(included)
            own_includes(included, seen)
    return seen


def fingerprint(path, command, rules):
    digest = hashlib.sha256(rules + command.encode())
    for part in [path, *sorted(own_includes(path, set()))]:
        digest.update(str(part.relative_to(sources.TOP)).encode() + b"\0" + text_of(part).encode())
    return digest.hexdigest()


def judge(unit, build, rules):
    path, command = unit
    clean = build / "tidy-cache" / fingerprint(path, command, rules)
    if clean.exists():
        return None
    done = subprocess.run([TIDY, f"-load={build / PLUGIN}", "-p", str(build), "--quiet", str(path)],
                          capture_output=True, text=True)
    if done.returncode == 0:
        clean.touch()
        return None
    return f"{path.relative_to(sources.TOP)}:\n{done.stdout}" + ("" if done.stdout else done.stderr)


def prepare(build):
    """By CMake's own step for it, as the targets would first build all that their libraries need."""
    steps = sorted(build.glob("**/AutogenInfo.json"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(lambda step: subprocess.run(
            ["cmake", "-E", "cmake_autogen", str(step), ""], stdout=subprocess.DEVNULL).returncode, steps))
    source = sources.TOP / "tests" / "checks" / "own_declarations.cpp"
    built = subprocess.run(["c++", "-std=c++17", "-O1", "-fPIC", "-shared", "-fno-rtti",
                            "-isystem", LLVM / "include", source, "-o", build / PLUGIN])
    return max(done, default=0) or built.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("build", type=Path)
    parser.add_argument("folders", nargs="*", type=Path)
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    if arguments.prepare:
        return prepare(build)
    (build / "tidy-cache").mkdir(exist_ok=True)
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    own = [sources.TOP / ".clang-tidy", *sorted(sources.TOP.glob("*/.clang-tidy"))]
    own.append(sources.TOP / "tests" / "checks" / "own_declarations.cpp")
    rules = version + b"".join(path.read_bytes() for path in own)
    folders = [folder.resolve() for folder in arguments.folders] or [sources.TOP]
    all_units = sorted({unit for unit in units(build) if any(unit[0].is_relative_to(folder) for folder in folders)})
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = 0
        for text in pool.map(lambda unit: judge(unit, build, rules), all_units):
            found += text is not None
            if text:
                print(text, flush=True)  # the rest takes minutes
    print(f"{len(all_units)} sources, {found} not clean")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
