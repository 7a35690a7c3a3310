#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The files that tell a desktop what Bitmend is, judged by the tools that desktops use."""

import os
import re
import shutil
import struct
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as xml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ID = os.path.join(TOP, "resources", "desktop", "io.github.bitmend.Bitmend")


def text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class DesktopFiles(unittest.TestCase):
    def judge(self, *command, env=None):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              env=env)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.strip()

    def test_entry_isValid(self):
        self.assertEqual(self.judge("desktop-file-validate", f"{ID}.desktop"), "")

    def test_metainfo_isValid_andOfThisVersion(self):
        self.judge("appstreamcli", "validate", "--no-net", "--pedantic", f"{ID}.metainfo.xml")
        version, = re.findall(r"project\(bitmend VERSION (\S+)", text(os.path.join(TOP, "CMakeLists.txt")))
        self.assertEqual(xml.parse(f"{ID}.metainfo.xml").find("releases/release").get("version"), version)

    def test_screenshots_lieInTheTree_inTheSizeThatIsSaid(self):
        images = xml.parse(f"{ID}.metainfo.xml").findall("screenshots/screenshot/image")
        self.assertGreaterEqual(len(images), 2)
        for image in images:
            path = os.path.join(TOP, "resources", "screenshots", os.path.basename(image.text))
            with open(path, "rb") as file:
                size = struct.unpack(">II", file.read(24)[16:])
            self.assertEqual(size, (int(image.get("width")), int(image.get("height"))), path)

    def test_images_haveTheirTypes_butBitmendIsNotTheirDefault(self):
        with tempfile.TemporaryDirectory() as home:
            mime = os.path.join(home, "mime")
            shutil.copytree("/usr/share/mime/packages", os.path.join(mime, "packages"))
            shutil.copy(f"{ID}.mime.xml", os.path.join(mime, "packages", "io.github.bitmend.Bitmend.xml"))
            self.judge("update-mime-database", mime)
            globs = text(os.path.join(mime, "globs2"))
            for glob in ("application/x-ewf:*.e01", "application/x-raw-disk-image:*.dd",
                         "application/x-raw-disk-image:*.001"):
                self.assertIn(f":{glob}\n", globs)
            with open(os.path.join(mime, "magic"), "rb") as file:
                magic = file.read()
            self.assertIn(b"[60:application/x-ewf]\n>0=\x00\x08EVF\x09\x0d\x0a\xff\x00", magic)
        self.assertFalse(os.path.exists(os.path.join(TOP, "resources", "desktop", "mimeapps.list")))
        self.assertIn("MimeType=application/x-raw-disk-image;", text(f"{ID}.desktop"))

    def test_icon_isSharpAt16Pixels(self):
        """A 16th of the drawing is a pixel: every edge of a rectangle lies on one."""
        for shape in xml.parse(f"{ID}.svg").iter("{http://www.w3.org/2000/svg}rect"):
            for side in ("x", "y", "width", "height"):
                self.assertEqual(float(shape.get(side)) % 4, 0, side)


if __name__ == "__main__":
    unittest.main(verbosity=2)
