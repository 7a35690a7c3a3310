# SPDX-License-Identifier: Apache-2.0
"""What the tests of bitmendctl share: running it, the demo's images, damaged copies, the schema."""

import hashlib
import json
import os
import re
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
CTL = os.environ["BITMENDCTL"]
SCHEMA = json.loads((TOP / "resources/schema/bitmendctl.schema.json").read_text())
SUPERBLOCK = 4096  # where 1.2 keeps it
BITMAP = 8192  # where the demo has it


class Outcome:
    def __init__(self, done):
        self.status = done.returncode
        self.raw = done.stdout
        self.text = done.stdout.decode(errors="replace")
        self.complaints = done.stderr.decode(errors="replace").splitlines()


def run(*arguments, before=(), **options):
    command = [*map(str, before), CTL, *map(str, arguments)]
    if before:
        # Two cannot trace one process: where strace does, the leak sanitizer stands back.
        options["env"] = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
    return Outcome(subprocess.run(command, capture_output=True, timeout=120, check=False, **options))


def run_over_full_overlay(scratch, options, folder, members, write):
    """Mounts on an overlay whose file system gets full then, and has something written: what umount says to that."""
    script = f"""
ctl=$1 full=$2 folder=$3
shift 3
mkdir "$full" && mount -t tmpfs -o size=4M none "$full" || exit 91
"$ctl" mount {' '.join(options)} --overlay "$full/overlay" "$folder" "$@" > "$full/said" || exit 92
dd if=/dev/zero of="$full/fill" bs=4k 2> "$full/said"
{write}
exec "$ctl" umount "$folder"
"""
    command = ["unshare", "-m", "sh", "-c", script, "sh", CTL, Path(scratch) / "full", folder, *members]
    return Outcome(subprocess.run([*map(str, command)], capture_output=True, timeout=120, check=False))


def complaints_about(value, rule, where="$"):
    """A JSON value against the part of JSON Schema that our schema uses."""
    if "$ref" in rule:
        yield from complaints_about(value, SCHEMA["$defs"][rule["$ref"].split("/")[-1]], where)
        return
    if "anyOf" in rule:
        if all(any(True for _ in complaints_about(value, one, where)) for one in rule["anyOf"]):
            yield f"{where}: none of the alternatives fits"
        return
    if "const" in rule and value != rule["const"] or "enum" in rule and value not in rule["enum"]:
        yield f"{where}: {value!r} is not among the known words"
        return
    if "type" in rule and not any(is_a(value, kind) for kind in as_list(rule["type"])):
        yield f"{where}: {value!r} is not of type {rule['type']}"
        return
    if is_a(value, "integer") and not rule.get("minimum", value) <= value <= rule.get("maximum", value):
        yield f"{where}: {value} is out of range"
    if isinstance(value, str) and not re.search(rule.get("pattern", ""), value):
        yield f"{where}: {value!r} has another form"
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from complaints_about(item, rule.get("items", {}), f"{where}[{index}]")
    if isinstance(value, dict):
        properties = rule.get("properties", {})
        for name in set(rule.get("required", ())) - value.keys():
            yield f"{where}: {name} is missing"
        for name, item in value.items():
            if name in properties:
                yield from complaints_about(item, properties[name], f"{where}.{name}")
            elif rule.get("additionalProperties") is False:
                yield f"{where}: {name} is not in the schema"


def as_list(value):
    return value if isinstance(value, list) else [value]


def is_a(value, kind):
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kinds[kind])


def seal(block):
    """Puts the right checksum into a 1.x superblock."""
    max_dev = min(struct.unpack_from("<I", block, 220)[0], 1920)
    struct.pack_into("<I", block, 216, 0)
    total = sum(struct.unpack_from(f"<{(256 + 2 * max_dev) // 4}I", block))
    struct.pack_into("<I", block, 216, (total & 0xFFFFFFFF) + (total >> 32) & 0xFFFFFFFF)


def edit(image, offset, form, *values, sealed=True):
    """Changes fields of the 1.2 superblock of an image, by byte offset in it."""
    with open(image, "r+b") as file:
        file.seek(SUPERBLOCK)
        block = bytearray(file.read(4096))
        struct.pack_into(form, block, offset, *values)
        if sealed:
            seal(block)
        file.seek(SUPERBLOCK)
        file.write(block)


def poke(image, offset, content):
    with open(image, "r+b") as file:
        file.seek(offset)
        file.write(content)


class DemoCase(unittest.TestCase):
    """Each test has its own folder with the demo's images: disk-a.img, disk-b.img, spare.img."""

    @classmethod
    def setUpClass(cls):
        cls.pristine = tempfile.TemporaryDirectory(prefix="bitmendctl-")
        for packed in sorted((TOP / "resources/demo").glob("*.img.zst")):
            subprocess.run(["zstd", "-q", "-d", "--sparse", str(packed), "-o",
                            str(Path(cls.pristine.name) / packed.stem)], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.pristine.cleanup()

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="bitmendctl-")
        self.addCleanup(self.scratch.cleanup)
        self.folder = Path(self.scratch.name) / "images"
        self.folder.mkdir()
        for image in Path(self.pristine.name).iterdir():
            self.copy(image, image.name)
        self.a = self.folder / "disk-a.img"
        self.b = self.folder / "disk-b.img"
        self.spare = self.folder / "spare.img"
        self.overlay = Path(self.scratch.name) / "overlay"

    def copy(self, image, name):
        target = self.folder / name
        subprocess.run(["cp", "--sparse=always", str(image), str(target)], check=True)
        return target

    def result(self, command, *arguments, status=0, schema=None, **options):
        """Runs it with --json, checks the status and the schema, and gives the object."""
        outcome = run(command, "--json", *arguments, **options)
        self.assertEqual(outcome.status, status, outcome.complaints)
        value = json.loads(outcome.text)
        self.assertEqual(list(complaints_about(value, {"$ref": schema or command})), [])
        return value

    def refused(self, status, *arguments, saying, **options):
        """One clear sentence on standard error, nothing on standard output."""
        outcome = run(*arguments, **options)
        self.assertEqual((outcome.status, outcome.text), (status, ""), outcome.complaints)
        self.assertTrue(any(re.search(saying, line) for line in outcome.complaints), outcome.complaints)
        for line in outcome.complaints:
            self.assertRegex(line, r"^bitmendctl: .*\.$")
        return outcome

    def state(self):
        """What must never change: content and times of every image."""
        return {path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
                for path in sorted(self.folder.iterdir()) if path.is_file()}
