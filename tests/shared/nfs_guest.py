#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The first process of the virtual machine of tests/shared/nfs.

The server and the clients are network namespaces with a cable from the server to
each client. A client there has its own connection, name, state and caches.
"""
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import traceback

os.environ["PATH"] = "/usr/sbin:/usr/bin"
sys.path[:0] = ["/checkout/tests/shared", "/checkout/tests/blackbox"]

EXPORT = "/export"
MOUNTS = ("/srv/a", "/srv/b")
CLIENTS = ("one", "two")  # their namespaces and host names
USUAL = "vers=4.2"
LEASE = 10  # seconds, the least; so is the grace time after a restart
USER = 33


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
        for module in ("virtio_pci", "virtio_blk", "veth", "nfsd", "nfsv4"):
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
            stderr=log) for command in (["rpc.mountd", "-F", "-N", "2", "-N", "3", "--no-udp"], ["nfsdcld", "-F"])]
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
    import scenarios
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
