#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The AppImage, as somebody who downloaded it would meet it: test_appimage.py WORKFOLDER

Builds it (fast compression) twice, looks at its bytes, and runs it as an ordinary user in a bare Debian 12 root that
has neither Qt nor FUSE, with and without a display server."""

import filecmp
import hashlib
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(TOP, "build", "appimage-test"))
BUILD = os.path.join(TOP, "packaging", "appimage", "build.sh")
DEMO = ("disk-a", "disk-b", "spare")
NOBODY = 65534

# What the bundle may ask the host for: the C library, and what the launcher loads by hand.
GLIBC = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libresolv.so.2", "ld-linux-x86-64.so.2"}


def run(*command, check=True, timeout=300, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout,
                          errors="replace", **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done


def built(name):
    """One AppImage, made in folders of its own; its AppDir stays beside it."""
    folder = os.path.join(WORK, name)
    run(BUILD, "--fast", "--build", os.path.join(folder, "work"), "--output", folder, timeout=1200)
    return next(os.path.join(folder, entry) for entry in sorted(os.listdir(folder)) if entry.endswith(".AppImage"))


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_nobody():
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def elf_files(folder):
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    if file.read(4) == b"\x7fELF":
                        yield path


class AppImage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.makedirs(WORK, exist_ok=True)
        cls.file = built("first")
        cls.appdir = os.path.join(WORK, "first", "work", "AppDir")
        cls.home = os.path.join(WORK, "home")
        shutil.rmtree(cls.home, ignore_errors=True)
        os.makedirs(os.path.join(cls.home, "tmp"))
        for image in DEMO:
            run("zstd", "-qdf", "--sparse", f"{TOP}/resources/demo/{image}.img.zst", "-o", f"{cls.home}/{image}.img")
        cls.environment = {"PATH": os.environ["PATH"], "HOME": cls.home, "TMPDIR": os.path.join(cls.home, "tmp"),
                           "LC_ALL": "C.UTF-8"}

    def start(self, *arguments, check=True, extra=None, **more):
        return run(self.file, *arguments, check=check, env={**self.environment, **(extra or {})}, **more)

    def leftovers(self):
        return os.listdir(os.path.join(self.home, "tmp"))

    def assertNothingLeft(self):
        deadline = time.monotonic() + 20
        while self.leftovers() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(self.leftovers(), [])

    def test_bytesSayType2_andTheImageBeginsWhereTheElfEnds(self):
        with open(self.file, "rb") as file:
            head = file.read(64)
            self.assertEqual(head[8:11], b"AI\x02")
            section_table, = struct.unpack_from("<Q", head, 40)
            entry_size, entries = struct.unpack_from("<HH", head, 58)
            offset = int(self.start("--appimage-offset").stdout)
            self.assertGreaterEqual(offset, section_table + entry_size * entries)
            file.seek(offset)
            self.assertEqual(file.read(4), b"hsqs")

    def test_size_isAtMost45Megabytes(self):
        self.assertLessEqual(os.path.getsize(self.file), 45_000_000)

    def test_twoBuilds_giveTheSameBytes(self):
        self.assertEqual(digest(self.file), digest(built("second")))

    def test_extraction_equalsTheAppDir(self):
        folder = os.path.join(WORK, "extracted")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        self.start("--appimage-extract", cwd=folder)
        run("diff", "-r", "--no-dereference", self.appdir, os.path.join(folder, "squashfs-root"))

    def test_whatTheHostMustHave_isTheAllowedList(self):
        bundled = {os.path.basename(path) for path in elf_files(self.appdir)}
        newest, newest_fallback = (2, 0), (2, 0)
        for path in elf_files(self.appdir):
            if os.path.basename(path) == "AppRun":
                continue
            needed = re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", path).stdout)
            self.assertEqual([name for name in needed if name not in bundled and name not in GLIBC], [], path)
            for version in re.findall(r"GLIBC_2\.(\d+)", run("objdump", "-T", path).stdout):
                if "/fallback/" in path:
                    newest_fallback = max(newest_fallback, (2, int(version)))
                else:
                    newest = max(newest, (2, int(version)))
        print(f"newest glibc symbol: {newest}, in the fallback: {newest_fallback}", file=sys.stderr)
        self.assertLessEqual(newest, (2, 36))
        self.assertLessEqual(newest_fallback, (2, 36))

    def test_licences_nameEveryBundledPackage(self):
        with open(os.path.join(self.appdir, "usr/share/licenses/LIST"), encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertGreater(len(lines), 40)
        for line in lines:
            self.assertTrue(os.path.getsize(os.path.join(self.appdir, "usr/share/licenses", line.split()[0])) > 0)

    def test_ctl_runsByWordAndByLinkName_mountedAndUnpacked(self):
        link = os.path.join(self.home, "bitmendctl")
        if not os.path.islink(link):
            os.symlink(self.file, link)
        for extra in ({}, {"APPIMAGE_EXTRACT_AND_RUN": "1"}):
            by_word = self.start("ctl", "--version", extra=extra).stdout
            by_name = run(link, "--version", env={**self.environment, **extra}).stdout
            self.assertIn("bitmendctl", by_word)
            self.assertEqual(by_word, by_name)
        self.assertNothingLeft()

    def test_mainJob_byCtl_insideTheAppImage(self):
        images = [f"{self.home}/{name}.img" for name in DEMO]
        before = [digest(image) for image in images]
        overlay = os.path.join(self.home, "overlay")
        shutil.rmtree(overlay, ignore_errors=True)
        self.start("ctl", "resync", "--overlay", overlay, *images[:2])
        self.start("ctl", "add", "--overlay", overlay, "--spare", images[2], *images[:2])
        self.start("ctl", "stop", "--overlay", overlay, *images)
        state = self.start("ctl", "scan", "--json", "--overlay", overlay, *images).stdout
        self.assertEqual(state.count('"in_sync"'), 3, state)
        self.assertEqual([digest(image) for image in images], before)
        self.assertNothingLeft()

    def test_killedRuns_leaveNothing(self):
        for extra in ({}, {"APPIMAGE_EXTRACT_AND_RUN": "1"}):
            process = subprocess.Popen([self.file], env={**self.environment, **extra, "QT_QPA_PLATFORM": "offscreen"},
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while not self.leftovers():
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.assertNothingLeft()

    def test_window_drawsOffscreen(self):
        picture = os.path.join(WORK, "offscreen.png")
        self.start("--screenshot", picture, *[f"{self.home}/{name}.img" for name in DEMO],
                   extra={"QT_QPA_PLATFORM": "offscreen"})
        self.assertGreater(os.path.getsize(picture), 20_000)
        self.assertNothingLeft()

    def test_badInput_isOneSentence(self):
        cut = os.path.join(WORK, "cut.AppImage")
        with open(self.file, "rb") as whole, open(cut, "wb") as part:
            part.write(whole.read(os.path.getsize(self.file) // 2))
        os.chmod(cut, 0o755)
        done = run(cut, check=False)
        self.assertEqual((done.returncode, done.stdout.count("\n")), (127, 1), done.stdout)
        self.assertIn("not whole", done.stdout)

        done = self.start("--appimage-nonsense", check=False)
        self.assertEqual((done.returncode, done.stdout.count("\n")), (2, 1), done.stdout)

        for broken in ({"DISPLAY": "", "WAYLAND_DISPLAY": ""},):
            done = self.start("--screenshot", "/dev/null", check=False, extra=broken, timeout=60)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("display", done.stdout)

    def test_readOnlyHome_andNoexecTemporaryFolder_stillRun(self):
        done = self.start("ctl", "--version", extra={"HOME": "/proc", "TMPDIR": "/proc"})
        self.assertIn("bitmendctl", done.stdout)


@unittest.skipUnless(os.geteuid() == 0, "makes a root file system, which needs root")
class BareDebian(unittest.TestCase):
    """A debootstrapped root: no Qt, no FUSE, no fonts."""

    @classmethod
    def setUpClass(cls):
        cls.file = next(os.path.join(WORK, "first", name) for name in os.listdir(os.path.join(WORK, "first"))
                        if name.endswith(".AppImage"))
        cls.root = os.path.join(WORK, "bare")
        if not os.path.exists(os.path.join(cls.root, "etc/debian_version")):
            shutil.rmtree(cls.root, ignore_errors=True)
            run("debootstrap", "--variant=minbase", "bookworm", cls.root, timeout=900)
        home = os.path.join(cls.root, "somebody")
        shutil.rmtree(home, ignore_errors=True)
        os.makedirs(home)
        shutil.copy(cls.file, home)
        for image in DEMO:
            run("zstd", "-qdf", "--sparse", f"{TOP}/resources/demo/{image}.img.zst", "-o", f"{home}/{image}.img")
        for parent, folders, files in os.walk(home):
            for name in folders + files:
                os.chown(os.path.join(parent, name), NOBODY, NOBODY)
        os.chown(home, NOBODY, NOBODY)
        cls.home = home

    def inside(self, script, check=True, **environment):
        """Runs a shell script in the root as an ordinary user, with /proc but without /dev/fuse."""
        command = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-ec",
                   f'mkdir -p {self.root}/proc {self.root}/tmp; mount -t proc proc {self.root}/proc;'
                   f' [ ! -e {self.root}/dev/fuse ] || rm -f {self.root}/dev/fuse;'
                   f' exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups'
                   f' chroot {self.root} /bin/sh -ec "$0"', script]
        # chroot needs root: the user is changed inside.
        command[-2] = (f'mkdir -p {self.root}/proc; mount -t proc proc {self.root}/proc;'
                       f' rm -f {self.root}/dev/fuse;'
                       f' exec chroot --userspec={NOBODY}:{NOBODY} {self.root} /bin/sh -ec "$0"')
        return run(*command, check=check, env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/somebody",
                                              "LC_ALL": "C.UTF-8", **environment})

    def test_mainJob_byCtl(self):
        done = self.inside("cd /somebody; A=./$(ls | grep AppImage); rm -rf o;"
                           " $A ctl resync --overlay o disk-a.img disk-b.img;"
                           " $A ctl add --overlay o --spare spare.img disk-a.img disk-b.img;"
                           " $A ctl stop --overlay o disk-a.img disk-b.img spare.img;"
                           " $A ctl scan --json --overlay o disk-a.img disk-b.img spare.img; ls -A /tmp")
        self.assertEqual(done.stdout.count('"in_sync"'), 3, done.stdout)
        self.assertNotIn(".bitmend-", done.stdout)

    def test_window_drawsOffscreen_withTheBundledFont(self):
        self.inside("cd /somebody; ./*.AppImage --screenshot w.png disk-a.img disk-b.img spare.img",
                    QT_QPA_PLATFORM="offscreen")
        picture = os.path.join(self.home, "w.png")
        self.assertGreater(os.path.getsize(picture), 20_000)
        shutil.copy(picture, os.path.join(WORK, "bare-offscreen.png"))

    def test_window_opensUnderXvfb(self):
        # The X server is the host's; the program meets it through its socket, as on any desktop.
        os.makedirs(os.path.join(self.root, "tmp/.X11-unix"), exist_ok=True)
        display = next(n for n in range(90, 200) if not os.path.exists(f"/tmp/.X11-unix/X{n}"))
        server = subprocess.Popen(["Xvfb", f":{display}", "-screen", "0", "1280x900x24", "-ac", "-listen", "tcp"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not os.path.exists(f"/tmp/.X11-unix/X{display}"):
                self.assertIsNone(server.poll())
                time.sleep(0.05)
            self.inside("cd /somebody; ./*.AppImage --screenshot x.png disk-a.img disk-b.img spare.img",
                        QT_QPA_PLATFORM="xcb", DISPLAY=f"127.0.0.1:{display}")
        finally:
            server.terminate()
            server.wait()
        shutil.copy(os.path.join(self.home, "x.png"), os.path.join(WORK, "bare-xvfb.png"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
