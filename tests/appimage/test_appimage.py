#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The AppImage as a file, and as somebody meets it who downloaded it and is not root: test_appimage.py WORKFOLDER"""

import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest

from appimage import DEMO, Home, TOP, WORK, as_ordinary_user, built, digest, in_private_mounts, run

LICENCES = os.path.join(TOP, "packaging", "appimage", "licences.sh")
UNPACK = {"APPIMAGE_EXTRACT_AND_RUN": "1"}

# What every system with this C library has.
GLIBC = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libresolv.so.2",
         "ld-linux-x86-64.so.2"}

# What the launcher takes from the host where the host has all of a group, and from the bundle otherwise.
HOST_OR_FALLBACK = {
    "libgcc_s.so.1", "libstdc++.so.6", "libz.so.1", "libexpat.so.1", "libuuid.so.1", "libfreetype.so.6",
    "libharfbuzz.so.0", "libfontconfig.so.1", "libgpg-error.so.0", "libxcb.so.1", "libX11.so.6", "libX11-xcb.so.1",
    "libICE.so.6", "libSM.so.6", "libwayland-client.so.0", "libGLdispatch.so.0",
    "libEGL.so.1", "libGLX.so.0", "libOpenGL.so.0"}


def elf_files(folder):
    for parent, _, names in os.walk(folder):
        for path in (os.path.join(parent, name) for name in names):
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    if file.read(4) == b"\x7fELF":
                        yield path


def elf_end(path):
    """The end of the last section or of the section table, whichever comes later."""
    with open(path, "rb") as file:
        head = file.read(64)
        table, = struct.unpack_from("<Q", head, 40)
        size, count = struct.unpack_from("<HH", head, 58)
        end = table + size * count
        for i in range(count):
            file.seek(table + i * size)
            kind, _, _, offset, length = struct.unpack("<IQQQQ", file.read(size)[4:40])
            if kind != 8:  # bytes that are not in the file
                end = max(end, offset + length)
    return end


class AppImageFile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = built("first")
        cls.appdir = os.path.join(WORK, "work", "AppDir")

    def test_bytesSayType2_andTheImageBeginsWhereTheElfEnds(self):
        with open(self.file, "rb") as file:
            head = file.read(64)
            self.assertEqual(head[8:11], b"AI\x02")
            self.assertEqual(struct.unpack_from("<H", head, 18)[0], 62)  # x86-64
            offset = int(run(self.file, "--appimage-offset").stdout)
            self.assertEqual(offset, elf_end(self.file))
            file.seek(offset)
            self.assertEqual(file.read(4), b"hsqs")

    def test_runtime_needsNoLibrary(self):
        self.assertNotIn("NEEDED", run("objdump", "-p", self.file).stdout)
        self.assertNotIn("NEEDED", run("objdump", "-p", os.path.join(self.appdir, "AppRun")).stdout)

    def test_size_isAtMost45Megabytes(self):
        size = os.path.getsize(self.file)
        print(f"{size} bytes", file=sys.stderr)
        self.assertLessEqual(size, 45_000_000)

    def test_packedAgain_givesTheSameBytes(self):
        self.assertEqual(digest(self.file), digest(built("second")))

    def test_extraction_equalsTheAppDir(self):
        folder = os.path.join(WORK, "extracted")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        run(self.file, "--appimage-extract", cwd=folder)
        run("diff", "-r", "--no-dereference", self.appdir, os.path.join(folder, "squashfs-root"))

    def test_extraction_ofAPattern(self):
        folder = os.path.join(WORK, "part")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        run(self.file, "--appimage-extract", "usr/share/metainfo/*", cwd=folder)
        files = [name for _, _, names in os.walk(folder) for name in names]
        self.assertEqual(files, ["io.github.bitmend.Bitmend.metainfo.xml"])

    def test_whatTheHostMustHave_isTheAllowedList(self):
        own = {os.path.basename(path) for path in elf_files(self.appdir) if "/fallback/" not in path}
        fallback = {os.path.basename(path) for path in elf_files(self.appdir) if "/fallback/" in path}
        self.assertEqual(fallback, HOST_OR_FALLBACK)
        newest = {True: 0, False: 0}
        for path in elf_files(self.appdir):
            needed = set(re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", path).stdout))
            self.assertEqual(needed - own - GLIBC - HOST_OR_FALLBACK, set(), path)
            if os.path.basename(path) == "bitmendctl":
                self.assertEqual(needed & HOST_OR_FALLBACK, set(), "bitmendctl starts without the launcher")
            for version in re.findall(r"\(GLIBC_2\.(\d+)", run("objdump", "-T", path, check=False).stdout):
                newest["/fallback/" in path] = max(newest["/fallback/" in path], int(version))
        print(f"newest symbol: GLIBC_2.{newest[False]}, in the fallback GLIBC_2.{newest[True]}", file=sys.stderr)
        self.assertLessEqual(newest[False], 35)
        self.assertLessEqual(newest[True], 36)

    def test_licences_areThere_andNoneIsTheGpl(self):
        folder = os.path.join(self.appdir, "usr/share/licenses")
        with open(os.path.join(folder, "LIST"), encoding="utf-8") as file:
            lines = [line for line in file.read().splitlines() if not line.startswith("#")]
        self.assertGreater(len(lines), 60)
        for line in lines:
            self.assertGreater(os.path.getsize(os.path.join(folder, line.split()[0])), 0)
            self.assertNotRegex(line.replace("LGPL", ""), r"GPL(?!\S* WITH)")
        for package in ("libqt6core6", "libsquashfuse-dev", "nlohmann-json3-dev", "fonts-dejavu-core"):
            self.assertTrue(any(line.split()[0] == package for line in lines), package)
        for text in ("LGPL-2.1", "LGPL-3", "GPL-3"):
            self.assertGreater(os.path.getsize(os.path.join(folder, "texts", text)), 5000)

    def test_licences_refuseWhatIsNotListed_andTheGpl(self):
        with open(os.path.join(TOP, "packaging/appimage/licences.list"), encoding="utf-8") as file:
            lines = file.read().splitlines(keepends=True)
        trial = os.path.join(WORK, "licence-trial")
        for change, said in (
                (lambda line: "" if line.startswith("libqt6svg6 ") else line, "libqt6svg6 is bundled"),
                (lambda line: "liblz4-dev GPL-2.0-only\n" if line.startswith("liblz4-dev ") else line,
                 "liblz4-dev is linked, but it is under the GPL")):
            with open(trial, "w", encoding="utf-8") as file:
                file.writelines(map(change, lines))
            copy = os.path.join(WORK, "trial-AppDir")
            shutil.rmtree(copy, ignore_errors=True)
            os.makedirs(os.path.join(copy, "usr/share"))
            os.symlink(os.path.join(self.appdir, "usr/plugins"), os.path.join(copy, "usr/plugins"))
            os.symlink(os.path.join(self.appdir, "usr/share/fonts"), os.path.join(copy, "usr/share/fonts"))
            os.makedirs(os.path.join(copy, "usr/share/licenses"))
            done = run(LICENCES, copy, os.path.join(WORK, "work"), trial, check=False)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn(said, done.stdout)

    def test_desktopFiles_areJudgedWhole(self):
        run("appstreamcli", "validate-tree", "--no-net", os.path.join(self.appdir))
        for link in ("io.github.bitmend.Bitmend.desktop", "io.github.bitmend.Bitmend.svg", ".DirIcon"):
            self.assertTrue(os.path.isfile(os.path.join(self.appdir, link)), link)


class OrdinaryUser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = built("first")

    def setUp(self):
        self.home = Home(self.file)
        self.addCleanup(self.home.remove)

    def assertNothingLeft(self):
        self.assertEqual(self.home.waitForNoLeftovers(), [])

    def assertOneSentence(self, done, status, *words):
        self.assertEqual((done.returncode, done.stdout.count("\n")), (status, 1), done.stdout)
        for word in words:
            self.assertIn(word, done.stdout)

    def test_ctl_runsByWordAndByLinkName_mountedAndUnpacked(self):
        link = os.path.join(self.home.path, "bitmendctl")
        os.symlink(self.home.file, link)
        for extra in ({}, UNPACK):
            by_word = self.home.start("ctl", "--version", extra=extra).stdout
            by_name = run(*as_ordinary_user(), link, "--version", env={**self.home.environment, **extra}).stdout
            self.assertIn("bitmendctl", by_word)
            self.assertEqual(by_word, by_name)
        self.assertNothingLeft()

    def test_mainJob_byCtl(self):
        images = self.home.images()
        before = [digest(image) for image in images]
        self.home.start("ctl", "resync", "--overlay", "o", *images[:2])
        self.home.start("ctl", "add", "--overlay", "o", "--spare", images[2], *images[:2])
        self.home.start("ctl", "stop", "--overlay", "o", *images)
        state = self.home.start("ctl", "scan", "--json", "--overlay", "o", *images).stdout
        self.assertEqual(state.count('"in_sync"'), 3, state)
        self.assertEqual([digest(image) for image in images], before)
        self.assertNothingLeft()

    def startWindow(self, **extra):
        process = subprocess.Popen(self.home.command(), env={**self.home.environment, "QT_QPA_PLATFORM": "offscreen",
                                                             **extra},
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_killedRuns_leaveNothing(self):
        for extra in ({}, UNPACK):
            for end in (signal.SIGKILL, signal.SIGTERM):
                process = self.startWindow(**extra)
                while not self.home.leftovers():
                    self.assertIsNone(process.poll())
                os.killpg(process.pid, end)
                process.wait()
                self.assertNothingLeft()

    def test_killedServers_leaveWhatTheNextRunRemoves(self):
        for extra in ({}, UNPACK):
            process = self.startWindow(**extra)
            while not self.home.leftovers():
                self.assertIsNone(process.poll())
            servers = run("pgrep", "-f", f"^{self.home.file}$", check=False).stdout.split()
            for pid in servers:
                os.kill(int(pid), signal.SIGKILL)
            process.kill()
            process.wait()
            for name in self.home.leftovers():
                path = os.path.join(self.home.tmp, name)
                if os.path.isdir(path):
                    os.utime(path, (time.time() - 3600, time.time() - 3600))
            self.home.start("ctl", "--version", extra=extra)
            self.assertNothingLeft()

    def test_window_drawsOffscreen_andWithoutADisplay(self):
        for platform in ({"QT_QPA_PLATFORM": "offscreen"}, {}):
            self.home.start("--screenshot", "w.png", *self.home.images(), extra=platform)
            self.assertGreater(os.path.getsize(os.path.join(self.home.path, "w.png")), 20_000)
        shutil.copy(os.path.join(self.home.path, "w.png"), os.path.join(WORK, "offscreen.png"))
        self.assertNothingLeft()

    def test_noDisplay_isOneSentence(self):
        self.assertOneSentence(self.home.start(check=False), 1, "there is no display", "bitmendctl")
        self.assertOneSentence(self.home.start(check=False, extra={"DISPLAY": ":7777"}), 1, ":7777", "bitmendctl")

    def test_truncated_isOneSentence(self):
        size = os.path.getsize(self.home.file)
        offset = int(self.home.start("--appimage-offset").stdout)
        for length in (offset, offset + 64, size // 2, size - 8192):
            os.truncate(self.home.file, length)
            self.assertOneSentence(self.home.start(check=False), 127, "not whole", "Download it again")
            shutil.copy(self.file, self.home.file)

    def test_unknownOption_isOneSentence(self):
        self.assertOneSentence(self.home.start("--appimage-nonsense", check=False), 2, "--appimage-help")
        self.assertOneSentence(self.home.start("--appimage-extract", "nothing*", check=False), 1, "matches nothing*")

    def behind(self, mounts, *arguments, extra=None):
        """Runs with these mounts made before, by root, that only this run sees."""
        script = f'{mounts}; exec {" ".join(as_ordinary_user())} "$@"'
        return run(*in_private_mounts(script, self.home.file, *arguments), check=False, cwd=self.home.path,
                   env={**self.home.environment, **(extra or {})})

    def test_withoutFuse_orItsHelper_itUnpacks(self):
        hide = "mount --bind /dev/null /dev/fuse"
        self.assertIn("bitmendctl", self.behind(hide, "ctl", "--version").stdout)
        self.assertOneSentence(self.behind(hide, "--appimage-mount"), 1, "no FUSE")
        done = self.home.start("ctl", "--version", extra={"PATH": "/nonexistent"})
        self.assertIn("bitmendctl", done.stdout)
        self.assertNothingLeft()

    def test_fullOrNoexecTemporaryFolders(self):
        hide = "mount --bind /dev/null /dev/fuse;"
        places = (self.home.tmp, "/tmp", "/var/tmp")
        # Another folder serves when TMPDIR cannot.
        for option in ("size=1m", "noexec"):
            done = self.behind(f"{hide} mount -t tmpfs -o mode=1777,{option} none {self.home.tmp}", "ctl", "--version")
            self.assertIn("bitmendctl", done.stdout)
        # The file itself lies below /tmp, so it is run from elsewhere.
        aside = "mkdir -p /run/bitmend-test; mount -t tmpfs none /run/bitmend-test; cp \"$1\" /run/bitmend-test/B;"
        for option, word in (("size=1m", "MiB free"), ("noexec", "running programs")):
            mounts = hide + aside + "".join(f"mount -t tmpfs -o mode=1777,{option} none {place};"
                                            for place in places[1:])
            script = f'{mounts} exec {" ".join(as_ordinary_user())} /run/bitmend-test/B ctl --version'
            done = run(*in_private_mounts(script, self.home.file), check=False,
                       env={**self.home.environment, "HOME": "/nonexistent"})
            self.assertOneSentence(done, 127, word, "TMPDIR")

    def test_readOnlyHome_stillRuns(self):
        for extra in ({"HOME": "/proc", "TMPDIR": "/proc"}, {"HOME": "/proc", "TMPDIR": "/proc", **UNPACK}):
            self.home.start("--screenshot", f"{self.home.tmp}/w.png", *self.home.images(), extra=extra)
            self.home.start("--demo", "--screenshot", f"{self.home.tmp}/w.png", extra=extra)
            os.remove(os.path.join(self.home.tmp, "w.png"))
        self.assertNothingLeft()

    def test_otherCLibraries_areOneSentence(self):
        """AppRun needs nothing, so that it can say this: in a root with an older C library, and in one with none."""
        self.home.start("--appimage-extract", "AppRun")
        root = os.path.join(self.home.path, "squashfs-root")
        script = 'exec chroot "$1" /AppRun'
        self.assertOneSentence(run(*in_private_mounts(script, root), check=False), 127, "GNU C library", "has none")
        os.makedirs(os.path.join(root, "lib64"))
        with open(os.path.join(root, "lib64", "libc.so.6"), "wb") as file:
            file.write(b"\x7fELF" + bytes(5000) + b"GNU C Library (GNU libc) stable release version 2.31.\n")
        self.assertOneSentence(run(*in_private_mounts(script, root), check=False), 127, "2.35 or newer", "has 2.31")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
