#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The kernel lab: runs a shell scenario inside the real Linux md driver, as an ordinary user.

Debian's user-mode-linux is a kernel that runs as a process. This file makes a small root file system
for it (busybox, mdadm, dmsetup, the modules and mdctl), boots it with image files as disks and a host
folder as share, and reports how the scenario ended.

  lab.py build                                   make the root file system and say where it is
  lab.py run SCENARIO --share DIR [--disk IMAGE ...] [--timeout S] [--crash]

The root file system is kept in --cache DIR, or $BITMEND_LAB_CACHE, or the user's cache folder, under
a name made from its contents, so it is built once. Inside, the disks are /dev/ubda, /dev/ubdb ..., the
share is /share (also the working directory), and every function of guest.sh can be called.

Exit status of `run`: that of the scenario; with --crash, 0 when the scenario reached crash_now.
124: time ran out. 125: the lab itself could not work (a sentence on stderr says why).
"""

import argparse
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Modules by name; those that the kernel has built in, or does not have at all, are left out.
MODULES = ["loop", "dm_mod", "dm_delay", "dm_dust", "dm_flakey", "md_mod", "linear", "raid0", "raid1",
           "raid10", "raid456", "ext4", "hostfs", "fuse"]
PROGRAMS = ["mdadm", "dmsetup", "mke2fs", "e2fsck"]
PACKAGE_OF = {"linux.uml": "user-mode-linux", "busybox": "busybox-static", "mdadm": "mdadm",
              "dmsetup": "dmsetup", "mke2fs": "e2fsprogs", "e2fsck": "e2fsprogs", "debugfs": "e2fsprogs", "cc": "gcc"}

CRASH_MARKER = b"LAB-CRASH-NOW"
GIVE_UP_MARKER = b"LAB-GIVE-UP"
TIMED_OUT = 124
BROKEN = 125


class LabError(Exception):
    """The lab cannot work here; the message is one sentence for the person running the tests."""


def find_program(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise LabError(f"The kernel lab needs {name}: install the package {PACKAGE_OF[name]}.")
    return path


def compile_c(source, target, *options):
    compiler = os.environ.get("CC") or "cc"
    if shutil.which(compiler) is None:
        raise LabError(f"The kernel lab needs a C compiler ({compiler} was not found): install the package gcc.")
    done = subprocess.run([compiler, *options, "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(target), str(source)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"The kernel lab cannot compile {source.name}: {done.stderr.strip()}")


def kernel_modules():
    """(name, path) of every module to load, dependencies first."""
    version = subprocess.run([find_program("linux.uml"), "--version"], capture_output=True, text=True).stdout.split()
    root = Path("/usr/lib/uml/modules") / (version[0] if version else "")
    if not (root / "modules.dep").is_file():
        raise LabError(f"The kernel lab finds no modules in {root}: reinstall the package user-mode-linux.")
    needs = {}
    by_name = {}
    for line in (root / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        needs[path] = rest.split()
        by_name[Path(path).name.removesuffix(".ko").replace("-", "_")] = path
    order = []

    def visit(path):
        for other in needs[path]:
            visit(other)
        if path not in order:
            order.append(path)

    for name in MODULES:
        if name in by_name:
            visit(by_name[name])
    return [(Path(path).name, root / path) for path in order]


def libraries_of(program):
    text = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return sorted(set(re.findall(r"(/\S+)\s+\(0x", text)))


class Cpio:
    """A newc archive, written here so that device nodes need no root."""

    def __init__(self):
        self.parts = []
        self.number = 0

    def add(self, name, mode, content=b"", device=(0, 0)):
        self.number += 1
        fields = (self.number, mode, 0, 0, 1, 0, len(content), 0, 0, device[0], device[1], len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        self.parts += [head, bytes(-len(head) % 4), content, bytes(-len(content) % 4)]

    def folder(self, name):
        self.add(name, 0o040755)

    def link(self, name, to):
        self.add(name, 0o120777, to.encode())

    def file(self, name, content):
        self.add(name, 0o100755, content)

    def bytes(self):
        self.add("TRAILER!!!", 0)
        return b"".join(self.parts)


def build_image():
    with tempfile.TemporaryDirectory(prefix="bml-") as scratch:
        mdctl = Path(scratch) / "mdctl"
        compile_c(HERE / "mdctl.c", mdctl, "-static")
        mdctl_bytes = mdctl.read_bytes()

    files = {"init": (HERE / "guest" / "init").read_bytes(), "bin/mdctl": mdctl_bytes}
    busybox = find_program("busybox")
    files["bin/busybox"] = Path(busybox).read_bytes()
    for program in PROGRAMS:
        path = find_program(program)
        files["bin/" + program] = Path(path).read_bytes()
        for library in libraries_of(path):
            files[library.lstrip("/")] = Path(library).read_bytes()
    modules = kernel_modules()
    for name, path in modules:
        files["modules/" + name] = path.read_bytes()
    files["modules/order"] = "".join(name + "\n" for name, _ in modules).encode()

    archive = Cpio()
    folders = {"dev", "proc", "sys", "run", "tmp", "share", "etc"}
    for name in files:
        folders.update(str(parent) for parent in Path(name).parents if str(parent) != ".")
    for name in sorted(folders):
        archive.folder(name)
    archive.add("dev/console", 0o020600, device=(5, 1))
    for name, content in sorted(files.items()):
        archive.file(name, content)
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True).stdout.split()
    for applet in applets:
        if "bin/" + applet not in files:
            archive.link("bin/" + applet, "busybox")
    # Busybox prefers its own mke2fs to a program of that name, so the real one gets its other name.
    archive.link("bin/mkfs.ext4", "mke2fs")
    archive.link("etc/mtab", "/proc/mounts")
    return archive.bytes()


def inputs_key():
    """Changes whenever anything that goes into the root file system does."""
    digest = hashlib.sha256()
    paths = [HERE / "mdctl.c", HERE / "guest" / "init", HERE / "lab.py"]
    programs = [find_program(name) for name in ["linux.uml", "busybox", *PROGRAMS]]
    for path in paths:
        digest.update(path.read_bytes())
    for path in programs:
        status = os.stat(path)
        digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def cache_folder(chosen=None):
    folder = chosen or os.environ.get("BITMEND_LAB_CACHE")
    if folder is None:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bitmend-lab"
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def cached(target, build):
    """`target`, made when it is not there yet by a function that gets the name of a file to write."""
    if not target.is_file():
        # Several tests may get here at once: each writes its own file and the last rename wins.
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name)
        os.close(handle)
        build(Path(name))
        os.rename(name, target)
    return target


def root_image(cache=None):
    """Path of the root file system."""
    return cached(cache_folder(cache) / f"root-{inputs_key()}.cpio", lambda path: path.write_bytes(build_image()))


def preloaded(cache=None):
    """What linux.uml needs in front of the C library: nothing, but for processors whose registers it cannot keep."""
    if "amx_tile" not in Path("/proc/cpuinfo").read_text().split():
        return None
    source = HERE / "whole_registers.c"
    key = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    return cached(cache_folder(cache) / f"whole_registers-{key}.so",
                  lambda path: compile_c(source, path, "-shared", "-fPIC"))


def roomy_folder(needed):
    """Where the guest's memory file goes. It is mapped executable, so a noexec mount will not do."""
    for folder in (os.environ.get("TMPDIR"), "/dev/shm", "/tmp", "/var/tmp"):
        if not folder or not os.access(folder, os.W_OK):
            continue
        status = os.statvfs(folder)
        if status.f_bavail * status.f_frsize > needed and not status.f_flag & os.ST_NOEXEC:
            return folder
    raise LabError(f"The kernel lab needs {needed >> 20} MiB in a temporary folder that is not mounted noexec.")


class Outcome:
    """How a run ended. `status` is the scenario's own, or None when it did not get to its end."""

    def __init__(self, status, crashed, timed_out, console):
        self.status = status
        self.crashed = crashed
        self.timed_out = timed_out
        self.console = console

    def __str__(self):
        if self.timed_out:
            return "the scenario did not end in time"
        if self.crashed:
            return "the scenario crashed the kernel where it wanted to"
        if self.status is None:
            return "the kernel ended without finishing the scenario"
        return f"the scenario ended with status {self.status}"


def run(scenario, share, disks=(), timeout=120, memory=256, cache=None):
    """Boots once. `scenario` is a path or the text of a shell script; see the head of this file."""
    image = root_image(cache)
    linux = find_program("linux.uml")
    share = Path(share).resolve()
    share.mkdir(parents=True, exist_ok=True)
    own = share / ".lab"
    own.mkdir(exist_ok=True)
    text = scenario.read_text() if isinstance(scenario, Path) else scenario
    (own / "scenario.sh").write_text(text)
    shutil.copyfile(HERE / "guest" / "guest.sh", own / "guest.sh")
    (own / "status").unlink(missing_ok=True)

    # Short names without spaces or commas: UML takes a comma in a disk's name for a copy-on-write pair,
    # and its control socket must fit into 108 characters.
    room = tempfile.mkdtemp(prefix="bml-", dir=roomy_folder(2 * memory << 20))
    try:
        os.symlink(share, os.path.join(room, "share"))
        arguments = [linux, f"mem={memory}M", f"initrd={image}", "con=null", "con0=null,fd:1", "quiet", "panic=-1",
                     f"uml_dir={room}/", "umid=lab", f"labshare={room}/share"]
        for index, disk in enumerate(disks):
            link = os.path.join(room, f"disk{index}")
            os.symlink(Path(disk).resolve(), link)
            arguments.append(f"ubd{index}={link}")
        return boot(arguments, room, own, timeout, preloaded(cache))
    finally:
        shutil.rmtree(room, ignore_errors=True)


class Mourner:
    """Ends the guest's process group when this process dies without having done so, as under ctest's
    own timeout: its standard input then ends without the word that all is well."""

    def __init__(self, group, room):
        script = 'read -r word || { kill -s KILL -- "-$1"; rm -rf "$2"; }'
        self.process = subprocess.Popen(["sh", "-c", script, "sh", str(group), room], stdin=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def dismiss(self):
        self.process.communicate(b"done\n")


def boot(arguments, room, own, timeout, preload):
    environment = {"PATH": os.environ.get("PATH", ""), "TMPDIR": room, "HOME": room}
    if preload:
        environment["LD_PRELOAD"] = str(preload)
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env=environment, start_new_session=True)
    mourner = Mourner(process.pid, room)
    timed_out = threading.Event()

    def kill():
        # The guest's processes are host processes of the same group, which is the lab's own.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def expire():
        timed_out.set()
        kill()

    timer = threading.Timer(timeout, expire)
    timer.start()
    console = []
    crashed = False
    try:
        for line in process.stdout:
            if CRASH_MARKER in line:
                crashed = True
                kill()
            elif GIVE_UP_MARKER in line:
                kill()
            console.append(line)
        process.wait()
    finally:
        timer.cancel()
        kill()
        mourner.dismiss()
        process.stdout.close()
    console = b"".join(console).decode(errors="replace")
    (own / "console").write_text(console)
    status_file = own / "status"
    status = int(status_file.read_text()) if status_file.is_file() and status_file.read_text().strip() else None
    return Outcome(None if crashed or timed_out.is_set() else status, crashed, timed_out.is_set(), console)


def require(outcome, crash=False):
    """Turns an unexpected end into a LabError with the console's last lines."""
    good = outcome.crashed if crash else outcome.status == 0
    if not good:
        tail = "\n".join(outcome.console.splitlines()[-25:])
        raise LabError(f"In the kernel lab {outcome}. Its console ended with:\n{tail}")


def programs(usage, count):
    """The first arguments of a test script, which are the programs that it tries."""
    if len(sys.argv) <= count:
        sys.exit(usage)
    found = sys.argv[1:1 + count]
    del sys.argv[1:1 + count]
    return found


def run_tests():
    """The tests of the script that was called, when there can be a lab."""
    try:
        root_image()
    except LabError as error:
        sys.exit(str(error))
    unittest.main()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build")
    build.add_argument("--cache")
    runner = commands.add_parser("run")
    runner.add_argument("scenario", type=Path)
    runner.add_argument("--share", "--dir", required=True, type=Path)
    runner.add_argument("--disk", action="append", default=[])
    runner.add_argument("--timeout", type=float, default=120)
    runner.add_argument("--memory", type=int, default=256, help="MiB")
    runner.add_argument("--cache")
    runner.add_argument("--crash", action="store_true", help="the scenario is expected to end with crash_now")
    runner.add_argument("--quiet", action="store_true", help="do not print the guest's console")
    options = parser.parse_args()
    try:
        if options.command == "build":
            print(root_image(options.cache))
            return 0
        outcome = run(options.scenario, options.share, options.disk, options.timeout, options.memory, options.cache)
    except LabError as error:
        print(error, file=sys.stderr)
        return BROKEN
    if not options.quiet:
        sys.stdout.write(outcome.console)
    if outcome.timed_out:
        print(f"lab: {outcome}", file=sys.stderr)
        return TIMED_OUT
    if options.crash:
        return 0 if outcome.crashed else 1
    if outcome.status is None:
        print(f"lab: {outcome}", file=sys.stderr)
        return BROKEN
    return outcome.status


if __name__ == "__main__":
    sys.exit(main())
