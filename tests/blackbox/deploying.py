# SPDX-License-Identifier: MIT
"""A tree that an administrator deploys to, and docs/howto/deploy.md, taken apart.

The tools are the real ones, and their commands those of the page. Only the way to the
server is short: rsync's other end is started here instead of by ssh."""
import ctypes
import os
import re
import shutil
import stat
import struct
import subprocess
import time

import answer
import fastcgi
import place
from deployments import meta_variables
from tree import Link, OldLink

PAGE = "docs/howto/deploy.md"
FIRST, SECOND = b"#!ipxe\n# first\n", b"#!ipxe\n# second\n"
INSTALL = b"#!ipxe\n# install\n"
TARGET = "../debian/13/default"
# A machine that was served, or done, after the copy was made; one that was armed
# after it; one that never was.
SERVED, DONE = "10.0.0.8", "10.0.0.11"
ARMED, UNTIL, NOBODY = "10.0.0.7", "10.0.0.10", "10.0.0.99"
# What is the server's alone.
OWN = ("once", "until", "names", "static", "subnet")

MODIFIED, MOVED_IN, CREATED, DELETED = 0x2, 0x80, 0x100, 0x200  # inotify(7)
AT_ONCE = {MOVED_IN}  # a new file came in the place of the old one by one rename


def page():
    with open(os.path.join(place.SOURCE, PAGE)) as file:
        return file.read()


def section(heading):
    text = re.search(rf"^##+ {re.escape(heading)}\n(.*?)(?=^##+ |\Z)", page(),
                     re.MULTILINE | re.DOTALL)
    assert text, heading
    return text[1]


def commands(heading, beginning=""):
    """The indented blocks of a section, of which the first line begins so."""
    blocks = re.findall(r"(?:^    \S.*\n(?:^    .*\n)*)", section(heading),
                        re.MULTILINE)
    found = [re.sub("^    ", "", block, flags=re.MULTILINE) for block in blocks
             if block.strip().startswith(beginning)]
    assert found, (heading, beginning)
    return "".join(found)


def fenced(heading, kind, having=""):
    """The fenced block of a section that has this text."""
    found = [block for block in re.findall(
        rf"^```{kind}\n(.*?)^```$", section(heading), re.MULTILINE | re.DOTALL)
        if having in block]
    assert len(found) == 1, (heading, kind, having)
    return found[0]


def rows():
    """Of the table: command, and what is said of it."""
    lines = re.findall(r"^\| (.*) \|$", section("What each command does"),
                       re.MULTILINE)
    return {cells[0]: cells[1:] for cells in
            (line.split(" | ") for line in lines[2:])}


def without(text, *patterns):
    """Each of these must be there."""
    for pattern in patterns:
        text, count = re.subn(pattern, "", text)
        assert count, pattern
    return text


class Watch:
    """What happens to the names in a directory."""

    def __init__(self, path):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self.fd >= 0
        assert self.libc.inotify_add_watch(
            self.fd, path.encode(), MODIFIED | MOVED_IN | CREATED | DELETED) >= 0

    def seen(self, name):
        """And ends."""
        out = b""
        try:
            while piece := os.read(self.fd, 1 << 16):
                out += piece
        except BlockingIOError:
            pass
        os.close(self.fd)
        found = set()
        while out:
            _, mask, _, size = struct.unpack_from("iIII", out)
            if out[16:16 + size].rstrip(b"\0") == name.encode():
                found.add(mask & 0xfff)
            out = out[16 + size:]
        return found


def entries(path, prefix=""):
    """All beneath a directory: inode, mode, owner, time, and a link's text."""
    found = {}
    for directory, names, files in os.walk(path):
        for name in [".", *names, *files]:
            full = os.path.normpath(os.path.join(directory, name))
            st = os.lstat(full)
            found[os.path.relpath(full, path)] = (
                st.st_ino, st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns,
                os.readlink(full) if stat.S_ISLNK(st.st_mode) else None)
    return found


LIMIT = 120  # seconds for one command
# Who owns the boot files alone.
DEPLOY = dict(user=1990, group=1990, extra_groups=[])


class Site:
    def __init__(self, tree, home, start):
        self.tree, self.start, self.responder = tree, start, None
        self.home = str(home)
        self.boot = str(home / "boot")
        self.env = place.clean_env(HOME=self.home, LC_ALL="C.UTF-8")
        os.makedirs(self.home)
        self._means()

    def _means(self):
        """What the tools find in the administrator's home."""
        rsh = f"{self.home}/rsh"
        with open(rsh, "w") as file:
            file.write('#!/bin/sh\nshift\nexec "$@"\n')
        os.chmod(rsh, 0o755)
        self.env.update(
            RSYNC_RSH="'" + rsh + "'", ANSIBLE_LOCALHOST_WARNING="0",
            ANSIBLE_GATHERING="explicit", ANSIBLE_NOCOLOR="1",
            ANSIBLE_PYTHON_INTERPRETER="/usr/bin/python3",
            RESTIC_REPOSITORY=f"{self.home}/backup", RESTIC_PASSWORD="secret",
            RESTIC_CACHE_DIR=f"{self.home}/cache",
            GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@example.org",
            GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@example.org")

    def fill(self):
        """The tree as the packages make it, with links of all kinds."""
        self.tree.make({
            "default": FIRST, "debian/13/default": INSTALL, "obsolete": "old",
            f"once/{SERVED}": OldLink(TARGET), f"until/{DONE}": OldLink(TARGET),
            f"until/{UNTIL}": Link(TARGET), "names/10.0.0.12": Link("node12"),
            "static/10.0.0.13": Link(TARGET),
            "subnet/10.0.1.0_24": Link(TARGET)})
        me = (os.getuid(), os.getgid())
        for directory, names, files in os.walk(place.ROOT):
            name = os.path.relpath(directory, place.ROOT)
            own = name.split("/")[0] in ("once", "until")
            for path in [directory, *(f"{directory}/{one}" for one in files)]:
                os.chown(path, *(place.OWNER if own else me),
                         follow_symlinks=False)
        for name, mode in (("once", 0o3770), ("until", 0o3770),
                           ("names", 0o2775), ("static", 0o2775)):
            os.chmod(self.tree.full(name), mode)

    def copy(self, old):
        """The administrator's copy with a newer default; with an old once/ and all
        the others, or without them."""
        shutil.rmtree(self.boot, ignore_errors=True)
        subprocess.run(["cp", "-a", place.ROOT, self.boot], check=True)
        for name in () if old else OWN:
            shutil.rmtree(f"{self.boot}/{name}")
        for name in "once/.lock", "once/.claimed", "once/.served", \
                "once/.cancelled", "until/.done":
            path = f"{self.boot}/{name}"
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.unlink(path)
        # In the place of the old file: git looks at the inode, rsync at the time.
        os.unlink(f"{self.boot}/default")
        with open(f"{self.boot}/default", "wb") as file:
            file.write(SECOND)
        os.unlink(f"{self.boot}/obsolete")

    def live(self):
        """After the copy was made: machines boot, and others are armed."""
        assert self.ask(SERVED).body == INSTALL
        place.until(lambda: self.tree.link(f"once/.served/{SERVED}"),
                    "it is settled")
        assert self.ask(DONE).body == INSTALL
        assert self.ask(DONE, "/done").status == 200
        self.tree.add(f"once/{ARMED}", Link(TARGET))
        # Left by a crash: nobody claims it, and nothing takes it away.
        self.tree.add("once/.claimed/10.0.0.9.00112233aabbccdd", Link(TARGET))
        assert self.ask(NOBODY).body == FIRST

    def chown_to_deploy(self):
        """The boot files, and the home with the copy."""
        user, group = DEPLOY["user"], DEPLOY["group"]
        paths = [place.ROOT, self.home, self.boot]
        for top in ("debian", "default", "obsolete"):
            paths.append(self.tree.full(top))
            for directory, names, files in os.walk(self.tree.full(top)):
                paths += [f"{directory}/{name}" for name in [*names, *files]]
        for path in paths:
            os.chown(path, user, group)
        # The way there.
        for path in (os.path.dirname(self.home),
                     os.path.dirname(os.path.dirname(self.home))):
            os.chmod(path, 0o711)

    def serve(self, **settings):
        self.responder = self.start(**settings)

    def ask(self, client, path="/redirect"):
        return answer.from_cgi(fastcgi.ask(
            self.responder.path, meta_variables("GET", path, client)))

    def own(self, *names):
        """What a deployment must leave alone."""
        return {name: entries(self.tree.full(name)) for name in names or OWN}

    def run(self, script, **how):
        """As the page has it, in the administrator's home."""
        how = {"check": True, **how}
        check = how.pop("check")
        done = subprocess.run(
            ["sh", "-euc", 'ssh() { shift; "$@"; }\n' + script],
            cwd=self.home, env=self.env, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT, **how)
        assert not check or done.returncode == 0, done.stdout
        return done

    def playbook(self, text):
        with open(f"{self.home}/site.yml", "w") as file:
            file.write(text)
        return self.run("ansible-playbook -c local -i boot.example.org, site.yml")

    def manifest(self, text, link=False):
        """With the copy as the files of a module, or a link to it there."""
        files = f"{self.home}/modules/boot/files"
        os.makedirs(files)
        if link:
            os.symlink(self.boot, f"{files}/tree")
        else:
            subprocess.run(["cp", "-a", self.boot, f"{files}/tree"], check=True)
        with open(f"{self.home}/site.pp", "w") as file:
            file.write(text)
        where = " ".join(f"--{kind}dir puppet/{kind}" for kind in
                         ("conf", "var", "run", "log", "public"))
        return self.run(f"puppet apply {where} --modulepath modules "
                        "--color=false site.pp")

    def link(self, name):
        """Its text and its age in seconds; None, if it is no link."""
        text = self.tree.link(name) if os.path.islink(self.tree.full(name)) \
            else None
        return text, text and time.time() - os.lstat(
            self.tree.full(name)).st_mtime

    def clear(self):
        for name in ("once", "until"):
            if os.path.isdir(self.tree.full(name)):
                os.chmod(self.tree.full(name), 0o755)
        if self.tree.claimed():
            self.tree.clear_directory("once/.claimed")
        self.tree.clear()
        os.chown(place.ROOT, *place.OWNER)
