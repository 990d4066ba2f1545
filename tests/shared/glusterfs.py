# SPDX-License-Identifier: MIT
"""A GlusterFS of three servers, and two mounts of its volume.

Called by tests/shared/gluster, in namespaces where /run, /srv and the directories of
GlusterFS are empty and in memory. Each server and each client is a network namespace
on one bridge. A server also has these directories for itself.
"""
import contextlib
import os
import re
import subprocess
import sys
import time

import gluster_scenarios
import place
import scenarios
from place import Program, clean_env

place.FCGI, place.CTL = (f"/run/programs/{name}"
                         for name in ("pxesrv.fcgi", "pxesrvctl"))
MOUNTS = ("/srv/a", "/srv/b")
# The root of a FUSE mount always is the same inode, a directory in it is not.
ROOTS = tuple(mount + "/tree" for mount in MOUNTS)
# The last part of its address is the place in this list, from 1.
HOSTS = ("one", "two", "three", "a", "b")
SERVERS = HOSTS[:3]
VOLUME = "tree"
BRICK = "/srv/brick"
PATIENCE = 120  # seconds that a step of the start may take
HEAL_LIMIT = 120
DOWN = 5  # seconds that a brick is away
CUT = 30
# What a server has for itself before its daemon runs.
APART = "; ".join(f"mount -t tmpfs -o mode=755 tmpfs {directory}"
                  for directory in ("/run", "/srv", "/var/lib/glusterd",
                                    "/var/log/glusterfs")) + \
    f"; mkdir {BRICK} /run/gluster; exec glusterd -N"


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True,
                          env=clean_env(), timeout=PATIENCE)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def address(host):
    return f"10.0.0.{HOSTS.index(host) + 1}"


def in_network(host, *command):
    return ("nsenter", f"--net=/run/netns/{host}", *command)


class GlusterFS:
    """Its daemons run in the foreground, as children of this process."""

    name = run("glusterfs", "--version").splitlines()[0]

    def __init__(self, kind, volume, mount):
        self.kind = kind.split()
        self.volume = [line.split() for line in volume.splitlines() if line]
        self.options = mount.split()
        self.daemons = {}

    @property
    def faults(self):
        return {
            "brick of one killed": lambda: self.kill_brick("one"),
            f"A cut off for {CUT} s": lambda: self.cut("a"),
            "brick of two killed": lambda: self.kill_brick("two"),
            f"B cut off for {CUT} s": lambda: self.cut("b"),
            "brick of three killed": lambda: self.kill_brick("three"),
        }

    def await_that(self, condition, what, patience=PATIENCE):
        limit = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < limit, f"{what}: not in {patience} s"
            time.sleep(.1)

    def start(self):
        run("ip", "link", "add", "bridge", "type", "bridge")
        run("ip", "link", "set", "bridge", "up")
        for host in HOSTS:
            run("ip", "netns", "add", host)
            run("ip", "link", "add", f"to-{host}", "type", "veth", "peer",
                "name", "eth0", "netns", host)
            run("ip", "link", "set", f"to-{host}", "master", "bridge", "up")
            run("ip", "-n", host, "address", "add", address(host) + "/24",
                "dev", "eth0")
            for device in "lo", "eth0":
                run("ip", "-n", host, "link", "set", device, "up")
        for server in SERVERS:
            self.daemons[server] = Program(
                in_network(server, "unshare", "-m", "--propagation", "private",
                           "sh", "-ec", APART), f"/run/{server}.stderr")
            self.await_that(lambda: self.answers(server), f"{server} answers")
        for server in SERVERS[1:]:
            self.gluster("peer", "probe", address(server))
        self.await_that(lambda: self.gluster("peer", "status").count(
            "Peer in Cluster (Connected)") == len(SERVERS) - 1, "they are peers")
        self.gluster("volume", "create", VOLUME, *self.kind,
                     *(f"{address(server)}:{BRICK}" for server in SERVERS),
                     "force")
        for option, value in self.volume:
            self.set(option, value)
        self.gluster("volume", "start", VOLUME)
        self.await_that(lambda: len(self.bricks()) == len(SERVERS),
                        "the bricks run")
        for mount in MOUNTS:
            os.mkdir(mount)
            self.mount(mount)
        os.mkdir(ROOTS[0])
        self.await_that(lambda: os.path.isdir(ROOTS[1]), "both have the tree")

    def gluster(self, *arguments, server=SERVERS[0]):
        """What the command says on a server."""
        daemon = self.daemons[server].pid
        return run("nsenter", "-t", str(daemon), "-m", "-n", "gluster",
                   "--mode=script", *arguments)

    def answers(self, server):
        try:
            return self.gluster("peer", "status", server=server)
        except AssertionError:
            return False

    def set(self, option, value):
        self.gluster("volume", "set", VOLUME, option, value)

    def bricks(self):
        """{server: process} of those that clients can reach."""
        found = {}
        status = self.gluster("volume", "status", VOLUME)
        for server in SERVERS:
            line = re.search(rf"{address(server)}:{BRICK}\s+\d+\s+\d+\s+Y\s+(\d+)",
                             status)
            if line:
                found[server] = int(line[1])
        return found

    def mount(self, mount):
        host = os.path.basename(mount)
        self.daemons[host] = Program(
            in_network(host, "glusterfs", "-N", "-l", f"/run/{host}.log",
                       *(f"--volfile-server={address(server)}"
                         for server in SERVERS),
                       f"--volfile-id={VOLUME}", *self.options, mount),
            f"/run/{host}.stderr")
        self.await_that(lambda: os.path.ismount(mount), f"{mount} is mounted")

    def graphs(self):
        """How often each mount has taken up options of the volume."""
        counts = []
        for mount in MOUNTS:
            os.statvfs(mount)  # it does so when it is asked for something
            with open(f"/run/{os.path.basename(mount)}.log") as file:
                counts.append(file.read().count(": switched to graph "))
        return counts

    def to_heal(self):
        """How many entries some brick lacks; those that none can decide."""
        said = self.gluster("volume", "heal", VOLUME, "info", "summary")
        pending = re.findall(r"Total Number of entries: (\S+)", said)
        split = re.findall(r"Number of entries in split-brain: (\S+)", said)
        if "-" in pending:
            return None, 0
        return sum(map(int, pending)), sum(map(int, split))

    def heal(self):
        """Waits for all bricks to have the same."""
        self.await_that(lambda: self.to_heal() == (0, 0), "it is healed",
                        HEAL_LIMIT)

    def kill_brick(self, server):
        os.kill(self.bricks()[server], 9)
        time.sleep(DOWN)
        self.gluster("volume", "start", VOLUME, "force")
        self.await_that(lambda: server in self.bricks(), "the brick runs")
        self.heal()

    @contextlib.contextmanager
    def cut_off(self, host):
        """Nothing passes its cable."""
        run("ip", "link", "set", f"to-{host}", "down")
        try:
            yield
        finally:
            run("ip", "link", "set", f"to-{host}", "up")

    def cut(self, host):
        with self.cut_off(host):
            time.sleep(CUT)
        os.statvfs(MOUNTS[HOSTS[3:].index(host)])
        self.heal()

    def stop(self):
        scenarios.take_down(MOUNTS, list(self.daemons.values()), PATIENCE)


# What holds there. docs/howto/several-servers.md says what "stale" and "faults" meet.
HOLDING = ["sequences", "race=300", "operator", "prompt", "waits", "option"]


def main():
    kind, volume, mount, *arguments = sys.argv[1:]
    system = GlusterFS(kind, volume, mount)
    scenarios.SCENARIOS.update(gluster_scenarios.SCENARIOS)
    begun = time.monotonic()
    system.start()
    print(f"{system.name}, {kind}: up after {time.monotonic() - begun:.0f} s; "
          f"{', '.join(map(' '.join, system.volume)) or 'no options'}; mounted "
          f"with {' '.join(system.options) or 'no options'}", flush=True)
    try:
        return scenarios.main(system, ROOTS, arguments or HOLDING)
    finally:
        system.stop()


if __name__ == "__main__":
    sys.exit(main())
