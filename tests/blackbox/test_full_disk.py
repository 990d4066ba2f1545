# SPDX-License-Identifier: MIT
"""Claims go on when the file system of the tree is really full."""
import os
import subprocess

import pytest

import answer
import fastcgi
import place
from deployments import meta_variables
from place import until
from tree import Directory, Tree

CLIENTS = [f"127.{1 + n // 62500}.{n // 250 % 250}.{n % 250 + 1}"
           for n in range(5000)]

pytestmark = [pytest.mark.deep, pytest.mark.skipif(
    not place.AS_ROOT, reason="only root can mount file systems")]


def fill(directory):
    """Takes every block, and then every inode, that is left."""
    number = 0
    with open(os.path.join(directory, "ballast"), "wb", 0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    try:
        while True:
            os.symlink("x", os.path.join(directory, f"inode{number}"))
            number += 1
    except OSError:
        pass
    for name in ("more", "once/more"):
        with pytest.raises(OSError, match="No space"):
            with open(os.path.join(directory, name), "w") as file:
                file.write("x" * 4096)
                file.flush()
                os.fsync(file.fileno())


@pytest.fixture(params=["tmpfs", "ext4", "xfs"])
def small(request, tmp_path):
    """A small file system for the tree."""
    mount = tmp_path / "tree"
    mount.mkdir()
    os.chmod(tmp_path, 0o755)
    for directory in tmp_path.parents[:2]:
        os.chmod(directory, 0o711)
    if request.param == "tmpfs":
        command = ["mount", "-t", "tmpfs", "-o",
                   "size=1m,nr_inodes=6000", "tmpfs", str(mount)]
    else:
        image = str(tmp_path / "image")
        with open(image, "wb") as file:
            file.truncate((16 if request.param == "ext4" else 300) << 20)
        make = {"ext4": ["mkfs.ext4", "-q", "-m", "0", "-N", "6000"],
                "xfs": ["mkfs.xfs", "-q"]}[request.param]
        subprocess.run([*make, image], check=True)
        command = ["mount", "-o", "loop", image, str(mount)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"{request.param}: {done.stderr.strip()}")
    os.chown(mount, *place.OWNER)
    yield request.param, Tree(str(mount), place.OWNER)
    subprocess.run(["umount", str(mount)], check=True)


def test_claims_go_on(small, responder):
    kind, tree = small
    tree.make({"default": "default", "os/boot": "os",
               "once": Directory()})
    log = f"/var/log/full-{kind}.log"
    one = responder(PXESRV_ROOT=tree.path, PXESRV_LOG=log)  # prepares once/
    for client in CLIENTS:
        tree.arm(client, "../os/boot")
    fill(tree.path)

    for client in CLIENTS:
        got = answer.from_cgi(fastcgi.ask(
            one.path,
            meta_variables("GET", "/redirect", client)))
        assert (got.status, got.body) == (200, b"os"), client
    until(lambda: not tree.claimed(), "the last one is settled")
    assert not [name for name in os.listdir(tree.full("once"))
                if not name.startswith(".") and name != "more"]
    served = len(os.listdir(tree.full("once/.served")))

    def removed():
        with open(log) as file:
            return file.read().count("(No space left on device: the link was "
                                     "removed)")

    until(lambda: served + removed() == len(CLIENTS), "the log tells of all")
    place.figure(f"full {kind}: {len(CLIENTS)} of {len(CLIENTS)} claims, "
                 f"{served} kept in once/.served, {removed()} removed")
