# SPDX-License-Identifier: MIT
"""pxesrvctl, as it is run."""
import collections
import json
import os
import pty
import re
import subprocess

import place

OK, FOUND, USAGE = 0, 1, 64


class Done:
    def __init__(self, process):
        self.status = process.returncode
        self.out, self.err = process.stdout, process.stderr
        self.lines = self.out.splitlines()

    def objects(self):
        return [json.loads(line) for line in self.lines]


def run(*arguments, stdin="", env=None, **how):
    """Runs it as whoever runs the tests."""
    how.setdefault("timeout", place.PATIENCE)
    return Done(subprocess.run(
        [place.CTL, *arguments], input=stdin, text=True, capture_output=True,
        errors="surrogateescape",
        env=place.clean_env(PXESRV_ROOT=place.ROOT, PXESRV_LOG=place.LOG,
                            **(env or {})), **how))


def good(*arguments, **how):
    """One that must succeed, and have nothing to complain about."""
    done = run(*arguments, **how)
    assert (done.status, done.err) == (OK, ""), (done.status, done.err)
    return done


def on_a_terminal(*arguments, **env):
    """What it shows there."""
    main, side = pty.openpty()
    process = subprocess.Popen(
        [place.CTL, *arguments], stdout=side, stderr=side,
        env=place.clean_env(PXESRV_ROOT=place.ROOT, TERM="xterm", **env))
    os.close(side)
    out = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:
            break
        if not piece:
            break
        out += piece
    os.close(main)
    process.wait(place.PATIENCE)
    return out.decode().replace("\r\n", "\n")


def under_strace(*options, command):
    return subprocess.run(
        ["strace", *options, place.CTL, *command], timeout=place.PATIENCE,
        env=place.clean_env(PXESRV_ROOT=place.ROOT), capture_output=True)


def calls_of(command, output):
    """Each system call that it makes: its name, and which of that name."""
    under_strace("-o", output, command=command)
    seen = collections.Counter()
    with open(output) as file:
        for name in re.findall(r"^(\w+)\(", file.read(), re.MULTILINE):
            seen[name] += 1
            if name not in ("execve", "exit_group"):
                yield name, seen[name]
