# SPDX-License-Identifier: MIT
"""Two boot servers on one tree, with one address that keepalived moves.

Each server has network and mount namespaces of its own, with its own /run and
/var/log. docs/howto/several-servers.md says how keepalived gets its file. The machines
ask from this namespace, where the bridge is."""
import os
import re
import shutil
import signal
import subprocess

import place
from place import CONF, Program, until
from responder import accepts

BRIDGE = "boot0"
PORT = 4567
ADDRESS = "10.77.0.2"
ETC = "/etc/keepalived"
# What tests/sandbox has mounted is private. To make it so again fails in a chroot.
APART = ("unshare", "-mn", "--propagation", "unchanged")
# What the site changes in the shipped file.
SITE = {"192.0.2.1/24": f"{ADDRESS}/16"}
# Before the commands of the page, in a mount namespace for them alone: the package is
# there, and the others do what is done already or comes later.
INSTALLED = f"""
mount -t tmpfs tmpfs /usr/share
mkdir -p /usr/share/pxesrv/conf
mount --bind {CONF} /usr/share/pxesrv/conf
sudo() {{ "$@"; }}
apt() {{ [ "$*" = "install keepalived nftables curl" ]; }}
systemctl() {{ [ "$*" = "enable --now keepalived" ]; }}
"""


def ip(*arguments, at=()):
    done = subprocess.run([*at, "ip", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def refused():
    """Why it can't be tried here; None when it can."""
    for program in "keepalived", "nft", "curl":
        if not shutil.which(program, path=place.clean_env()["PATH"]):
            return f"no {program} here"
    if not place.AS_ROOT:
        return "bridges and keepalived need root"
    done = subprocess.run([*APART, "ip", "link", "add", "x", "type", "bridge"],
                          capture_output=True, text=True)
    return done.stderr.strip() or None


def commands():
    """Those of the page."""
    with open(os.path.join(place.SOURCE, "docs", "howto",
                           "several-servers.md")) as file:
        section = re.search(r"^## One address for two servers\n(.*?)^#",
                            file.read(), re.MULTILINE | re.DOTALL)[1]
    return re.sub("^    ", "", "\n".join(
        re.findall(r"^    .*", section, re.MULTILINE)), flags=re.MULTILINE)


class Server:
    def __init__(self, letter, own):
        self.letter, self.own = letter, own
        self.veth = f"server{letter}"
        self.run = f"/run/server-{letter}"  # its /run
        self.programs = {}
        for name in "log", "pxesrv", "nginx/conf.d", "nginx/snippets":
            os.makedirs(f"{self.run}/{name}")
        for name in "log", "pxesrv":
            os.chmod(f"{self.run}/{name}", 0o777)
        # Debian 13 has a file there that keepalived needs.
        shutil.copytree(ETC, f"{self.run}/keepalived")
        self.write_nginx()
        self.holder = Program(
            [*APART, "sh", "-euc", f"""
                mount --bind {self.run}/log /var/log
                mount --bind {self.run}/keepalived {ETC}
                mount --bind {self.run} /run
                ip link set lo up
                touch /run/ready
                exec sleep infinity"""], f"{self.run}/holder.stderr")
        until(lambda: os.path.exists(f"{self.run}/ready") or
              not self.holder.is_running(), "its namespaces")
        assert self.holder.is_running(), self.holder.messages()
        self.inside = ("nsenter", "-t", str(self.holder.pid), "-m", "-n", "-r")
        ip("link", "add", self.veth, "type", "veth", "peer", "name", "eth0",
           "netns", str(self.holder.pid))
        self.ip("link", "set", "eth0", "up")
        self.write_keepalived(SITE)

    def write_nginx(self):
        for source, name in (("upstream.conf", "conf.d/pxesrv-upstream.conf"),
                             ("server.conf", "conf.d/pxesrv.conf"),
                             ("pxesrv.conf", "snippets/pxesrv.conf")):
            shutil.copy(f"{CONF}/nginx/{source}", f"{self.run}/nginx/{name}")
        with open(f"{self.run}/nginx/nginx.conf", "w") as file:
            file.write("""
                daemon off;
                user www-data;
                worker_processes 2;
                pid /run/nginx.pid;
                error_log /var/log/nginx-error.log;
                events { worker_connections 1024; }
                http {
                    include /etc/nginx/mime.types;
                    access_log off;
                    client_body_temp_path /run/body;
                    fastcgi_temp_path /run/fastcgi;
                    proxy_temp_path /run/proxy;
                    scgi_temp_path /run/scgi;
                    uwsgi_temp_path /run/uwsgi;
                    include /run/nginx/conf.d/*.conf;
                }""")

    def write_keepalived(self, changes):
        """By the page. Of each change the left side stands there once."""
        subprocess.run([*self.inside, *APART, "sh", "-euc",
                        INSTALLED + commands()], check=True)
        path = f"{self.run}/keepalived/keepalived.conf"
        with open(path) as file:
            text = file.read()
        for example, own in changes.items():
            assert text.count(example) == 1, example
            text = text.replace(example, own)
        with open(path, "w") as file:
            file.write(text)

    def ip(self, *arguments):
        return ip(*arguments, at=self.inside)

    def nft(self, *arguments):
        return subprocess.run([*self.inside, "nft", *arguments], check=True,
                              capture_output=True, text=True).stdout

    def begin(self, name, *command, **env):
        if os.path.exists(f"{self.run}/{name}.stderr"):
            os.unlink(f"{self.run}/{name}.stderr")
        self.programs[name] = Program(
            [*self.inside, *command], f"{self.run}/{name}.stderr",
            env=place.clean_env(**env))

    def start_responder(self):
        socket = f"{self.run}/pxesrv/fcgi.sock"
        if os.path.exists(socket):
            os.unlink(socket)
        uid, gid = place.OWNER
        self.begin("responder", "setpriv", f"--reuid={uid}", f"--regid={gid}",
                   "--clear-groups", place.FCGI, "-s", "/run/pxesrv/fcgi.sock",
                   "-m", "0666", PXESRV_ROOT=place.ROOT)
        self.wait("responder", lambda: accepts(socket))

    def start_nginx(self):
        self.begin("nginx", "nginx", "-e", "/var/log/nginx-error.log", "-c",
                   "/run/nginx/nginx.conf")
        self.wait("nginx", lambda: f":{PORT} " in self.listening())

    def start_keepalived(self):
        """As Debian's unit does, with the log here."""
        self.begin("keepalived", "keepalived", "--dont-fork", "--log-console",
                   "--log-detail")
        self.wait("keepalived", lambda: "Startup complete" in self.said())

    def wait(self, name, condition):
        one = self.programs[name]
        until(lambda: condition() or not one.is_running(), name)
        assert one.is_running(), one.messages()

    def listening(self):
        return subprocess.run([*self.inside, "ss", "-ltn"], check=True,
                              capture_output=True, text=True).stdout

    def said(self):
        """What keepalived has logged since it began."""
        return self.programs["keepalived"].messages()

    def connect(self):
        """To the network, with its own address."""
        self.ip("address", "flush", "dev", "eth0", "scope", "global")
        self.ip("address", "add", f"{self.own}/16", "dev", "eth0")
        ip("link", "set", self.veth, "master", BRIDGE, "up")

    def start(self):
        self.connect()
        self.start_responder()
        self.start_nginx()
        self.start_keepalived()

    def is_well(self):
        """Whether its checks say so, and its link."""
        said = self.said()
        states = re.findall(r"Entering (\w+) STATE", said)
        priorities = re.findall(r"Changing effective priority .* to (\d+)", said)
        return states[-1:] in (["BACKUP"], ["MASTER"]) and \
            priorities[-1:] in ([], ["100"])

    def has_address(self):
        return f"inet {ADDRESS}/" in self.ip("address", "show", "dev", "eth0")

    def kill(self, *names):
        """These programs and what they have started, at once."""
        ones = [self.programs.pop(name) for name in names]
        for one in ones:
            children = place.children_of(one.pid)
            for pid in (one.pid, *children):
                os.kill(pid, signal.SIGKILL)
        for one in ones:
            one.process.wait()

    def lose_power(self):
        """It is off the network and dead, without a last word."""
        ip("link", "set", self.veth, "nomaster")
        self.kill(*self.programs)

    def stop_nginx(self):
        """As systemctl stop does: answers that are under way are finished."""
        self.programs.pop("nginx").end(signal.SIGQUIT)

    def stop_keepalived(self):
        """As systemctl stop does."""
        self.programs.pop("keepalived").end()

    def log(self):
        """PXESrv's."""
        with open(f"{self.run}/log/pxesrv.log") as file:
            return file.read()

    def stop(self):
        for one in reversed(self.programs.values()):
            one.end()
        self.holder.end(signal.SIGKILL)

    def complaints(self):
        """What keepalived has against its file: it names the line."""
        return re.findall(r"^.*(?:\(Line \d+\)|SECURITY|WARNING).*$",
                          self.said(), re.MULTILINE)


class Site:
    def __init__(self):
        ip("link", "add", BRIDGE, "type", "bridge", "stp_state", "0",
           "forward_delay", "0")
        ip("address", "add", "10.77.0.1/16", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        self.servers = [Server(letter, f"10.77.0.1{n}")
                        for n, letter in enumerate("AB", 1)]

    def holder(self):
        """Who has the address, and the other one."""
        def found():
            having = [one for one in self.servers if one.has_address()]
            return having if len(having) == 1 else None
        one, = until(found, "one server has the address")
        other, = (server for server in self.servers if server is not one)
        return one, other

    def stop(self):
        for server in self.servers:
            ip("link", "delete", server.veth)
            server.stop()
        ip("link", "delete", BRIDGE)
