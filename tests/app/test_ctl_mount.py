#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An array as a file for other programs: mount and umount, and what programs are told when something is wrong."""

import errno
import os
import random
import shutil
import signal
import struct
import subprocess
import time
import unittest
from pathlib import Path

import ctl
from ctl import DemoCase, run

SIZE = 32505856
WAIT = 20  # seconds for what takes a moment


def server_of(folder):
    """The process that serves, as the kernel's list of mounts names it."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[4] == str(folder):
            return int(fields[fields.index("-") + 2].split(":")[1])
    return None


class Mount(DemoCase):
    def setUp(self):
        super().setUp()
        self.mount = Path(self.scratch.name) / "mount"
        self.file = self.mount / "nas-photos.img"
        self.addCleanup(self.leave)

    def leave(self):
        if server_of(self.mount):
            run("umount", self.mount)

    def members(self):
        return [self.a, self.b]

    def mounted(self, *words, status=0):
        return self.result("mount", self.mount, *words, *self.members(), status=status)

    def writable(self):
        return self.mounted("--overlay", self.overlay)

    def unmounted(self):
        self.assertEqual(self.result("umount", self.mount),
                         {"schema": 1, "action": "umount", "folder": str(self.mount), "was_left_behind": False})

    def content(self):
        outcome = run("read", "--overlay", self.overlay, "--output", "-", *self.members())
        self.assertEqual(outcome.status, 0, outcome.complaints)
        return outcome.raw

    def told(self, code, call):
        with self.assertRaises(OSError) as caught:
            call()
        self.assertEqual(errno.errorcode[caught.exception.errno], errno.errorcode[code])

    def test_the_file_holds_the_array_and_cannot_be_written(self):
        before = self.state()
        mounted = self.mounted()
        self.assertEqual((mounted["writable"], mounted["folder"]), (False, str(self.mount)))
        self.assertEqual(mounted["files"], [{"path": str(self.file), "size_bytes": SIZE}])
        self.assertEqual(os.listdir(self.mount), ["nas-photos.img"])
        self.assertEqual(self.file.read_bytes(), self.content())
        self.told(errno.EROFS, lambda: open(self.file, "r+b"))
        self.unmounted()
        self.assertFalse(self.mount.exists())
        self.assertEqual(self.state(), before)

    def test_what_programs_write_is_on_the_members_when_umount_returns(self):
        before, content = self.state(), bytearray(self.content())
        self.writable()
        choice = random.Random(7)
        with open(self.file, "r+b", buffering=0) as file:
            for _ in range(200):
                at, data = choice.randrange(SIZE), choice.randbytes(choice.randint(1, 200_000))
                data = data[:SIZE - at]
                file.seek(at)
                self.assertEqual(file.write(data), len(data))
                content[at:at + len(data)] = data
                if choice.random() < 0.1:
                    os.fsync(file)
                file.seek(max(0, at - 5000))
                self.assertEqual(file.read(10_000), content[max(0, at - 5000):][:10_000])
        self.unmounted()
        self.assertEqual(self.content(), content)
        [array] = self.result("scan", "--overlay", self.overlay, *self.members())["arrays"]
        self.assertEqual([member["state"] for member in array["members"]], ["in_sync", "in_sync", "missing"])
        self.assertEqual(self.state(), before)

    def test_a_file_system_that_is_written_through_it_is_clean(self):
        self.writable()
        tool = {"env": os.environ | {"PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}, "check": True,
                "capture_output": True}
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", str(self.file)], **tool)
        for number in range(20):
            source = Path(self.scratch.name) / f"file{number}"
            source.write_bytes(random.Random(number).randbytes(100_000 + 777 * number))
            subprocess.run(["debugfs", "-w", "-R", f"write {source} file{number}", str(self.file)], **tool)
        subprocess.run(["e2fsck", "-fn", str(self.file)], **tool)
        self.unmounted()
        self.mounted("--overlay", self.overlay, "--read-only")
        subprocess.run(["e2fsck", "-fn", str(self.file)], **tool)
        copy = Path(self.scratch.name) / "copy"
        subprocess.run(["debugfs", "-R", f"dump file19 {copy}", str(self.file)], **tool)
        self.assertEqual(copy.read_bytes(), (Path(self.scratch.name) / "file19").read_bytes())

    def test_after_a_kill_what_was_flushed_is_there_and_the_bitmap_names_what_is_due(self):
        self.result("resync", "--overlay", self.overlay, *self.members())
        self.writable()
        data = random.Random(3).randbytes(300_000)
        file = os.open(self.file, os.O_RDWR)
        self.assertEqual(os.pwrite(file, data, 1_000_000), len(data))
        os.fsync(file)
        os.kill(server_of(self.mount), signal.SIGKILL)
        self.wait(self.is_left_behind)
        self.told(errno.ENOTCONN, lambda: os.close(file))
        [array] = self.result("scan", "--overlay", self.overlay, *self.members())["arrays"]
        self.assertEqual(array["needs"], "resync")
        chunk = array["bitmap"]["chunk_bytes"]
        touched = (1_000_000 + len(data) - 1) // chunk - 1_000_000 // chunk + 1
        self.assertGreaterEqual(array["bitmap"]["dirty"], touched)
        self.assertLess(array["bitmap"]["dirty"], array["bitmap"]["chunks"] // 4)
        self.assertEqual(self.content()[1_000_000:1_000_000 + len(data)], data)
        self.result("resync", "--overlay", self.overlay, *self.members())
        self.assertEqual(self.content()[1_000_000:1_000_000 + len(data)], data)

    def test_a_mount_whose_program_has_ended_is_found_and_removed(self):
        for again in ("mount", "umount"):
            self.mounted()
            os.stat(self.mount)
            os.kill(server_of(self.mount), signal.SIGKILL)
            self.wait(self.is_left_behind)
            if again == "mount":
                self.mounted()
                self.assertEqual(self.file.stat().st_size, SIZE)
                self.unmounted()
            else:
                self.assertTrue(self.result("umount", self.mount)["was_left_behind"])
                self.assertIsNone(server_of(self.mount))

    def is_left_behind(self):
        try:
            os.stat(self.mount)
        except OSError as error:
            return error.errno == errno.ENOTCONN
        return False

    def wait(self, until):
        end = time.monotonic() + WAIT
        while not until():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def test_partitions_are_files_of_their_own(self):
        table = bytearray(512)
        table[446:446 + 16] = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0x83, b"\0\3\0", 2048, 8192)
        table[446 + 16:446 + 32] = struct.pack("<B3sB3sII", 0, b"\0\4\0", 0x83, b"\0\5\0", 16384, 20480)
        table[510:] = b"\x55\xaa"
        source = Path(self.scratch.name) / "table"
        source.write_bytes(bytes(table) + bytes(1 << 20))
        self.assertEqual(run("write", "--overlay", self.overlay, source, *self.members()).status, 0)
        names = [Path(file["path"]).name for file in self.writable()["files"]]
        self.assertEqual(names, ["nas-photos.img", "nas-photos-part1.img", "nas-photos-part2.img"])
        second = self.mount / names[2]
        self.assertEqual(second.stat().st_size, 20480 * 512)
        with open(second, "r+b") as file:
            file.write(b"here")
        self.unmounted()
        self.assertEqual(self.content()[16384 * 512:][:4], b"here")

    def test_writes_behind_the_end_are_refused_and_what_goes_over_it_is_cut(self):
        self.writable()
        with open(self.file, "r+b", buffering=0) as file:
            file.seek(SIZE - 100)
            self.assertEqual(file.write(bytes(300)), 100)
            self.told(errno.ENOSPC, lambda: file.write(b"x"))
            self.assertEqual(file.read(), b"")
            self.told(errno.EPERM, lambda: file.truncate(100))
            file.truncate(SIZE)

    def test_while_a_program_has_a_file_open_it_stays_mounted(self):
        self.writable()
        with open(self.file, "r+b", buffering=0) as file:
            self.refused(3, "umount", self.mount, saying="still in use")
            file.write(b"still here")
        self.unmounted()
        self.assertEqual(self.content()[:10], b"still here")

    def test_what_somebody_uses_already_is_refused(self):
        (self.mount).mkdir()
        (self.mount / "something").write_text("")
        self.refused(3, "mount", self.mount, *self.members(), saying="not an empty folder")
        (self.mount / "something").unlink()
        self.mount.rmdir()
        self.writable()
        self.refused(3, "mount", self.mount, *self.members(), saying="mounted there already")
        other = Path(self.scratch.name) / "other"
        self.refused(3, "mount", other, "--overlay", self.overlay, *self.members(), saying="in use")
        self.assertFalse(other.exists())
        self.refused(1, "umount", self.folder, saying="Nothing of Bitmend is mounted")
        self.refused(1, "mount", Path(self.scratch.name) / "not" / "there", *self.members(), saying="cannot be mounted on")
        self.refused(2, "mount", saying="Name an empty folder")
        self.refused(1, "mount", other, self.spare, saying="No array")

    def test_a_folder_may_be_reached_by_a_link(self):
        real = Path(self.scratch.name) / "real"
        real.mkdir()
        self.mount.symlink_to(real)
        self.result("mount", self.mount, *self.members())
        self.assertEqual((real / "nas-photos.img").stat().st_size, SIZE)
        self.assertEqual(run("umount", self.mount).status, 0)
        self.assertIsNone(server_of(real))
        self.assertTrue(real.is_dir())

    def test_in_place_the_members_are_written(self):
        self.result("resync", "--in-place", *self.members())
        self.result("mount", self.mount, "--in-place", *self.members())
        with open(self.file, "r+b") as file:
            file.write(b"on the members")
        self.unmounted()
        for left_out in self.members():
            outcome = run("read", "--without", left_out, "--length", 14, "--output", "-", *self.members())
            self.assertEqual(outcome.raw, b"on the members", outcome.complaints)

    def test_a_copy_in_another_mount_namespace_does_not_keep_it(self):
        self.writable()
        with open(self.file, "r+b") as file:
            file.write(b"before")
        script = 'exec 3< "$1"; echo ready; cat; cat <&3 > /dev/null'
        other = subprocess.Popen(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", str(self.file)],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(other.kill)
        if other.stdout.readline() != b"ready\n":
            self.skipTest("there are no mount namespaces here")
        server = server_of(self.mount)
        self.unmounted()
        self.assertFalse(Path(f"/proc/{server}/fd").exists() and os.listdir(f"/proc/{server}/fd"))
        self.assertEqual(self.content()[:6], b"before")
        other.communicate(timeout=WAIT)
        self.assertNotEqual(other.returncode, 0)  # what it had open is gone

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "needs a mount namespace")
    def test_umount_says_that_the_array_is_not_clean_and_why(self):
        outcome = ctl.run_over_full_overlay(self.scratch.name, [], self.mount, self.members(),
                                            f"dd if=/dev/zero of={self.file} bs=1M count=9 conv=notrunc 2> /dev/null")
        self.assertEqual((outcome.status, outcome.text), (1, ""), outcome.complaints)
        self.assertRegex(outcome.complaints[0], r"^bitmendctl: There is no space left for .*\.$")

    def test_in_the_foreground_an_interrupt_ends_it(self):
        process = subprocess.Popen([ctl.CTL, "mount", "--foreground", "--overlay", str(self.overlay), str(self.mount),
                                    *map(str, self.members())], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.wait(lambda: server_of(self.mount) == process.pid)
        self.wait(self.file.exists)
        with open(self.file, "r+b", buffering=0) as file:
            file.write(b"before the end")
        process.send_signal(signal.SIGINT)
        output, complaints = process.communicate(timeout=WAIT)
        self.assertEqual((process.returncode, complaints), (0, b""))
        self.assertIn(b"is mounted at", output)
        self.assertIsNone(server_of(self.mount))
        self.assertEqual(self.content()[:14], b"before the end")


if __name__ == "__main__":
    unittest.main()
