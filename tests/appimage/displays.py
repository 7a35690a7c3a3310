# SPDX-License-Identifier: Apache-2.0
"""Displays without a screen, and what can be seen on them."""

import ctypes
import os
import select
import subprocess
import time

from appimage import run

DIRTY = "#E69F00"  # a dirty bitmap cell


def coloured(picture, colour=DIRTY):
    """How many pixels of a picture have this colour."""
    said = run("convert", picture, "-fill", "black", "+opaque", colour, "-fill", "white", "-opaque", colour,
               "-format", "%[fx:mean*w*h]", "info:").stdout
    return round(float(said))


def until(answer, what, seconds=120):
    """Asks again until the answer is true."""
    deadline = time.monotonic() + seconds
    while True:
        got = answer()
        if got:
            return got
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come about in {seconds} s")
        time.sleep(0.05)


class Xvfb:
    def __init__(self):
        reading, writing = os.pipe()
        self.server = subprocess.Popen(["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x900x24", "-ac",
                                        "-nolisten", "tcp"], pass_fds=[writing], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(writing)
        with os.fdopen(reading) as answer:
            self.name = f":{int(answer.readline())}"
        self.environment = {**os.environ, "DISPLAY": self.name}

    def xdo(self, *arguments, check=True):
        return run("xdotool", *arguments, env=self.environment, check=check).stdout.split()

    def window(self, name):
        """The visible window with this in its title, once it is there."""
        found = until(lambda: self.xdo("search", "--onlyvisible", "--name", name, check=False), f"a window {name}")
        return found[-1]

    def press(self, window, *keys):
        self.xdo("windowfocus", "--sync", window)
        self.xdo("key", "--delay", "100", *keys)

    def picture(self, path):
        run("import", "-window", "root", path, env=self.environment)

    def close(self):
        self.server.terminate()
        self.server.wait()


class FirstWindow:
    """Waits for the moment at which a display shows its next window."""

    MAP_NOTIFY = 19
    SUBSTRUCTURE_NOTIFY = 1 << 19

    def __init__(self, display):
        self.x11 = x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XDefaultRootWindow.restype = ctypes.c_ulong
        x11.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
        x11.XSelectInput.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_long]
        for function in (x11.XConnectionNumber, x11.XPending, x11.XCloseDisplay):
            function.argtypes = [ctypes.c_void_p]
        x11.XSync.argtypes = [ctypes.c_void_p, ctypes.c_int]
        x11.XNextEvent.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self.display = x11.XOpenDisplay(display.encode())
        x11.XSelectInput(self.display, x11.XDefaultRootWindow(self.display), self.SUBSTRUCTURE_NOTIFY)
        x11.XSync(self.display, 1)

    def wait(self, seconds=120):
        event = ctypes.create_string_buffer(192)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            while self.x11.XPending(self.display):
                self.x11.XNextEvent(self.display, event)
                if ctypes.cast(event, ctypes.POINTER(ctypes.c_int))[0] == self.MAP_NOTIFY:
                    return
            select.select([self.x11.XConnectionNumber(self.display)], [], [], 1)
        raise AssertionError("no window came up")

    def close(self):
        self.x11.XCloseDisplay(self.display)
