#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An array for clients of network block devices, where nothing can be mounted: judged by those of libnbd."""

import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import time
import unittest
from pathlib import Path

import ctl
from ctl import DemoCase, run

SIZE = 32505856
WAIT = 20  # seconds for what takes a moment
OPTION = 0x49484156454F5054
GO = 7
SHELL = ["/usr/bin/python3", "-m", "nbd"]  # nbdsh would take whichever python3 comes first, with or without it


class Nbd(DemoCase):
    def setUp(self):
        super().setUp()
        self.mount = Path(self.scratch.name) / "mount"
        self.socket = self.mount / "nbd.sock"
        self.addCleanup(lambda: self.socket.exists() and run("umount", self.mount))

    def members(self):
        return [self.a, self.b]

    def served(self, *words, status=0):
        return self.result("mount", "--nbd", self.mount, *words, *self.members(), status=status)

    def writable(self):
        return self.served("--overlay", self.overlay)

    def unmounted(self, left=False):
        self.assertEqual(self.result("umount", self.mount),
                         {"schema": 1, "action": "umount", "folder": str(self.mount), "was_left_behind": left})

    def content(self, offset=0, length=SIZE):
        outcome = run("read", "--overlay", self.overlay, "--offset", offset, "--length", length, "--output", "-",
                      *self.members())
        self.assertEqual(outcome.status, 0, outcome.complaints)
        return outcome.raw

    def uri(self, name=""):
        return f"nbd+unix:///{name}?socket={self.socket}"

    def tool(self, *command, status=0):
        done = subprocess.run([*map(str, command)], capture_output=True, timeout=120, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def shell(self, script, name=""):
        """Python with libnbd's handle `h`, connected."""
        return self.tool(*SHELL, "-u", self.uri(name), "-c", script)

    def server(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.socket))
            return struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]

    def wait(self, until):
        end = time.monotonic() + WAIT
        while not until():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def test_a_client_copies_what_read_gives_and_cannot_write(self):
        before = self.state()
        served = self.served()
        self.assertEqual((served["writable"], served["files"], served["socket"]), (False, [], str(self.socket)))
        self.assertEqual(served["exports"], [{"name": "nas-photos", "uri": self.uri("nas-photos"), "size_bytes": SIZE}])
        copy = Path(self.scratch.name) / "copy"
        self.tool("nbdcopy", served["exports"][0]["uri"], copy)
        self.assertEqual(copy.read_bytes(), self.content())
        self.assertEqual(self.tool("nbdinfo", "--is", "read-only", self.uri()), b"")
        self.shell("""
assert h.is_read_only() and not h.can_trim() and not h.can_zero()
for call in lambda: h.pread(10, h.get_size() - 5), lambda: h.pread(512, h.get_size() + 512):
    try:
        h.set_strict_mode(0)
        call()
        raise SystemExit("not refused")
    except nbd.Error as error:
        assert error.errno == "EINVAL", error
try:
    h.pwrite(b"x", 0)
    raise SystemExit("not refused")
except nbd.Error as error:
    assert error.errno == "EPERM", error
""")
        self.unmounted()
        self.assertFalse(self.mount.exists())
        self.assertEqual(self.state(), before)

    def test_what_clients_write_is_on_the_members_when_umount_returns(self):
        before, content = self.state(), bytearray(self.content())
        self.writable()
        self.assertEqual((self.mount.stat().st_mode & 0o777, self.socket.stat().st_mode & 0o777), (0o700, 0o600))
        self.shell(f"""
import random
assert h.can_multi_conn() and h.can_fua() and h.can_flush() and h.can_zero() and not h.can_trim()
choice = random.Random(7)
for number in range(200):
    at, data = choice.randrange({SIZE}), choice.randbytes(choice.randint(1, 200_000))
    data = data[:{SIZE} - at]
    h.pwrite(data, at, nbd.CMD_FLAG_FUA if number % 20 == 0 else 0)
    if number % 30 == 0:
        h.flush()
    assert h.pread(len(data), at) == data
h.zero(3_000_000, 1_000_001)
h.zero(5_000, 11_000_001, nbd.CMD_FLAG_FUA | nbd.CMD_FLAG_NO_HOLE)
""")
        choice = random.Random(7)
        for _ in range(200):
            at, data = choice.randrange(SIZE), choice.randbytes(choice.randint(1, 200_000))
            content[at:at + len(data)] = data[:SIZE - at]
        content[1_000_001:4_000_001] = bytes(3_000_000)
        content[11_000_001:11_005_001] = bytes(5_000)
        # Everything at once, over several connections.
        image = Path(self.scratch.name) / "image"
        content[8_000_000:16_000_000] = random.Random(3).randbytes(8_000_000)
        image.write_bytes(content)
        self.tool("nbdcopy", "--connections=4", "--requests=64", "--flush", image, self.uri("nas-photos"))
        self.unmounted()
        self.assertEqual(self.content(), content)
        [array] = self.result("scan", "--overlay", self.overlay, *self.members())["arrays"]
        self.assertEqual([member["state"] for member in array["members"]], ["in_sync", "in_sync", "missing"])
        self.assertEqual(self.state(), before)

    def test_partitions_are_exports_of_their_own(self):
        table = bytearray(512)
        table[446:446 + 16] = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0x83, b"\0\3\0", 2048, 8192)
        table[446 + 16:446 + 32] = struct.pack("<B3sB3sII", 0, b"\0\4\0", 0x83, b"\0\5\0", 16384, 20480)
        table[510:] = b"\x55\xaa"
        source = Path(self.scratch.name) / "table"
        source.write_bytes(bytes(table) + bytes(1 << 20))
        self.assertEqual(run("write", "--overlay", self.overlay, source, *self.members()).status, 0)
        names = [export["name"] for export in self.writable()["exports"]]
        self.assertEqual(names, ["nas-photos", "nas-photos-part1", "nas-photos-part2"])
        listed = self.tool("nbdinfo", "--list", "--no-content", self.uri()).decode()
        self.assertEqual([line.split('"')[1] for line in listed.splitlines() if line.startswith("export=")], names)
        self.assertEqual(int(self.tool("nbdinfo", "--size", self.uri(names[2]))), 20480 * 512)
        self.shell("h.pwrite(b'here', 0, nbd.CMD_FLAG_FUA)", names[2])
        self.unmounted()
        self.assertEqual(self.content(16384 * 512, 4), b"here")

    def test_clients_that_go_in_the_middle_or_send_garbage_harm_nobody_else(self):
        content = self.content()
        self.writable()
        choice = random.Random(11)
        for number in range(40):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(self.socket))
                self.assertEqual(client.recv(18, socket.MSG_WAITALL)[:8], b"NBDMAGIC")
                client.sendall(struct.pack(">I", 3))
                if number % 2:
                    client.sendall(struct.pack(">QIIIH", OPTION, GO, 6, 0, 0))
                    client.recv(4096)
                    # The head of a write, and less than the bytes that it announces.
                    client.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 1, number, 4096 * number, 65536))
                    client.sendall(bytes(choice.randrange(65536)))
                else:
                    client.sendall(choice.randbytes(choice.randrange(4000)))
        self.shell("h.pwrite(b'still here', 100)")
        self.unmounted()
        self.assertEqual(self.content(), content[:100] + b"still here" + content[110:])

    def test_after_a_kill_what_was_flushed_is_there_and_the_socket_is_found_and_removed(self):
        self.result("resync", "--overlay", self.overlay, *self.members())
        for again in ("mount", "umount"):
            self.writable()
            self.shell("h.pwrite(b'flushed' * 50_000, 1_000_000); h.flush()")
            os.kill(self.server(), signal.SIGKILL)
            self.wait(lambda: self.refusing())
            self.assertEqual(self.content(1_000_000, 350_000), b"flushed" * 50_000)
            [array] = self.result("scan", "--overlay", self.overlay, *self.members())["arrays"]
            self.assertEqual(array["needs"], "resync")
            if again == "mount":
                self.result("resync", "--overlay", self.overlay, *self.members())
                self.writable()
                self.assertEqual(int(self.tool("nbdinfo", "--size", self.uri())), SIZE)
                self.unmounted()
            else:
                self.unmounted(left=True)
                self.assertFalse(self.socket.exists())
                self.refused(1, "umount", self.mount, saying="Nothing of Bitmend is mounted")

    def refusing(self):
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.socket)) != 0

    def test_what_somebody_uses_already_is_refused(self):
        self.writable()
        self.refused(3, "mount", "--nbd", self.mount, *self.members(), saying="mounted there already")
        other = Path(self.scratch.name) / "other"
        self.refused(3, "mount", "--nbd", other, "--overlay", self.overlay, *self.members(), saying="in use")
        self.refused(3, "mount", other, "--overlay", self.overlay, *self.members(), saying="in use")
        self.assertFalse(other.exists())
        client = subprocess.Popen([*SHELL, "-u", self.uri(), "-c", "print('here', flush=True); input(); h.pwrite(b'me', 0)"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(client.stdout.readline(), b"here\n")
        self.refused(3, "umount", self.mount, saying="still in use")
        client.communicate(b"\n", timeout=WAIT)
        self.assertEqual(client.returncode, 0)
        self.unmounted()
        self.assertEqual(self.content(0, 2), b"me")
        self.refused(1, "mount", "--nbd", other / "not" / "there", *self.members(), saying="cannot be mounted on")
        self.refused(1, "mount", "--nbd", Path(self.scratch.name) / ("long" * 40), *self.members(), saying="shorter path")

    def test_in_the_foreground_an_interrupt_ends_it(self):
        process = subprocess.Popen([ctl.CTL, "mount", "--nbd", "--foreground", "--overlay", str(self.overlay),
                                    str(self.mount), *map(str, self.members())], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.wait(self.socket.exists)
        self.shell("h.pwrite(b'before the end', 0)")
        process.send_signal(signal.SIGINT)
        output, complaints = process.communicate(timeout=WAIT)
        self.assertEqual((process.returncode, complaints), (0, b""))
        self.assertIn(f"is served at {self.socket}, to be read and written".encode(), output)
        self.assertIn(self.uri("nas-photos").encode(), output)
        self.assertIn(f"nbd-client -unix {self.socket} /dev/nbd0 -name nas-photos".encode(), output)
        self.assertFalse(self.mount.exists())
        self.assertEqual(self.content(0, 14), b"before the end")

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "needs a mount namespace")
    def test_where_there_is_no_fuse_the_socket_comes_by_itself_with_a_sentence(self):
        # A /dev with nothing in it but null.
        hidden = Path(self.scratch.name) / "dev"
        hidden.mkdir()
        (hidden / "null").touch()
        script = f'mount --bind /dev/null {hidden}/null && mount --rbind {hidden} /dev && exec "$@"'
        outcome = run("mount", "--overlay", self.overlay, self.mount, *self.members(),
                      before=["unshare", "-m", "sh", "-c", script, "sh"])
        self.assertEqual(outcome.status, 0, outcome.complaints)
        self.assertEqual(len(outcome.complaints), 1)
        self.assertRegex(outcome.complaints[0], r"^bitmendctl: Nothing can be mounted here .* instead, as with --nbd\.$")
        self.assertIn(f"is served at {self.socket}", outcome.text)
        self.shell("h.pwrite(b'without', 0)")
        self.unmounted()
        self.assertEqual(self.content(0, 7), b"without")

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "needs a mount namespace")
    def test_umount_says_that_the_array_is_not_clean_and_why(self):
        outcome = ctl.run_over_full_overlay(
            self.scratch.name, ["--nbd"], self.mount, self.members(),
            f"/usr/bin/python3 -m nbd -u '{self.uri()}' -c 'h.pwrite(bytes(10_000_000), 0)' 2> /dev/null")
        self.assertEqual((outcome.status, outcome.text), (1, ""), outcome.complaints)
        self.assertEqual(len(outcome.complaints), 1, outcome.complaints)
        self.assertRegex(outcome.complaints[0], r"^bitmendctl: There is no space left for .*\.$")

    def test_umount_says_when_the_server_is_lost_on_the_way(self):
        self.writable()
        server = self.server()
        os.kill(server, signal.SIGSTOP)
        umount = subprocess.Popen([ctl.CTL, "umount", str(self.mount)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        abstract = f"@bitmendctl-{server}"
        self.wait(lambda: Path("/proc/net/unix").read_text().count(abstract) == 2)  # it has connected
        os.kill(server, signal.SIGKILL)
        output, complaints = umount.communicate(timeout=WAIT)
        self.assertEqual((umount.returncode, output), (1, b""))
        self.assertRegex(complaints.decode(), r"^bitmendctl: The program that served .* ended before .*\.\n$")
        self.unmounted(left=True)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs another user")
    def test_without_fusermount3_others_than_root_get_the_socket_and_cannot_unmount_files(self):
        Path(self.scratch.name).chmod(0o777)
        Path(self.pristine.name).chmod(0o755)
        files = Path(self.scratch.name) / "files"
        script = f"""
as="setpriv --reuid=65534 --regid=65534 --clear-groups" ctl=$1 socket=$2 files=$3
helper=$(readlink -f "$(command -v fusermount3)")
shift 3
$as "$ctl" mount "$files" "$@" > {self.scratch.name}/said || exit 91
mount --bind /dev/null "$helper" || exit 92
$as "$ctl" mount "$socket" "$@" && $as "$ctl" umount "$socket"
$as "$ctl" umount "$files" && exit 93
umount "$helper"
$as "$ctl" umount "$files"
"""
        outcome = ctl.Outcome(subprocess.run(
            [*map(str, ["unshare", "-m", "sh", "-c", script, "sh", ctl.CTL, self.mount, files, *self.members()])],
            capture_output=True, timeout=120, check=False))
        self.assertEqual(outcome.status, 0, outcome.complaints)
        self.assertIn(f"is served at {self.socket}, to be read:", outcome.text)
        self.assertIn(f"{files} is unmounted.", outcome.text)
        self.assertEqual([line.split(":")[0] for line in outcome.complaints], ["bitmendctl"] * 2, outcome.complaints)
        self.assertIn("Nothing can be mounted here", outcome.complaints[0])
        self.assertIn("stays mounted: without the program fusermount3", outcome.complaints[1])

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs another user")
    def test_others_do_not_get_in(self):
        self.writable()
        Path(self.scratch.name).chmod(0o755)
        self.mount.chmod(0o755)
        self.tool("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "nbdinfo", self.uri(), status=1)
        outcome = run("umount", self.mount, before=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
        self.assertNotEqual(outcome.status, 0)
        self.assertEqual(int(self.tool("nbdinfo", "--size", self.uri())), SIZE)


if __name__ == "__main__":
    unittest.main()
