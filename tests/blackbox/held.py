# SPDX-License-Identifier: MIT
"""A listening socket that outlives the responders that serve it."""
import os
import socket

import place
from place import Program, until


class HeldSocket:
    """Keeps the socket as systemd does, and starts responders on it."""

    def __init__(self, directory, path=place.SOCKET, env=None):
        self.stderr = os.path.join(directory, "held.stderr")
        self.path = path
        self.env = {"PXESRV_ROOT": place.ROOT, "PXESRV_LOG": place.LOG,
                    **(env or {})}
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.socket.listen(4096)
        self.running = []

    def start(self):
        """A responder that takes requests."""
        one = Program([place.FCGI], self.stderr, stdin=self.socket,
                      env=place.clean_env(**self.env), **place.AS_USER)
        self.running.append(one)
        until(lambda: place.has_open(one.pid, "anon_inode:[eventpoll]")
              or not one.is_running(), "its start")
        assert one.is_running(), one.messages()
        return one

    def close(self):
        for one in self.running:
            if one.is_running():
                one.end()
        self.socket.close()
        os.unlink(self.path)
