# SPDX-License-Identifier: MIT
"""pxesrvctl wait, while it waits."""
import os
import re
import select
import subprocess

import place
from place import until

CLOCK = r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d"  # in its lines


def is_asleep(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "S"


class Waiting:
    """One that waits. It has looked once, and is asleep."""

    def __init__(self, *arguments, env=None, before=(), **how):
        how.setdefault("stdout", subprocess.PIPE)
        self.process = subprocess.Popen(
            [*before, place.CTL, "wait", *arguments], text=True,
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            env=place.clean_env(PXESRV_ROOT=place.ROOT, **(env or {})), **how)
        until(lambda: self.waits() or self.process.poll() is not None,
              "it waits")

    @property
    def pid(self):
        """Under strace, that of the program itself."""
        children = place.children_of(self.process.pid)
        return children[0] if children else self.process.pid

    def waits(self):
        """It opens the descriptor for signals before it looks."""
        try:
            return (place.has_open(self.pid, "anon_inode:[signalfd]")
                    and is_asleep(self.pid))
        except (FileNotFoundError, ProcessLookupError):
            return False

    def by_inotify(self):
        return place.has_open(self.pid, "anon_inode:inotify")

    def wakes(self):
        """How often it has slept so far."""
        with open(f"/proc/{self.pid}/status") as file:
            return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)",
                                 file.read(), re.MULTILINE)[1])

    def line(self):
        """The next that it prints."""
        ready, _, _ = select.select([self.process.stdout], [], [],
                                    place.PATIENCE)
        assert ready, "it prints nothing"
        return self.process.stdout.readline().rstrip("\n")

    def end(self, *signals):
        for number in signals:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=place.PATIENCE)
        return self.process.returncode, out.splitlines(), err.splitlines()
