# SPDX-License-Identifier: Apache-2.0
"""What the AppImage's tests share: building it, an ordinary user with a home of his own, the demo's images."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(TOP, "build", "appimage-test"))
BUILD = os.path.join(TOP, "packaging", "appimage", "build.sh")
DEMO = ("disk-a", "disk-b", "spare")
NOBODY = 65534


def run(*command, check=True, timeout=300, **more):
    """Everything the command said, as text."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout,
                          errors="replace", stdin=subprocess.DEVNULL, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done


def built(output, build=os.path.join(WORK, "work"), **more):
    """One AppImage; its AppDir stays in the build folder."""
    folder = os.path.join(WORK, output)
    run(BUILD, "--fast", "--build", build, "--output", folder, timeout=3000, **more)
    return next(os.path.join(folder, entry) for entry in sorted(os.listdir(folder)) if entry.endswith(".AppImage"))


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack_demo(folder):
    for image in DEMO:
        run("zstd", "-qdf", "--sparse", f"{TOP}/resources/demo/{image}.img.zst", "-o", f"{folder}/{image}.img")


def give_away(folder):
    """To the ordinary user, when we are root; otherwise we are the ordinary user."""
    if os.geteuid() == 0:
        for parent, folders, files in os.walk(folder):
            for name in folders + files:
                os.lchown(os.path.join(parent, name), NOBODY, NOBODY)
        os.chown(folder, NOBODY, NOBODY)


def as_ordinary_user():
    return [shutil.which("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []


def in_private_mounts(script, *arguments):
    """A root shell whose mounts nobody else sees; in a user namespace when we are not root."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", "--mount", *user, "sh", "-ec", script, "sh", *arguments]


class Home:
    """A home with a copy of the AppImage, the demo's images and a temporary folder of its own."""

    def __init__(self, file):
        self.path = tempfile.mkdtemp(prefix="bitmend-home-")
        self.tmp = os.path.join(self.path, "tmp")
        self.file = os.path.join(self.path, "Bitmend.AppImage")
        os.makedirs(self.tmp)
        os.makedirs(os.path.join(self.path, "run"), mode=0o700)
        shutil.copy(file, self.file)
        unpack_demo(self.path)
        give_away(self.path)
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": self.path, "TMPDIR": self.tmp,
                            "XDG_RUNTIME_DIR": os.path.join(self.path, "run"), "LC_ALL": "C.UTF-8"}

    def images(self):
        return [f"{self.path}/{name}.img" for name in DEMO]

    def command(self, *arguments):
        return [*as_ordinary_user(), self.file, *arguments]

    def start(self, *arguments, check=True, extra=None, **more):
        more.setdefault("cwd", self.path)
        return run(*self.command(*arguments), check=check, env={**self.environment, **(extra or {})}, **more)

    def leftovers(self):
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            mounted = [line.split()[1] for line in mounts if self.path in line]
        return os.listdir(self.tmp) + mounted

    def waitForNoLeftovers(self):
        """What is left after a while that is long beside the few milliseconds it takes."""
        deadline = time.monotonic() + 30
        while self.leftovers() and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.leftovers()

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)
