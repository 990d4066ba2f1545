# SPDX-License-Identifier: MIT
"""Web servers from the shipped files, several beside each other.

Each has a port, a socket and directories of its own; all else that differs
from what is shipped is said by changes."""
import os
import shutil
import sys

BUILD = os.environ["PXESRV_BENCH_BUILD"]
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, "tests", "blackbox"))

import deployments  # noqa: E402
import place  # noqa: E402
from place import Program, until  # noqa: E402
from responder import Responder, accepts  # noqa: E402
from tree import Tree  # noqa: E402

NULL = place.LIBEXEC + "/null"
LOAD = os.path.join(BUILD, "tests/bench/load")
DECISION = os.path.join(BUILD, "tests/bench/decision")


def install():
    """Puts the programs to compare with beside the others."""
    os.makedirs(NULL, exist_ok=True)
    for built, name in (("null.fcgi", "pxesrv.fcgi"),
                        ("null.cgi", "pxesrv.cgi"), ("floor", "floor")):
        shutil.copy(os.path.join(BUILD, "tests/bench", built),
                    os.path.join(NULL, name))


def fresh_tree(entries):
    """An empty tree with these entries, of the responder's user."""
    os.chown(place.ROOT, *place.OWNER)
    tree = Tree(place.ROOT, place.OWNER)
    tree.clear()
    tree.make(entries)
    return tree


class started:
    """Starts setups, and ends them all."""

    def __init__(self, *setups):
        self.setups = setups

    def __enter__(self):
        for number, setup in enumerate(self.setups):
            try:
                setup.start()
            except BaseException:
                self.setups = self.setups[:number]
                self.__exit__()
                raise
        return self.setups

    def __exit__(self, *_):
        for setup in self.setups:
            setup.stop()


class Floor(Program):
    """The least that can answer."""

    def __init__(self, path):
        super().__init__([NULL + "/floor", path], path + ".stderr",
                         **place.AS_USER)
        self.path = path
        until(lambda: accepts(path), "its socket")

    def stop(self):
        self.end()


class Setup:
    """Comes before a deployment that it makes one of many."""

    next_port = 4567

    def __init__(self, name, program=place.FCGI, changes=()):
        directory = os.path.join(place.SERVERS, name)
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, 0o777)
        super().__init__(directory)
        self.port = Setup.next_port
        Setup.next_port += 1
        self.program = program
        self.socket = f"/run/pxesrv/{name}.sock"
        self.changes = list(changes)
        self.unseen = {old for old, _ in changes}

    def change(self, text):
        """Its own places, which not every file has; and what is asked for,
        which must be there."""
        for old, new in self.changes:
            if old in text:
                self.unseen.discard(old)
                text = text.replace(old, new)
        for old, new in ((":4567", f":{self.port}"),
                         ("listen 4567", f"listen {self.port}"),
                         ("Listen 4567", f"Listen {self.port}"),
                         (place.SOCKET, self.socket),
                         (place.SERVERS + "/", self.directory + "/")):
            text = text.replace(old, new)
        return text.replace(self.directory + "/" + os.path.basename(
            self.directory), self.directory)

    def start_responder(self):
        if self.program.endswith("/floor"):
            self.responder = Floor(self.socket)
        else:
            self.responder = Responder(
                self.stderr("responder"), path=self.socket,
                program=(self.program,))

    def start(self):
        super().start()
        assert not self.unseen, f"not in any file: {self.unseen}"


class Nginx(Setup, deployments.Nginx):
    def __init__(self, name, program=place.FCGI, workers=1, keep=True,
                 changes=()):
        changes = [("worker_processes 2", f"worker_processes {workers}"),
                   ("worker_connections 1024", "worker_connections 20000"),
                   *changes]
        if not keep:
            changes += [("fastcgi_keep_conn on", "fastcgi_keep_conn off"),
                        ("keepalive 256;", "")]
        super().__init__(name, program, changes)


class Lighttpd(Setup, deployments.Lighttpd):
    """One that does not close a connection after a hundred requests."""

    def __init__(self, name, program=place.FCGI, changes=()):
        many = "server.max-keep-alive-requests = 65535"
        super().__init__(name, program, [
            ("server.port =", f"{many}\n            server.port ="), *changes])


class ApacheFcgi(Setup, deployments.ApacheFcgi):
    """One that does not close a connection after a hundred requests."""

    def __init__(self, name, program=place.FCGI):
        super().__init__(name, program, [
            ("ServerName", "MaxKeepAliveRequests 0\nServerName")])


class ApacheCgi(Setup, deployments.ApacheCgi):
    pass


class LighttpdCgi(Setup, deployments.Lighttpd):
    """lighttpd, which runs the CGI program for each request."""

    files = []
    uses_socket = False

    def __init__(self, name, program=place.CGI):
        super().__init__(name, program)

    def command(self):
        main = self.write("lighttpd.conf", f"""
            server.port = {self.port}
            server.document-root = "{place.ROOT}"
            server.errorlog = "{self.directory}/error.log"
            server.modules = ("mod_cgi", "mod_alias", "mod_setenv")
            setenv.add-environment = ("PXESRV_ROOT" => "{place.ROOT}")
            alias.url = ("/redirect" => "{self.program}")
            $HTTP["url"] == "/redirect" {{
                cgi.assign = ("" => "")
            }}
            """)
        return ["lighttpd", "-D", "-f", main]
