# SPDX-License-Identifier: MIT
"""Boot trees for the tests."""
import os
import shutil
import socket
import threading
import time


class Link(str):
    """A symbolic link with this text."""


class OldLink(Link):
    """One that was made an hour ago."""


class NewLink(Link):
    """One of a time to come, as after somebody has set the clock back."""


class Directory:
    pass


class Fifo:
    pass


class Socket:
    pass


class Unreadable(str):
    """A file that nobody but root may read."""


class Tree:
    """A document root. It belongs to the user whom the responder runs as."""

    def __init__(self, path, owner):
        self.path = path
        self.owner = owner  # (uid, gid)

    def clear(self):
        for name in os.listdir(self.path):
            full = os.path.join(self.path, name)
            if os.path.isdir(full) and not os.path.islink(full):
                shutil.rmtree(full)
            else:
                os.unlink(full)

    def clear_directory(self, name):
        for entry in os.listdir(self.full(name)):
            os.unlink(os.path.join(self.full(name), entry))

    def full(self, name):
        return os.path.join(self.path, name)

    def everything(self):
        """All that is in the tree: its name, and its lstat(2)."""
        for directory, names, files in os.walk(self.path):
            for name in names + files:
                path = os.path.join(directory, name)
                yield os.path.relpath(path, self.path), os.lstat(path)

    def _own(self, path):
        os.chown(path, *self.owner, follow_symlinks=False)

    def _parents(self, name):
        parent = os.path.dirname(name)
        if parent and not os.path.lexists(self.full(parent)):
            self._parents(parent)
            os.mkdir(self.full(parent))
            self._own(self.full(parent))

    def make(self, entries):
        for name, what in entries.items():
            self.add(name, what)

    def add(self, name, what):
        self._parents(name)
        path = self.full(name)
        if isinstance(what, Link):
            os.symlink(what, path)
        elif isinstance(what, Directory):
            os.mkdir(path)
        elif isinstance(what, Fifo):
            os.mkfifo(path)
        elif isinstance(what, Socket):
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(path)
        else:
            with open(path, "wb") as file:
                file.write(what if isinstance(what, bytes) else what.encode())
            if isinstance(what, Unreadable):
                os.chmod(path, 0)
        self._own(path)
        if isinstance(what, (OldLink, NewLink)):
            moment = time.time() + (3600 if isinstance(what, NewLink) else -3600)
            os.utime(path, (moment, moment), follow_symlinks=False)

    def arm(self, client, target):
        """Arms a client the way an operator does, atomically."""
        self._parents("once/x")
        temporary = self.full(f"once/.arm.{threading.get_ident()}")
        os.symlink(target, temporary)
        self._own(temporary)
        os.rename(temporary, self.full(f"once/{client}"))

    def link(self, name):
        """The text of a link, or None when there is none."""
        try:
            return os.readlink(self.full(name))
        except FileNotFoundError:
            return None

    def is_there(self, name):
        return os.path.lexists(self.full(name))

    def claimed(self):
        try:
            return sorted(os.listdir(self.full("once/.claimed")))
        except (FileNotFoundError, NotADirectoryError):
            return []
