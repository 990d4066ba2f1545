# SPDX-License-Identifier: MIT
"""A Ceph of one node of each kind, and two mounts of its file system.

Called by tests/shared/ceph, in namespaces where /etc/ceph, /var/lib/ceph and /run
are empty and in memory. No manager: a file system needs none to run.
"""
import json
import os
import subprocess
import sys
import time
import uuid

import cephfs_scenarios
import place
import scenarios
from place import Program, clean_env

CONFIGURATION = """\
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:3300,v1:127.0.0.1:6789]
mon initial members = a
public network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
mon allow pool size one = true
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 2G
{lines}
"""
place.FCGI, place.CTL = (f"/run/programs/{name}"
                         for name in ("pxesrv.fcgi", "pxesrvctl"))
MOUNTS = ("/srv/a", "/srv/b")
PATIENCE = 60  # seconds that a step of the start may take


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          env=clean_env(), timeout=PATIENCE).stdout


class CephFS:
    """Its daemons run in the foreground, as children of this process."""

    name = "CephFS, ceph-fuse " + run("ceph-fuse", "--version").split()[2]

    def __init__(self, lines):
        self.lines = lines  # of ceph.conf
        self.daemons = {}
        self.faults = {"MDS killed": self.kill_mds}

    def daemon(self, name, *command):
        self.daemons[name] = Program(command, f"/run/{name}.stderr")

    def await_that(self, condition, what):
        limit = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < limit, f"{what}: not in {PATIENCE} s"
            time.sleep(0.05)

    def start(self):
        fsid, osd = str(uuid.uuid4()), str(uuid.uuid4())
        with open("/etc/ceph/ceph.conf", "w") as file:
            file.write(CONFIGURATION.format(fsid=fsid, lines=self.lines))
        for directory in "mon", "osd/ceph-0", "mds/ceph-a":
            os.makedirs("/var/lib/ceph/" + directory)
        run("monmaptool", "--create", "--fsid", fsid, "--addv", "a",
            "[v2:127.0.0.1:3300,v1:127.0.0.1:6789]", "/run/monmap")
        run("ceph-mon", "--mkfs", "-i", "a", "--monmap", "/run/monmap")
        self.daemon("mon", "ceph-mon", "-f", "-i", "a")
        run("ceph", "osd", "new", osd)
        run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self.daemon("osd", "ceph-osd", "-f", "-i", "0")
        for pool in "meta", "data":
            run("ceph", "osd", "pool", "create", pool)
        run("ceph", "fs", "new", "tree", "meta", "data")
        # How long a server that has died may hold up the other; no less is allowed.
        run("ceph", "fs", "set", "tree", "session_timeout", "30")
        self.start_mds()
        for mount in MOUNTS:
            os.mkdir(mount)
            self.mount(mount)

    def start_mds(self):
        self.daemon("mds", "ceph-mds", "-f", "-i", "a")
        self.await_that(self.mds_is_active, "the MDS is active")

    def mds_is_active(self):
        """By its own word: the monitor may still mean one that was killed."""
        said = subprocess.run(["ceph", "daemon", "mds.a", "status"], text=True,
                              stdout=subprocess.PIPE, env=clean_env(),
                              stderr=subprocess.DEVNULL, timeout=PATIENCE)
        return '"state": "up:active"' in said.stdout

    def mount(self, mount):
        self.daemon(mount[-1], "ceph-fuse", "-f", mount)
        self.await_that(lambda: os.path.ismount(mount), f"{mount} is mounted")

    def kill_mds(self):
        """It is started anew a second later."""
        self.daemons["mds"].process.kill()
        self.daemons["mds"].process.wait()
        time.sleep(1)
        self.start_mds()

    def configure(self, name, value):
        run("ceph", "config", "set", "mds", name, value)

    def evict(self, mount):
        for session in json.loads(run("ceph", "tell", "mds.a", "session", "ls",
                                      "--format", "json")):
            if session["client_metadata"].get("mount_point") == mount:
                run("ceph", "tell", "mds.a", "client", "evict",
                    f"id={session['id']}")

    def remount(self, server, restart=True):
        """On a client anew, whatever has become of the one before."""
        daemon = self.daemons[server.mount[-1]]
        daemon.process.kill()
        daemon.process.wait()
        run("umount", "-l", server.mount)
        self.mount(server.mount)
        if restart:
            server.kill()

    def stop(self):
        scenarios.take_down(MOUNTS, list(self.daemons.values()), PATIENCE)


def main():
    lines, arguments = sys.argv[1], sys.argv[2:]
    system = CephFS(lines)
    scenarios.SCENARIOS.update(cephfs_scenarios.SCENARIOS)
    begun = time.monotonic()
    system.start()
    print(f"{system.name}: up after {time.monotonic() - begun:.0f} s",
          flush=True)
    try:
        return scenarios.main(system, MOUNTS, arguments)
    finally:
        system.stop()


if __name__ == "__main__":
    sys.exit(main())
