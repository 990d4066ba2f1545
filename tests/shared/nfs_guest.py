#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The first process of the virtual machine of tests/shared/nfs.

The server and the clients are network namespaces with a cable from the server to
each client. A client there has its own connection, name, state and caches.
"""
import collections
import contextlib
import fcntl
import os
import socket
import subprocess
import sys
import threading
import time
import traceback

os.environ["PATH"] = "/usr/sbin:/usr/bin"
sys.path[:0] = ["/checkout/tests/shared", "/checkout/tests/blackbox"]
import fastcgi  # noqa: E402
import place  # noqa: E402
import scenarios  # noqa: E402
from deployments import meta_variables  # noqa: E402
from responder import Responder  # noqa: E402
from tree import Tree  # noqa: E402

EXPORT = "/export"
MOUNTS = ("/srv/a", "/srv/b")
CLIENTS = ("one", "two")  # their namespaces and host names
USUAL = "vers=4.2"
LEASE = 10  # seconds, the least; so is the grace time after a restart
CUT = 30  # seconds
HANGING = 8  # requests
LOCAL = "/run/local"  # a root that does not hang
UNARMED = "10.255.255.1"
HELD_UP = 5  # seconds that a rename waits before the file system has it


def run(*command, namespace=None):
    if namespace:
        command = ("nsenter", f"--net=/run/netns/{namespace}", *command)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


class Nfs:
    name = "NFSv4.2"

    def start(self):
        """The server, and the cables to its clients."""
        for module in ("virtio_pci", "virtio_blk", "veth", "nfsd", "nfsv4",
                       "sch_netem"):
            run("modprobe", module)
        run("mount", "/dev/vda", EXPORT)
        os.chmod(EXPORT, 0o755)
        run("ip", "netns", "add", "server")
        run("ip", "-n", "server", "link", "set", "lo", "up")
        for number, client in enumerate(CLIENTS):
            run("ip", "netns", "add", client)
            run("ip", "link", "add", f"to-{client}", "netns", "server",
                "type", "veth", "peer", "name", "eth0", "netns", client)
            for where, device, last in (("server", f"to-{client}", 1),
                                        (client, "eth0", 2)):
                run("ip", "-n", where, "address", "add",
                    f"10.0.{number}.{last}/24", "dev", device)
                run("ip", "-n", where, "link", "set", device, "up")
        os.makedirs("/var/lib/nfs/rpc_pipefs")
        for directory in ("/var/lib/nfs/nfsdcld", "/var/lib/nfs/v4recovery"):
            os.makedirs(directory)
        for name in ("/etc/exports", "/var/lib/nfs/etab", "/var/lib/nfs/rmtab"):
            write(name, "")
        run("mount", "-t", "nfsd", "nfsd", "/proc/fs/nfsd", namespace="server")
        run("mount", "-t", "rpc_pipefs", "rpc", "/var/lib/nfs/rpc_pipefs",
            namespace="server")
        write("/proc/fs/nfsd/nfsv4leasetime", str(LEASE))
        write("/proc/fs/nfsd/nfsv4gracetime", str(LEASE))
        run("exportfs", "-o", "rw,no_root_squash,fsid=0,insecure,sync,"
            "no_subtree_check", "*:" + EXPORT, namespace="server")
        # Who of the clients had state before a restart is known to this one.
        log = os.open("/var/log/daemons", os.O_WRONLY | os.O_CREAT)
        self.daemons = [subprocess.Popen(
            ["nsenter", "--net=/run/netns/server", *command], stdout=log,
            stderr=log) for command in (
                ["rpc.mountd", "-F", "-N", "2", "-N", "3", "--no-udp"],
                ["nfsdcld", "-F"])]
        time.sleep(1)
        self.serve()

    def serve(self):
        run("rpc.nfsd", "-N", "3", "-V", "4.2", "--no-udp", "8",
            namespace="server")

    def stop_serving(self):
        run("rpc.nfsd", "0", namespace="server")

    def mount(self, options):
        options = ",".join(one for one in (USUAL, options) if one)
        for number, (client, where) in enumerate(zip(CLIENTS, MOUNTS)):
            # By it the server tells its clients apart.
            socket.sethostname(client)
            run("mount", "-t", "nfs4", "-o", options, f"10.0.{number}.1:/",
                where, namespace=client)

    def mounted(self):
        with open("/proc/mounts") as file:
            return [line.split()[3] for line in file
                    if line.split()[1] in MOUNTS]

    @property
    def faults(self):
        return {
            "server restarted": self.restart,
            f"A cut off for {CUT} s": lambda: self.cut(CLIENTS[0], CUT),
            "server restarted, replies lost": self.restart_unheard,
            f"B cut off for {CUT} s": lambda: self.cut(CLIENTS[1], CUT),
        }

    def await_mounts(self):
        for where in MOUNTS:
            os.statvfs(where)

    def restart(self):
        self.stop_serving()
        time.sleep(1)
        self.serve()
        self.await_mounts()

    @contextlib.contextmanager
    def cut_off(self, client):
        """Nothing passes the cable of a client."""
        cable = ("ip", "-n", "server", "link", "set", f"to-{client}")
        run(*cable, "down")
        try:
            yield
        finally:
            run(*cable, "up")

    @contextlib.contextmanager
    def slow(self, client):
        """What the server says is a second under way to this client."""
        queue = ("dev", f"to-{client}", "root")
        run("tc", "-n", "server", "qdisc", "add", *queue, "netem", "delay", "1s")
        try:
            yield
        finally:
            run("tc", "-n", "server", "qdisc", "delete", *queue)

    def cut(self, client, seconds):
        with self.cut_off(client):
            time.sleep(seconds)
        self.await_mounts()

    @contextlib.contextmanager
    def unheard(self, clients):
        """What the server says does not reach these clients."""
        hosts = [f"10.0.{CLIENTS.index(client)}.2/32" for client in clients]
        for host in hosts:
            run("ip", "-n", "server", "route", "add", "blackhole", host)
        try:
            yield
        finally:
            for host in hosts:
                run("ip", "-n", "server", "route", "delete", "blackhole", host)

    def restart_unheard(self):
        """It knows no more of what it has answered when it is asked again."""
        with self.unheard(CLIENTS):
            time.sleep(1)
            self.stop_serving()
        time.sleep(1)
        self.serve()
        self.await_mounts()

    def forget(self):
        """The mounts forget what nobody uses."""
        write("/proc/sys/vm/drop_caches", "2")

    def clients(self):
        """The clients that the server knows, by their own names."""
        names = set()
        for one in os.listdir("/proc/fs/nfsd/clients"):
            with open(f"/proc/fs/nfsd/clients/{one}/info") as file:
                names |= {line.split('"')[1] for line in file
                          if line.startswith("name:")}
        return names

    def unmount(self):
        for where in MOUNTS:
            run("umount", where)


@contextlib.contextmanager
def claim_held_up(pair, client):
    """A client asks at A, which has the lock and is about to move the link, for
    some seconds. Then a function that waits for the answer."""
    got = []
    tracer = subprocess.Popen(
        ["strace", "-f", "-p", str(pair.a.one.pid), "-o", "/var/log/strace",
         "-e", "trace=renameat,renameat2", "-e",
         f"inject=renameat,renameat2:delay_enter={HELD_UP * 10 ** 6}:when=1"],
        stderr=subprocess.PIPE, text=True)
    assert "attached" in tracer.stderr.readline()
    asker = threading.Thread(target=lambda: got.append(pair.a.ask(client)))

    def finish():
        asker.join()
        return got[0]

    lock = os.open(pair.b.tree.full("once/.lock"), os.O_RDWR)
    try:
        asker.start()
        limit = time.monotonic() + HELD_UP
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                break
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert time.monotonic() < limit, "it does not take the lock"
            time.sleep(.01)
        time.sleep(1)
        yield finish
    finally:
        asker.join()
        os.close(lock)
        tracer.terminate()
        tracer.wait()


def known_at_both(pair):
    """A client that is armed on B and whose link each has seen."""
    client = next(pair.clients)
    pair.b.arm(client, "old")
    for one in pair.both:
        assert one.ask(client, "HEAD") == "3"
    return client


def replies(pair, number):
    """The server moves the link for A, restarts before A hears of it, and answers
    ENOENT when it is asked to move it again. It is moved all the same."""
    came, got = collections.Counter(), []
    for _ in range(number):
        client = known_at_both(pair)
        with pair.system.slow(CLIENTS[0]):
            asker = threading.Thread(
                target=lambda: got.append(pair.a.ask(client)))
            asker.start()
            limit = time.monotonic() + 60
            while os.path.lexists(f"{EXPORT}/once/{client}"):
                assert time.monotonic() < limit, "it is not claimed"
                time.sleep(.01)
            with pair.system.cut_off(CLIENTS[0]):
                pair.system.stop_serving()
        pair.system.serve()
        asker.join()
        first = got.pop()
        rest = [one.ask(client) for one in pair.both]
        came[f"{first}, then {rest[0]} at A and {rest[1]} at B"] += 1
    for what, count in came.items():
        scenarios.say(f"{count} times {what}")
    return number - came["old, then default at A and default at B"]


def lease(pair, number):
    """A is cut off with the lock in its hand, and about to move the link. The
    server takes the lock from it, B claims, and the client is armed again. Then A
    is back, and moves the new link."""
    came = collections.Counter()
    for _ in range(number):
        client = known_at_both(pair)
        with claim_held_up(pair, client) as finish:
            with pair.system.cut_off(CLIENTS[0]):
                limit = time.monotonic() + 6 * LEASE
                while (at_b := pair.b.ask(client)) != "old":
                    assert time.monotonic() < limit, at_b
                    time.sleep(.2)
                pair.b.arm(client, "new")
            at_a = finish()
        rest = [one.ask(client) for one in pair.both]
        came[f"{at_b} at B, {at_a} at A, then {rest}"] += 1
        got = sorted([at_a, *rest])
        came["right"] += got == ["default", "default", "newer"]
    failures = number - came.pop("right", 0)
    for what, count in came.items():
        scenarios.say(f"{count} times {what}")
    return failures


def ask(one, root):
    """A peer that has asked for what a root has as its default."""
    peer = fastcgi.Connection(one.path)
    peer.send(fastcgi.request({**meta_variables("GET", "/redirect", UNARMED),
                               "PXESRV_ROOT": root}))
    return peer


def held_up(one):
    """How many of its threads no signal but KILL wakes up."""
    states = []
    for thread in os.listdir(f"/proc/{one.pid}/task"):
        with open(f"/proc/{one.pid}/task/{thread}/stat") as file:
            states.append(file.read().rpartition(")")[2].split()[0])
    return states.count("D")


def end_while_it_hangs(pair):
    """One responder for two roots, of which A's mount does not answer. Whether
    something is wrong."""
    log = "/run/pxesrv/hangs"
    one = Responder(log + ".stderr", path=log + ".socket", env={
        "PXESRV_ROOT": None, "PXESRV_LOG": log, "PXESRV_THREADS": "16"})
    with pair.system.cut_off(CLIENTS[0]):
        peers = [ask(one, pair.a.mount) for _ in range(HANGING)]
        place.until(lambda: held_up(one) == HANGING, "all hang")
        took = []
        for _ in range(20):
            begun = time.monotonic()
            with ask(one, LOCAL) as peer:
                assert peer.read_answer().endswith(b"local")
            took.append(time.monotonic() - begun)
        assert held_up(one) == HANGING
        begun = time.monotonic()
        status = one.end()
        ended = time.monotonic() - begun
        for peer in peers:
            peer.close()
    with open(log) as file:
        last = file.read().splitlines()[-1]
    scenarios.say(f"{HANGING} requests hang; another root answers within "
                  f"{scenarios.seconds(took)}; TERM: exit {status} after "
                  f"{ended:.1f} s; {last}")
    return status != 0 or f"ended while {HANGING} threads" not in last


def hangs(pair, number):
    """A's mount hangs, and stops neither another root nor the end."""
    os.makedirs(LOCAL, exist_ok=True)
    Tree(LOCAL, place.OWNER).make({"default": "local"})
    wrong = 0
    for _ in range(number):
        wrong += end_while_it_hangs(pair)
        pair.system.await_mounts()
        wrong += pair.a.ask(UNARMED) != "default"
    return wrong


def main():
    os.makedirs("/dev/shm", exist_ok=True)
    for kind, where in (("proc", "/proc"), ("sysfs", "/sys"),
                        ("tmpfs", "/run")):
        subprocess.run(["mount", "-t", kind, kind, where], check=True)
    if not os.path.exists("/dev/null"):
        subprocess.run(["mount", "-t", "devtmpfs", "dev", "/dev"], check=True)
    os.makedirs("/run/pxesrv")
    os.chmod("/run/pxesrv", 0o777)
    os.chmod("/var/log", 0o1777)
    run("ip", "link", "set", "lo", "up")
    with open("/arguments") as file:
        arguments = file.read().split()
    options, wanted = [], []
    while arguments:
        one = arguments.pop(0)
        if one == "-o":
            options.append(arguments.pop(0))
        else:
            wanted.append(one)
    scenarios.SCENARIOS.update(replies=(replies, 3), lease=(lease, 2),
                               hangs=(hangs, 2))
    system = Nfs()
    system.start()
    failed = 0
    for one in options or ["", "lookupcache=none"]:
        system.mount(one if one != "default" else "")
        print(f"{system.name}: mounted with {system.mounted()[0]}; clients "
              f"{sorted(system.clients())}", flush=True)
        assert len(system.clients()) == 2
        failed |= scenarios.main(system, MOUNTS, wanted)
        system.unmount()
    return failed


if __name__ == "__main__":
    status = 1
    try:
        status = main()
    except BaseException:
        traceback.print_exc()
    print("nfs: " + ("ok" if status == 0 else "FAILED"), flush=True)
    time.sleep(.5)
    with open("/proc/sysrq-trigger", "w") as file:
        file.write("o")
    time.sleep(60)
