#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The man pages are good roff, and each option and command of bitmendctl is in its page."""

import argparse
import re
import subprocess
import sys

import sources

PAGES = ("app/bitmend.1", "app/ctl/bitmendctl.1")


def roff_complaints(page):
    done = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", page], cwd=sources.TOP, capture_output=True, text=True)
    return done.stderr.splitlines()


def missing_words(ctl):
    text = (sources.TOP / "app/ctl/bitmendctl.1").read_text().replace("\\-", "-")
    overview = subprocess.run([ctl, "--help"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^  ([\w-]+)  ", overview, re.MULTILINE)
    for command in commands:
        helped = subprocess.run([ctl, command, "--help"], capture_output=True, text=True, check=True).stdout
        for word in [command, *re.findall(r"^  (--[\w-]+)", helped, re.MULTILINE)]:
            if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text):
                yield f"app/ctl/bitmendctl.1 does not mention {word} of {command}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ctl", help="the bitmendctl that was built")
    complaints = [line for page in PAGES for line in roff_complaints(page)]
    complaints += missing_words(parser.parse_args().ctl)
    sys.exit(sources.report(complaints))
