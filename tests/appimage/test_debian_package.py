#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian package: dpkg-buildpackage builds it from a copy of the tree, lintian has no error to name, and it
holds what a desktop looks for: test_debian_package.py WORKFOLDER"""

import os
import re
import shutil
import sys
import unittest

from appimage import TOP, WORK, run

PLACES = (
    "/usr/bin/bitmend", "/usr/bin/bitmendctl", "/usr/share/man/man1/bitmend.1.gz", "/usr/share/man/man1/bitmendctl.1.gz",
    "/usr/share/applications/io.github.bitmend.Bitmend.desktop",
    "/usr/share/metainfo/io.github.bitmend.Bitmend.metainfo.xml",
    "/usr/share/icons/hicolor/scalable/apps/io.github.bitmend.Bitmend.svg",
    "/usr/share/mime/packages/io.github.bitmend.Bitmend.xml", "/usr/share/bitmend/bitmendctl.schema.json")


class DebianPackage(unittest.TestCase):
    def test_builds_passesLintian_andIsWhole(self):
        folder = os.path.join(WORK, "debian")
        tree = os.path.join(folder, "bitmend")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(TOP, tree, symlinks=True,
                        ignore=lambda at, names: {"build", ".git"} if at == TOP else {"__pycache__"})
        shutil.copytree(os.path.join(tree, "packaging/debian"), os.path.join(tree, "debian"))

        with open(os.path.join(tree, "CMakeLists.txt"), encoding="utf-8") as file:
            version, = re.findall(r"project\(bitmend VERSION (\S+)", file.read())
        self.assertEqual(run("dpkg-parsechangelog", "-SVersion", cwd=tree).stdout.strip(), version)

        run("dpkg-buildpackage", "-us", "-uc", "-b", cwd=tree, timeout=3500)
        package = os.path.join(folder, f"bitmend_{version}_amd64.deb")
        files = run("dpkg-deb", "--contents", package).stdout
        for place in PLACES:
            self.assertIn(f" .{place}\n", files)
        changes = os.path.join(folder, f"bitmend_{version}_amd64.changes")
        said = run("lintian", "--fail-on", "error", "--allow-root", changes).stdout
        print(said, file=sys.stderr)

        installed = os.path.join(folder, "root")
        run("dpkg-deb", "--extract", package, installed)
        self.assertEqual(run(f"{installed}/usr/bin/bitmendctl", "--version").stdout, f"bitmendctl {version}\n")
        run("appstreamcli", "validate-tree", "--no-net", installed)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
