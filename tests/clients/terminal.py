# SPDX-License-Identifier: MIT
"""A terminal in which a shell waits for commands, as a user has it."""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time

from machine import as_text
from place import PATIENCE, SOURCE, clean_env


class Terminal:
    """Used in a with statement: what it has started ends with it."""

    columns, rows = 80, 30

    def __init__(self, **env):
        self.raw, self.begun = bytearray(), 0
        self.changed = threading.Condition()
        self.main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ,
                    struct.pack("4H", self.rows, self.columns, 0, 0))
        self.process = subprocess.Popen(
            ["setsid", "--ctty", "bash", "--norc", "--noprofile", "-i"],
            stdin=side, stdout=side, stderr=side, cwd=SOURCE,
            env=clean_env(TERM="xterm-256color", PS1="$ ", PS2="> ",
                          HISTFILE="", **env))
        os.close(side)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        self.has_prompt()

    def _read(self):
        while True:
            try:
                piece = os.read(self.main, 65536)
            except OSError:  # nobody has it open any more
                return
            with self.changed:
                self.raw += piece
                self.changed.notify_all()

    def shown(self):
        """The bytes since something was typed."""
        with self.changed:
            return bytes(self.raw[self.begun:])

    def shows(self, pattern, within=60):
        limit = time.monotonic() + within
        while True:
            text = as_text(self.shown(), 0)
            if found := re.search(pattern, text, re.MULTILINE):
                return found
            left = limit - time.monotonic()
            assert left > 0 and self.process.poll() is None, (
                f"the terminal does not show {pattern!r}:\n{text[-3000:]}")
            with self.changed:
                self.changed.wait(min(left, 0.5))

    def has_prompt(self, within=PATIENCE):
        self.shows(r"(^|\^C)[$>]\Z", within)

    def begin(self):
        """What was shown before counts no more."""
        with self.changed:
            self.begun = len(self.raw)

    def type(self, text):
        self.begin()
        os.write(self.main, text.encode())

    def run(self, commands):
        """Waits for each but for the last one."""
        *first, last = commands.splitlines()
        for line in first:
            self.type(line + "\n")
            self.has_prompt()
        self.type(last + "\n")

    def says(self, commands):
        """What the last one has said."""
        self.run(commands)
        self.has_prompt()
        return as_text(self.shown(), 0).split("\n", 1)[1]

    def switch_off(self):
        """The virtual machine that runs in it."""
        self.type("\1x")
        self.has_prompt()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # The keys that end QEMU, and those that end all else.
        self.type("\1x\3")
        try:
            self.has_prompt()
        finally:
            self._hang_up()

    def _hang_up(self):
        # The kernel then does so to what runs in the foreground.
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.reader.join(PATIENCE)
        os.close(self.main)
