# SPDX-License-Identifier: MIT
"""An nginx that somebody has, with servers of his own, each on a port of its own."""
import os
import shutil
import socket
import subprocess

import place
from dropin import TREE, make_owned
from place import CONF, ROOT, Program, until
from responder import Responder
from tree import Link

DIRECTORY = os.path.join(place.SERVERS, "dropin")
ROUTES = "include snippets/pxesrv.conf;"
PARAMS = "".join(f"fastcgi_param {name} {value};" for name, value in {
    "REQUEST_METHOD": "$request_method", "REQUEST_URI": "/redirect",
    "REMOTE_ADDR": "$remote_addr", "SERVER_PROTOCOL": "HTTP/1.1",
    "PXESRV_ROOT": ROOT}.items())
# What directives do is seen at static files, and where the server has something
# else that asks PXESrv.
OTHERS = f"""
    location = /other {{ fastcgi_pass pxesrv; {PARAMS} }}
    location = /bare {{ fastcgi_pass pxesrv; }}
    location = /auth/403 {{ return 403; }}
    location = /auth/401 {{ proxy_pass http://127.0.0.1:20000/secret; }}
    location = /secret {{ auth_basic x; auth_basic_user_file /dev/null; }}
    location = /a/b {{ return 204; }}
    location = /mirror {{ internal; log_subrequest on;
                          access_log {DIRECTORY}/mirror.log; return 204; }}
"""


def row_server(before, after=""):
    """A server with these directives, before and after the routes."""
    text = f"{before} {ROUTES} {after} {OTHERS}"
    for needed in f"root {ROOT};", "default_type text/plain;":
        if needed.split()[0] + " " not in before + after:
            text = needed + text
    return text


class Owned:
    """An nginx with these servers, by their names."""

    def __init__(self, servers, http="", env=None):
        self.ports = {what: 20000 + n for n, what in enumerate(servers)}
        self.servers, self.http, self.env = servers, http, env
        shutil.rmtree(DIRECTORY, ignore_errors=True)
        os.makedirs(DIRECTORY + "/snippets")
        os.makedirs(DIRECTORY + "/store")
        for path in (DIRECTORY, DIRECTORY + "/store"):
            os.chmod(path, 0o777)
        for source, to in (("upstream.conf", "upstream.conf"),
                           ("server.conf", "server.conf"),
                           ("pxesrv.conf", "snippets/pxesrv.conf")):
            shutil.copy(f"{CONF}/nginx/{source}", f"{DIRECTORY}/{to}")
        self.file = f"{DIRECTORY}/nginx.conf"
        self.write()

    def write(self):
        servers = "".join(
            f"server {{ listen 127.0.0.1:{self.ports[what]}; {text} }}\n"
            for what, text in self.servers.items())
        paths = "".join(f"{kind}_temp_path {DIRECTORY}/{kind};" for kind in (
            "client_body", "fastcgi", "proxy", "scgi", "uwsgi"))
        with open(self.file, "w") as file:
            file.write(f"""
                daemon off;
                {"user www-data;" if place.AS_ROOT else ""}
                pid {DIRECTORY}/nginx.pid;
                error_log {DIRECTORY}/error.log;
                events {{ worker_connections 1024; }}
                http {{
                    access_log off;
                    include /etc/nginx/mime.types;
                    include /etc/nginx/koi-utf;
                    {paths}
                    fastcgi_cache_path {DIRECTORY}/cache keys_zone=pages:1m;
                    limit_req_zone $server_port zone=many:1m rate=1000r/s;
                    limit_req_zone $server_port zone=one:1m rate=1r/m;
                    limit_conn_zone $server_port zone=conns:1m;
                    include upstream.conf;
                    {self.http}
                    {servers}
                }}""")

    def command(self):
        return ["nginx", "-e", f"{DIRECTORY}/error.log", "-c", self.file]

    def refused(self):
        """What nginx has against it; nothing as a rule."""
        done = subprocess.run([*self.command(), "-t"], capture_output=True,
                              text=True, check=False)
        return done.stderr if done.returncode else ""

    def start(self):
        assert not self.refused(), self.refused()
        self.responder = Responder(DIRECTORY + "/responder.stderr",
                                   arguments=["-m", "0666"], env=self.env)
        self.server = Program(self.command(), DIRECTORY + "/nginx.stderr")
        until(lambda: self.answers() or not self.server.is_running(), "nginx")
        assert self.server.is_running(), self.server.messages()

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", 20000)):
                return True
        except OSError:
            return False

    def stop(self):
        self.server.end()
        self.responder.stop()


def fill(tree):
    tree.make({**TREE, "page.html": "<p>page\n", "packed": "x" * 100,
               "packed.gz": b"\x1f\x8b", "link": Link("os/boot")})


def make_dated(tree):
    """In listings a time of its own would be another one each time."""
    make_owned(tree)
    for directory, names, files in os.walk(ROOT):
        for name in names + files:
            os.utime(os.path.join(directory, name), (10**9, 10**9),
                     follow_symlinks=False)
    os.utime(ROOT, (10**9, 10**9))
