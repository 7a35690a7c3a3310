#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The AppImage in a bare Debian 12 root, which has neither Qt nor FUSE nor a font, as an ordinary user: under Xvfb,
under Wayland without a screen, and offscreen; on the plainest x86-64; built twice from two places; and how long its
first window takes: test_appimage_elsewhere.py WORKFOLDER UNPACKAGED-BITMEND

Makes a root file system, and so has to be run by root."""

import glob
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import unittest

from appimage import DEMO, Home, NOBODY, TOP, WORK, as_ordinary_user, built, digest, give_away, run, unpack_demo
from displays import FirstWindow, Xvfb, coloured, until

UNPACKAGED = sys.argv[2] if len(sys.argv) > 2 else os.path.join(TOP, "build", "release", "bin", "bitmend")
ROUNDS = 7


class BareDebian(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = built("first")
        cls.root = os.path.join(WORK, "bare")
        if not os.path.exists(os.path.join(cls.root, "bare-is-whole")):
            shutil.rmtree(cls.root, ignore_errors=True)
            run("debootstrap", "--variant=minbase", "bookworm", cls.root, timeout=1800)
            with open(os.path.join(cls.root, "bare-is-whole"), "w", encoding="utf-8"):
                pass

    def setUp(self):
        self.home = os.path.join(self.root, "somebody")
        shutil.rmtree(self.home, ignore_errors=True)
        os.makedirs(os.path.join(self.home, "run"), mode=0o700)
        shutil.copy(self.file, os.path.join(self.home, "Bitmend.AppImage"))
        unpack_demo(self.home)
        give_away(self.home)

    def command(self, script):
        """A shell script in the root as an ordinary user, with /proc, without /dev/fuse and fusermount."""
        return ["unshare", "--mount", "sh", "-ec",
                'mount -t proc proc "$1/proc"; exec chroot --userspec="$2:$2" "$1" /bin/sh -ec "cd /somebody; $3"',
                "sh", self.root, str(NOBODY), script]

    def environment(self, **extra):
        return {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/somebody", "LC_ALL": "C.UTF-8", **extra}

    def inside(self, script, **extra):
        return run(*self.command(script), env=self.environment(**extra))

    def start(self, script, **extra):
        process = subprocess.Popen(self.command(script), env=self.environment(**extra), stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def keep(self, name):
        shutil.copy(os.path.join(self.home, name), os.path.join(WORK, f"bare-{name}"))

    def leftovers(self):
        return [name for name in os.listdir(os.path.join(self.root, "tmp")) if name.startswith(".bitmend-")]

    def test_rootIsBare(self):
        for absent in ("dev/fuse", "usr/bin/fusermount", "usr/bin/fusermount3", "etc/fonts", "usr/share/fonts"):
            self.assertFalse(os.path.exists(os.path.join(self.root, absent)), absent)
        self.assertEqual(glob.glob(os.path.join(self.root, "usr/lib/*/libQt*")), [])

    def test_mainJob_byCtl(self):
        done = self.inside("A=./Bitmend.AppImage; $A ctl resync --overlay o disk-a.img disk-b.img;"
                           " $A ctl add --overlay o --spare spare.img disk-a.img disk-b.img;"
                           " $A ctl stop --overlay o disk-a.img disk-b.img spare.img;"
                           " $A ctl scan --json --overlay o disk-a.img disk-b.img spare.img")
        self.assertEqual(done.stdout.count('"in_sync"'), 3, done.stdout)
        until(lambda: not self.leftovers(), "an empty /tmp")

    def test_window_drawsOffscreen_withTheBundledFont(self):
        self.inside("./Bitmend.AppImage --screenshot offscreen.png disk-a.img disk-b.img spare.img")
        self.keep("offscreen.png")
        self.assertGreater(coloured(os.path.join(self.home, "offscreen.png")), 50)

    def test_window_drawsWithTheBundledFont_whereThereIsAConfigurationButNoFont(self):
        os.makedirs(os.path.join(self.root, "etc/fonts"))
        self.addCleanup(shutil.rmtree, os.path.join(self.root, "etc/fonts"), ignore_errors=True)
        with open(os.path.join(self.root, "etc/fonts/fonts.conf"), "w", encoding="utf-8") as file:
            file.write("<fontconfig><dir>/usr/share/fonts</dir></fontconfig>\n")
        self.inside("./Bitmend.AppImage --screenshot no-fonts.png disk-a.img disk-b.img spare.img")
        self.keep("no-fonts.png")
        shutil.rmtree(os.path.join(self.root, "etc/fonts"))
        self.inside("./Bitmend.AppImage --screenshot fonts.png disk-a.img disk-b.img spare.img")
        # Log lines have the time in them; boxes instead of letters would differ by far more.
        said = run("compare", "-metric", "AE", "-fuzz", "20%", os.path.join(self.home, "no-fonts.png"),
                   os.path.join(self.home, "fonts.png"), "null:", check=False).stdout
        self.assertLess(int(said), 5000)

    def arrayOn(self, overlay):
        """What lies on the overlays, seen by bitmendctl in the same root: they go by the members' paths."""
        done = self.inside(f"./Bitmend.AppImage ctl scan --json --overlay {overlay[len(self.root):]}"
                           " .local/share/bitmend/bitmend/demo/*.img")
        return json.loads(done.stdout)["arrays"][0]

    def inSync(self, overlay):
        return [member for member in self.arrayOn(overlay)["members"] if member["state"] == "in_sync"]

    def test_mainJob_isClickedThroughUnderXvfb(self):
        display = Xvfb()
        self.addCleanup(display.close)
        self.start("exec ./Bitmend.AppImage --demo", DISPLAY=display.name)
        window = display.window("^nas:photos ")
        overlays = f"{self.home}/.local/share/bitmend/bitmend/overlays"

        def picture(name):
            time.sleep(1)  # for the eye only: nothing depends on it
            display.picture(os.path.join(WORK, f"bare-xvfb-{name}.png"))

        picture("1-opened")
        display.press(window, "ctrl+a")
        review = display.window("^Assemble ")
        picture("2-review")
        display.press(review, "Return")
        overlay = until(lambda: glob.glob(f"{overlays}/*"), "an overlay")[0]
        # Each is possible only when its turn has come, so pressing too early or again does nothing.
        until(lambda: display.press(window, "ctrl+r", "ctrl+h") or
              display.xdo("search", "--onlyvisible", "--name", "^Hot-add ", check=False), "a resync")
        review = display.window("^Hot-add ")
        picture("4-hot-add")
        until(lambda: display.xdo("search", "--onlyvisible", "--name", "^Hot-add ", check=False) == [] or
              display.press(review, "Return"), "a hot-add")
        until(lambda: len(self.inSync(overlay)) == 3, "three members in sync")
        picture("5-added")
        # A stopped array can be assembled anew, an open one cannot.
        until(lambda: display.press(window, "Escape", "alt+a", "s", "ctrl+a") or
              display.xdo("search", "--onlyvisible", "--name", "^Assemble ", check=False), "a stopped array")
        display.press(display.window("^Assemble "), "Escape")
        picture("6-stopped")
        array = self.arrayOn(overlay)
        self.assertEqual((array["needs"], array["degraded"]), ("nothing", 0), array)
        packed = [f"{TOP}/resources/demo/{name}.img.zst" for name in DEMO]
        for path in packed:
            image = os.path.join(self.home, os.path.basename(path)[:-4])
            opened = os.path.join(self.home, ".local/share/bitmend/bitmend/demo", os.path.basename(image))
            self.assertEqual(digest(image), digest(opened), "the members stay as they are")
        display.press(window, "ctrl+q")
        until(lambda: not self.leftovers(), "an empty /tmp")

    def test_window_opensUnderWayland(self):
        place = {"XDG_RUNTIME_DIR": os.path.join(self.home, "run")}
        user = as_ordinary_user()
        server = subprocess.Popen([*user, "weston", "--backend=headless-backend.so", "--use-pixman", "--debug",
                                   "--socket=wayland-b", "--width=1280", "--height=900", "--idle-time=0"],
                                  env={**self.environment(), "HOME": self.home, **place}, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        until(lambda: os.path.exists(os.path.join(place["XDG_RUNTIME_DIR"], "wayland-b")), "the compositor")
        self.start("exec ./Bitmend.AppImage disk-a.img disk-b.img spare.img", WAYLAND_DISPLAY="wayland-b",
                   XDG_RUNTIME_DIR="/somebody/run")

        def seen():
            for old in glob.glob(f"{self.home}/run/*.png"):
                os.remove(old)
            run(*user, "weston-screenshooter", cwd=place["XDG_RUNTIME_DIR"],
                env={**self.environment(), **place, "WAYLAND_DISPLAY": "wayland-b"})
            picture, = glob.glob(f"{self.home}/run/*.png")
            shutil.copy(picture, os.path.join(WORK, "bare-wayland.png"))
            return coloured(picture) > 50

        until(seen, "the heatmap on the compositor's picture")

    def test_plainestProcessor_isEnough(self):
        appdir = os.path.join(WORK, "work", "AppDir")
        for program, arguments in (("bitmendctl", ("scan", *(f"{self.home}/{name}.img" for name in DEMO))),
                                   ("bitmend", ("--screenshot", f"{self.home}/plain.png",
                                                *(f"{self.home}/{name}.img" for name in DEMO)))):
            done = run("qemu-x86_64", "-cpu", "qemu64", f"{appdir}/usr/bin/{program}", *arguments, check=False,
                       timeout=900, env={**self.environment(), "HOME": self.home})
            self.assertIn(done.returncode, (0, 4), done.stdout)
        self.assertGreater(coloured(os.path.join(self.home, "plain.png")), 50)


class Apart(unittest.TestCase):
    def test_builtElsewhere_withoutACache_givesTheSameBytes(self):
        tree = os.path.join(WORK, "elsewhere", "a", "tree")
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(TOP, tree, symlinks=True,
                        ignore=lambda at, names: {"build", ".git"} if at == TOP else {"__pycache__"})
        run(os.path.join(tree, "packaging/appimage/build.sh"), "--fast", "--output", f"{tree}/out", timeout=3500,
            env={**os.environ, "CCACHE_DISABLE": "1"})
        again, = glob.glob(f"{tree}/out/*.AppImage")
        self.assertEqual(digest(built("first")), digest(again))

    def test_coldStart_isAtMost3TimesTheUnpackagedProgram(self):
        home = Home(built("first"))
        self.addCleanup(home.remove)
        display = Xvfb()
        self.addCleanup(display.close)
        program = os.path.join(home.path, "bitmend")
        shutil.copy(UNPACKAGED, program)

        def forget(path):
            with open(path, "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

        libraries = [line.split()[2] for line in run("ldd", program).stdout.splitlines() if " => /" in line]

        def first_window(path):
            for each in (path, *libraries):
                forget(each)
            waiting = FirstWindow(display.name)
            begun = time.monotonic()
            process = subprocess.Popen([*as_ordinary_user(), path], env={**home.environment, "DISPLAY": display.name},
                                       stdin=subprocess.DEVNULL)
            waiting.wait()
            took = time.monotonic() - begun
            process.kill()
            process.wait()
            waiting.close()
            return took

        times = {home.file: [], program: []}
        for _ in range(ROUNDS):
            for path, measured in times.items():
                measured.append(first_window(path))
        packed, plain = (statistics.median(measured) for measured in times.values())
        print(f"first window: AppImage {packed:.3f} s, unpackaged {plain:.3f} s, ratio {packed / plain:.2f}, medians of "
              f"{ROUNDS} rounds", file=sys.stderr)
        self.assertLessEqual(packed / plain, 3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
