# SPDX-License-Identifier: MIT
"""System calls of a running responder, watched and made to fail by strace."""
import collections
import os
import re
import subprocess

import place
from place import until

EPOLL_WAIT, FLOCK = {
    "x86_64": (232, 73), "aarch64": (22, 32)}[os.uname().machine]

Call = collections.namedtuple("Call", "name number")  # the number-th of its name


def worker(pid):
    """The thread of a responder that has one beside its main thread."""
    def others():
        return [int(t) for t in os.listdir(f"/proc/{pid}/task")
                if int(t) != pid]

    (thread,) = until(others, "the worker")
    return thread


def _is_in(thread, call):
    try:
        with open(f"/proc/{thread}/syscall") as file:
            return file.read().split()[0] == str(call)
    except (FileNotFoundError, ProcessLookupError):
        return False


def _is_asleep(thread):
    """Not stopped by strace, before a call or after it."""
    with open(f"/proc/{thread}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "S"


def is_waiting(thread):
    """Whether a worker waits for something to do."""
    return _is_in(thread, EPOLL_WAIT)


def waits_for_a_lock(thread):
    return _is_in(thread, FLOCK) and _is_asleep(thread)


class Strace:
    """Watches one thread; with inject, it fails some of its calls."""

    def __init__(self, thread, output, inject=None):
        self.output = output
        self.thread = thread
        if os.path.exists(output):
            os.unlink(output)
        if inject:
            name = inject.partition(":")[0]
            what = ["-e", f"trace={name}", "-e", f"inject={inject}"]
        else:
            what = []
        self.process = subprocess.Popen(
            ["strace", "-p", str(thread), "-o", output, *what],
            stderr=subprocess.PIPE)
        said = self.process.stderr.readline()
        assert b"attached" in said, said
        # It was woken up for that: from here on each call is seen.
        until(self._waits_again, "strace watches it")

    def _waits_again(self):
        try:
            return (_is_asleep(self.thread) and is_waiting(self.thread)) or \
                self.has_injected()
        except (FileNotFoundError, ProcessLookupError):
            return True  # killed at its first call

    def text(self):
        with open(self.output, errors="replace") as file:
            return file.read()

    def has_injected(self):
        return "(INJECTED)" in self.text()

    def detach(self):
        self.process.terminate()
        self.process.stderr.read()
        self.process.wait(place.PATIENCE)
        self.process.stderr.close()


def calls_of_a_request(text):
    """The calls from the first thing that was waited for to the last wait."""
    seen, calls = collections.Counter(), []
    for line in re.findall(r"^\w+\(.*$", text, re.MULTILINE):
        name = line.partition("(")[0]
        seen[name] += 1
        if calls or (name == "epoll_wait" and line.endswith("= 1")):
            calls.append(Call(name, seen[name]))
    while calls and calls[-1].name == "epoll_wait":
        calls.pop()
    return calls
