# SPDX-License-Identifier: MIT
"""The live system of the example tree, from Debian's packages."""
import hashlib
import os
import shutil
import subprocess

import pytest

import ctl
import place
from machine import Ipxe
from standin import LIVE, NO_LIVE

ONE = 41
pytestmark = [pytest.mark.long, pytest.mark.skipif(
    not os.path.exists(LIVE + "/filesystem.squashfs"), reason=NO_LIVE)]
MEMORY = 1024  # MiB: what public/README.md says that it needs
LEFT = 550  # MiB: and that it leaves for what is run there
FILES = ["vmlinuz", "initrd.img", "filesystem.squashfs"]
# What a system may take for its own: memory to swap to, and what live-boot would
# lay over the squashfs.
DISKS = ["swap", "persistence"]
# A root shell on the serial console, for whoever may change the boot script.
ARGS = ("console=ttyS0,115200 systemd.debug_shell=ttyS0 "
        "systemd.mask=serial-getty@ttyS0.service")


class Live(Ipxe):
    """A machine with disks that it could use, and does not."""

    memory = MEMORY
    commands = 0

    def options(self):
        return [*super().options(), *(
            word for name in DISKS for word in (
                "-drive", "if=virtio,format=raw,file="
                + os.path.join(self.directory, name)))]

    def starts(self):
        self.boots().shows("root@live:/#", within=400)
        self.columns = 0  # Linux breaks no lines
        # From now on nothing else is written there.
        assert self.says("dmesg -n 1; systemctl is-system-running --wait",
                         within=400) == "running"

    def says(self, command, within=60):
        """What its shell prints, as one line."""
        self.commands += 1
        # The mark is not in what it echoes.
        self.type(f'echo "SAID-"{self.commands}: $({command})\n')
        # To its end: a line may come in pieces.
        return self.shows(f"SAID-{self.commands}: ?(.*)\n", within).group(1)


def ssh(directory, *arguments):
    return subprocess.run(
        ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20",
         "-o", "StrictHostKeyChecking=accept-new",
         "-o", f'UserKnownHostsFile="{directory}/known_hosts"', *arguments],
        env=place.clean_env(), capture_output=True, text=True, timeout=60)


def shipped(tree):
    """The folder, with a serial console as the script's comment has it."""
    with open(place.SOURCE + "/public/live/default") as file:
        text = file.read()
    commented = "#set args console=ttyS0,115200\n"
    assert text.count(commented) == 1
    tree.make({"live/default": text.replace(commented, f"set args {ARGS}\n"),
               **{f"live/{name}": "" for name in FILES}})
    for name in FILES:
        shutil.copy(f"{LIVE}/{name}", tree.full(f"live/{name}"))


def contents(directory):
    found = []
    for name in DISKS:
        with open(f"{directory}/{name}", "rb") as file:
            found.append(hashlib.sha256(file.read()).hexdigest())
    return found


def make_disks(directory):
    for name in DISKS:
        with open(f"{directory}/{name}", "wb") as file:
            file.truncate(16 << 20)
    swap, persistence = (f"{directory}/{name}" for name in DISKS)
    source = directory + "/files"
    os.mkdir(source)
    with open(source + "/persistence.conf", "w") as file:
        file.write("/ union\n")
    for command in (["mkswap", swap], ["mkfs.ext4", "-q", "-L", "persistence",
                                       "-d", source, persistence]):
        subprocess.run(command, check=True, capture_output=True)
    return contents(directory)


def test_it_lives_in_memory_alone(server, tree, network, directory):
    network.serve_dhcp([ONE], network.for_ipxe())
    shipped(tree)
    ctl.good("static", network.address(ONE), "live/default")
    before_all = make_disks(directory)

    with Live(network, ONE, directory) as machine:
        machine.starts()
        assert machine.says("stat -f -c %T /") == "overlayfs"
        options = machine.says("findmnt -n -o FS-OPTIONS /").split(",")
        layers = dict(o.split("=") for o in options if "=" in o)
        assert machine.says(f"stat -f -c %T {layers['lowerdir']}") == "squashfs"
        assert machine.says(f"stat -f -c %T {layers['upperdir']}") == "tmpfs"

        assert machine.says("ip -4 -o address show scope global | "
                            "awk '{ print $4 }'") == network.address(ONE) + "/24"
        assert int(machine.says("awk '/MemTotal/ { print $2 }' "
                                "/proc/meminfo")) <= MEMORY << 10
        left = int(machine.says("awk '/MemAvailable/ { print $2 }' "
                                "/proc/meminfo")) >> 10
        place.figure(f"live system: {left} of {MEMORY} MiB are left")
        assert left >= LEFT
        assert machine.says("blkid -o value -s TYPE /dev/vda /dev/vdb; "
                            "swapon --show; lsblk -n -o MOUNTPOINTS "
                            "/dev/vda /dev/vdb").split() == ["swap", "ext4"]

        root = "root@" + network.address(ONE)
        done = ssh(directory, "-i", LIVE + "/key", root, "cat /etc/machine-id")
        assert done.stdout == machine.says("cat /etc/machine-id") + "\n"
        done = ssh(directory, root, "true")
        assert done.returncode and "Permission denied" in done.stderr

        for path in ("/root/written", "/usr/bin/written", "/etc/written"):
            assert machine.says(f"echo kept >{path}; sync; cat {path}") == \
                "kept"
        before = [machine.says(command) for command in (
            "cat /etc/machine-id", "cat /etc/ssh/ssh_host_*_key.pub")]
        assert len(before[0]) == 32 and before[1].startswith("ssh-ed25519 ")

    with Live(network, ONE, directory) as machine:
        machine.starts()
        assert machine.says("find / -xdev -name written | wc -l") == "0"
        after = [machine.says(command) for command in (
            "cat /etc/machine-id", "cat /etc/ssh/ssh_host_*_key.pub")]
        assert before[0] != after[0] and before[1] != after[1]
        assert after[1].startswith("ssh-ed25519 ")

    assert contents(directory) == before_all


def test_without_its_files_it_is_no_boot(server, tree, network, directory):
    """Chosen in the menu, to which it goes back."""
    network.serve_dhcp([ONE], network.for_ipxe())
    tree.make({"default": "", "live/default": ""})
    for name in ("default", "live/default"):
        shutil.copy(f"{place.SOURCE}/public/{name}", tree.full(name))
    with Ipxe(network, ONE, directory) as machine:
        machine.boots().shows("Live system")
        machine.type("v")
        machine.shows("^Make them with live/build.sh on the server")
        machine.shows("^FAILED: /live/default could not be started")
        machine.shows("Press a key for the menu")
        machine.type("\n")
        machine.type("s")
        machine.shows("iPXE>")
