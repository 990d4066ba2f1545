# SPDX-License-Identifier: MIT
"""A kernel to hand over to: Debian's, with an initramfs that tells what it was
given, in the place of an installer."""
import glob
import lzma
import os
import re
import shutil
import subprocess

import pytest

from machine import Ipxe, as_text

LIVE = os.path.join(os.environ.get("PXESRV_TESTS_BUILD", ""), "live")
NO_LIVE = "the live system, whose kernel this takes, could not be made"
# In the order in which they need each other. Some kernels have some built in.
MODULES = ["drivers/virtio/virtio_ring", "drivers/virtio/virtio",
           "drivers/virtio/virtio_pci_modern_dev",
           "drivers/virtio/virtio_pci_legacy_dev", "drivers/virtio/virtio_pci",
           "net/core/failover", "drivers/net/net_failover",
           "drivers/net/virtio_net"]
# The answers' URL is what an installer knows them by. Each line of the console
# has a mark, and nothing of the kernel's gets between them.
INIT = """#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
echo 1 >/proc/sys/kernel/printk
for module in MODULES; do
	[ ! -e /modules/$module.ko ] || insmod /modules/$module.ko
done
echo "CMDLINE $(cat /proc/cmdline)"
for word in $(cat /proc/cmdline); do
	case $word in
	inst.ks=* | url=*) url=${word#*=} ;;
	esac
done
if [ -n "$url" ]; then
	ip link set eth0 up
	udhcpc -q -n -i eth0 -s /lease >/dev/null
	echo "ADDRESS $(ip -4 -o address show dev eth0)"
	wget -q -O /answers "$url" || echo NOTHING FETCHED
	sed 's/^/ANSWERS /' /answers
fi
echo HANDED OVER
while :; do
	sleep 60
done
"""
LEASE = """#!/bin/sh
[ "$1" != bound ] || ip address add "$ip/$mask" dev "$interface"
"""


def put_module(path, directory):
    """As it is, or unpacked: Debian 13's are compressed."""
    if os.path.exists(path):
        shutil.copy(path, directory)
    else:
        with lzma.open(path + ".xz") as packed, open(
                os.path.join(directory, os.path.basename(path)), "wb") as file:
            shutil.copyfileobj(packed, file)


def make_initramfs(directory, path):
    """In some 2 MB: busybox, and what the machine's network card needs."""
    root = os.path.join(directory, "initramfs")
    for name in ("bin", "proc", "sys", "dev", "modules"):
        os.makedirs(os.path.join(root, name))
    shutil.copy(shutil.which("busybox"), root + "/bin/busybox")
    os.symlink("busybox", root + "/bin/sh")
    unpacked = os.path.join(directory, "modules")
    subprocess.run(
        ["unsquashfs", "-q", "-n", "-d", unpacked,
         LIVE + "/filesystem.squashfs",
         "usr/lib/modules/*/modules.builtin",
         *(f"usr/lib/modules/*/kernel/{name}.ko*" for name in MODULES)],
        check=True, stdout=subprocess.DEVNULL)
    modules, = glob.glob(f"{glob.escape(unpacked)}/usr/lib/modules/*")
    with open(modules + "/modules.builtin") as file:
        built_in = file.read().split()
    for name in MODULES:
        if f"kernel/{name}.ko" not in built_in:
            put_module(f"{modules}/kernel/{name}.ko", root + "/modules")
    names = " ".join(map(os.path.basename, MODULES))
    for name, text in (("init", INIT.replace("MODULES", names)),
                       ("lease", LEASE)):
        with open(f"{root}/{name}", "w") as file:
            file.write(text)
        os.chmod(f"{root}/{name}", 0o755)
    with open(path, "wb") as file:
        subprocess.run("find . | cpio -o -H newc --quiet | gzip -1", cwd=root,
                       shell=True, check=True, stdout=file)
    shutil.rmtree(root)
    shutil.rmtree(unpacked)


@pytest.fixture(scope="session")
def kernel(tmp_path_factory):
    """The paths of a kernel and an initramfs."""
    if not os.path.exists(LIVE + "/filesystem.squashfs"):
        pytest.skip(NO_LIVE)
    directory = str(tmp_path_factory.mktemp("standin"))
    initramfs = directory + "/initrd"
    make_initramfs(directory, initramfs)
    return LIVE + "/vmlinuz", initramfs


class Installer(Ipxe):
    """Its iPXE hands it over to that kernel."""

    memory = 256

    def handed_over(self):
        """The command line, its address, and the answers that it fetched."""
        self.shows("^HANDED OVER", within=120)
        # Linux breaks no lines, iPXE did.
        text = as_text(bytes(self.raw), 0)
        assert "NOTHING FETCHED" not in text
        [line] = re.findall("^CMDLINE (.*)$", text, re.MULTILINE)
        address = re.findall(r"^ADDRESS .* inet (\S+)/", text, re.MULTILINE)
        return line, address, re.findall("^ANSWERS ?(.*)$", text, re.MULTILINE)
