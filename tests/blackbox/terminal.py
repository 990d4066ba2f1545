# SPDX-License-Identifier: MIT
"""pxesrvctl on a terminal."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading

import place


class Terminal:
    """One of so many columns. What is shown is read all the time, so that the
    program never waits for a reader. Used in a with statement, the program is
    killed at its end."""

    def __init__(self, columns, *arguments, env=None):
        self.main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, columns, 0, 0))
        self.shown, self.is_over = "", False
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            [place.CTL, *arguments], stdin=side, stdout=side, stderr=side,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env=place.clean_env(PXESRV_ROOT=place.ROOT, TERM="xterm",
                                **(env or {})))
        os.close(side)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        while True:
            try:
                piece = os.read(self.main, 65536)
            except OSError:  # EIO: the program has ended
                piece = b""
            with self.changed:
                self.shown += piece.decode(errors="replace")
                self.is_over = not piece
                self.changed.notify_all()
            if not piece:
                return

    def shows(self, pattern, within=place.PATIENCE):
        """Waits until it has shown this."""
        def is_shown():
            return re.search(pattern, self.shown)

        with self.changed:
            self.changed.wait_for(lambda: is_shown() or self.is_over, within)
            assert is_shown(), f"{pattern!r}: not in {self.shown[-3000:]!r}"

    def type(self, keys):
        os.write(self.main, keys)

    def end(self):
        """Waits for the program. Its exit status."""
        status = self.process.wait(place.PATIENCE)
        self.reader.join()
        return status

    def screen(self):
        """What the lines of the screen say in the end."""
        lines = []
        for line in self.shown.replace("\r\n", "\n").split("\n"):
            text = re.split(r"\r", line)[-1]
            lines.append(re.sub(r"\x1b\[\d*[mK]", "", text))
        return lines

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.end()
        os.close(self.main)
