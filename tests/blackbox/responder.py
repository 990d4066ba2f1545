# SPDX-License-Identifier: MIT
"""pxesrv.fcgi, on its own."""
import os
import select
import socket

import place
from place import Program, clean_env, until


def accepts(path):
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(path)
            return True
        except OSError:
            return False


class Responder(Program):
    """A responder on a socket that it makes itself."""

    def __init__(self, stderr, path=place.SOCKET, arguments=(), env=None,
                 program=(place.FCGI,), **how):
        self.path = path
        variables = {"PXESRV_ROOT": place.ROOT, "PXESRV_LOG": place.LOG}
        variables.update(env or {})
        for name in [n for n, value in variables.items() if value is None]:
            del variables[name]
        super().__init__([*program, "-s", path, *arguments], stderr,
                         env=clean_env(**variables),
                         **{**place.AS_USER, **how})
        until(lambda: (accepts(path) and self.takes_requests())
              or not self.is_running(), "its start")
        assert self.is_running(), self.messages()

    def watched(self):
        """The events that its epoll waits for, of each descriptor there."""
        directory = f"/proc/{self.pid}/fd"
        for fd in os.listdir(directory):
            try:
                if os.readlink(f"{directory}/{fd}") == "anon_inode:[eventpoll]":
                    with open(f"/proc/{self.pid}/fdinfo/{fd}") as info:
                        return [int(line.split()[3], 16) for line in info
                                if line.startswith("tfd:")]
            except FileNotFoundError:
                pass
        return []

    def takes_requests(self):
        """Whether its start is over: the socket comes last into its epoll."""
        return len(self.watched()) >= 2

    def sending(self):
        """How many of its answers wait for the peer to take more."""
        return sum(events & select.EPOLLOUT != 0 for events in self.watched())

    def is_sending(self):
        return self.sending() > 0

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def memory(self, field="VmHWM"):
        """Bytes of memory, the most it ever had by default."""
        with open(f"/proc/{self.pid}/status") as file:
            for line in file:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
        raise AssertionError(field)

    def stop(self):
        """Ends it as a service manager does. It must be content."""
        status = self.end()
        assert status == 0, f"exit {status}: {self.messages()}"
        assert not os.path.exists(self.path), "the socket is left behind"
