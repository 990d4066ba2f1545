# SPDX-License-Identifier: MIT
"""A running ./pxesrv."""
import contextlib
import glob
import http.client
import os
import re
import signal
import socket
import subprocess

from place import Program, children_of, clean_env, free_port, until


def install(where):
    """Installs what was built there, and returns the command."""
    subprocess.run(
        ["meson", "install", "--no-rebuild", "-C",
         os.environ["PXESRV_TESTS_BUILD"]],
        env={**os.environ, "DESTDIR": str(where)}, check=True,
        stdout=subprocess.DEVNULL)
    return glob.glob(f"{where}/**/bin/pxesrv", recursive=True)[0]


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None  # it has ended meanwhile


class Standalone(Program):
    """In a session of its own, and with a terminal if there is one."""

    def __init__(self, script, directory, *arguments, terminal=None, port=None,
                 preexec_fn=None, **env):
        self.port = port or free_port()
        self.out = directory / "stdout"
        how = {"start_new_session": True, "preexec_fn": preexec_fn}
        command = [script, "-p", str(self.port), *arguments]
        if terminal is not None:
            how = {"stdin": terminal}
            command = ["setsid", "--ctty", *command]
        with open(self.out, "wb") as out:
            super().__init__(command, str(directory / "stderr"), stdout=out,
                             cwd="/", env=clean_env(**env), **how)
        until(lambda: "redirect" in self.said() or not self.is_running(),
              "the URL")
        assert self.is_running(), self.said() + self.messages()

    def said(self):
        return self.out.read_text()

    def ask(self, path="/redirect", client="127.0.0.7"):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=20, source_address=(client, 0))
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, body

    def connect(self, path="/redirect", client="127.0.0.7"):
        """A client that asks, and takes nothing for now."""
        s = socket.socket()
        s.settimeout(20)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.bind((client, 0))
        s.connect(("127.0.0.1", self.port))
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: pxesrv\r\n\r\n".encode())
        return contextlib.closing(s)

    def takes_nobody(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionError:
            return True
        return False

    def interrupt(self):
        """As Ctrl-C does, which goes to all in the foreground."""
        os.killpg(self.pid, signal.SIGINT)

    def children(self):
        return children_of(self.pid)

    def all_children(self):
        """Those of the web server as well."""
        return [pid for child in self.children()
                for pid in [child, *children_of(child)]]

    def directory(self):
        """Where the web server writes; the command line names it."""
        for pid in self.children():
            with open(f"/proc/{pid}/cmdline") as file:
                found = re.search(r"/tmp/pxesrv\.\w+", file.read())
            if found:
                return found.group()
