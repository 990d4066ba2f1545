# SPDX-License-Identifier: MIT
"""What is asked of CephFS alone: its calls, its clients that freeze or die."""
import collections
import ctypes
import errno
import fcntl
import os
import signal
import struct
import subprocess
import threading
import time

import scenarios
from place import clean_env
from scenarios import say, seconds

F_OFD_SETLK = 37
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
SYS_OPENAT2 = 437  # on every architecture
RESOLVE_BENEATH = 8
FREE_LIMIT = 10  # seconds until a lock is free for the other server
libc = ctypes.CDLL(None, use_errno=True)


def outcome(call, *arguments):
    """"ok", or the error's name."""
    try:
        call(*arguments)
        return "ok"
    except OSError as failure:
        return errno.errorcode[failure.errno]


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def renameat2(old, new, flags):
    checked(libc.renameat2(-100, old.encode(), -100, new.encode(), flags))


def openat2(directory, path, flags, resolve):
    how = struct.pack("=QQQ", flags, 0, resolve)
    return checked(libc.syscall(SYS_OPENAT2, directory, path.encode(), how,
                                len(how)))


def flock(fd):
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def ofd_lock(fd):
    fcntl.fcntl(fd, F_OFD_SETLK,
                struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))


def one_at_a_time(paths, lock, spent=3):
    """Eight threads over both mounts. How often one had it, and overlaps."""
    inside, had, overlaps = [0], [0], [0]
    limit = time.monotonic() + spent

    def run(path):
        while time.monotonic() < limit:
            fd = os.open(path, os.O_RDWR)
            if outcome(lock, fd) == "ok":
                inside[0] += 1
                had[0] += 1
                overlaps[0] += inside[0] != 1
                time.sleep(.0005)
                overlaps[0] += inside[0] != 1
                inside[0] -= 1
            os.close(fd)
            time.sleep(.0002)

    threads = [threading.Thread(target=run, args=(path,))
               for path in paths * scenarios.ASKERS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return had[0], overlaps[0]


def seconds_until_free(lock, fd):
    """Until it can be locked; more than FREE_LIMIT if it can't be by then."""
    begun = time.monotonic()
    while outcome(lock, fd) != "ok":
        if time.monotonic() - begun > FREE_LIMIT:
            break
    return time.monotonic() - begun


def locks(pair, _number):
    failures = 0
    pair.a.tree.add("locked", "")
    paths = [one.tree.full("locked") for one in pair.both]
    for name, lock in (("flock", flock), ("OFD lock", ofd_lock)):
        first, second = (os.open(path, os.O_RDWR) for path in paths)
        got = outcome(lock, first), outcome(lock, second)
        os.close(first)
        freed = seconds_until_free(lock, second)
        failures += freed > FREE_LIMIT
        os.close(second)
        # One whose holder is killed.
        holder = subprocess.Popen(
            ["flock", "-n", paths[0], "sleep", "100"] if lock is flock else
            ["python3", "-c", f"""
import fcntl, os, struct, time
fcntl.fcntl(os.open({paths[0]!r}, os.O_RDWR), {F_OFD_SETLK},
            struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
time.sleep(100)"""], env=clean_env(), start_new_session=True)
        time.sleep(1)
        second = os.open(paths[1], os.O_RDWR)
        held = outcome(lock, second)
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()
        died = seconds_until_free(lock, second)
        failures += died > FREE_LIMIT
        os.close(second)
        had, overlaps = one_at_a_time(paths, lock)
        say(f"{name}: A {got[0]}, meanwhile B {got[1]}; free for B {freed:.3f} "
            f"s after it was closed; held by another process: {held}, free "
            f"{died:.3f} s after that was killed; {had} times locked by eight, "
            f"{overlaps} overlaps")
        failures += got != ("ok", "EAGAIN") or held != "EAGAIN" or overlaps > 0
    os.unlink(paths[0])
    return failures


def calls(pair, _number):
    """The system calls whose results depend on the file system."""
    a, b = (one.tree.full("calls") for one in pair.both)
    os.mkdir(a)

    def fresh():
        for name in os.listdir(a):
            os.unlink(a + "/" + name)
        os.symlink("one", a + "/x")
        os.symlink("two", a + "/y")

    def said(what, result):
        say(f"{what}: {result}")

    fresh()
    said("rename onto another link", outcome(os.rename, a + "/x", a + "/y"))
    fresh()
    said("renameat2(RENAME_NOREPLACE), free", outcome(
        renameat2, a + "/x", a + "/z", RENAME_NOREPLACE))
    fresh()
    said("renameat2(RENAME_NOREPLACE), taken", outcome(
        renameat2, a + "/x", a + "/y", RENAME_NOREPLACE))
    fresh()
    said("renameat2(RENAME_EXCHANGE)", outcome(
        renameat2, a + "/x", a + "/y", RENAME_EXCHANGE))
    fresh()
    said("linkat of a link, free", outcome(
        lambda: os.link(a + "/x", a + "/z", follow_symlinks=False)))
    said("linkat of a link, taken at the other mount", outcome(
        lambda: os.link(b + "/x", b + "/y", follow_symlinks=False)))
    said("open of a link with O_NOFOLLOW", outcome(
        os.open, b + "/x", os.O_RDONLY | os.O_NOFOLLOW))
    said("utimensat of a link with AT_SYMLINK_NOFOLLOW", outcome(
        lambda: os.utime(b + "/x", follow_symlinks=False)))
    times = [os.lstat(one + "/x").st_mtime_ns for one in (a, b)]
    said("its time at both mounts", "the same" if times[0] == times[1] else times)
    inodes = [os.lstat(one + "/x").st_ino for one in (a, b)]
    said("inode numbers at both mounts",
         "the same" if inodes[0] == inodes[1] else inodes)
    root = os.open(b, os.O_PATH | os.O_DIRECTORY)
    with open(a + "/one", "w") as file:
        file.write("1")
    said("openat2(RESOLVE_BENEATH) of a file", outcome(
        openat2, root, "one", os.O_RDONLY, RESOLVE_BENEATH))
    said("openat2(RESOLVE_BENEATH) of ..", outcome(
        openat2, root, "../default", os.O_RDONLY, RESOLVE_BENEATH))
    os.close(root)
    said("stat -f", subprocess.run(
        ["stat", "-f", "-c", "type %T, 0x%t", b], capture_output=True,
        text=True, check=True).stdout.strip())
    with open("/proc/self/mountinfo") as file:
        said("/proc/self/mountinfo", *(
            line.split(" - ")[1].split()[0] for line in file
            if f" {pair.b.mount} " in line))
    for one in pair.both:
        with open(one.log) as file:
            notes = [line for line in file if "sandbox" in line]
        said(f"{one.letter} says", notes[0].strip() if notes else "no sandbox")
    fresh()
    for name in os.listdir(a):
        os.unlink(a + "/" + name)
    os.rmdir(a)
    return 0


def crowd(pair, number):
    """As many machines ask at once as there are, half of them at each."""
    clients = [next(pair.clients) for _ in range(number)]
    name = next(pair.names)
    pair.a.tree.add("os/" + name, name)
    for client in clients:
        pair.a.arm(client, name)
    came, took = collections.Counter(), []
    gate = threading.Barrier(number + 1)

    def run(index, client):
        gate.wait()
        begun = time.monotonic()
        tries = 0
        while True:
            text = pair.both[index % 2].ask(client)
            tries += 1
            if text == name or tries > 60:
                break
            came[(text or "no answer")[:3]] += 1
            time.sleep(1)
        took.append(time.monotonic() - begun)
        came["right" if text == name else "never"] += 1

    threads = [threading.Thread(target=run, args=one)
               for one in enumerate(clients)]
    for thread in threads:
        thread.start()
    gate.wait()
    for thread in threads:
        thread.join()
    say(f"{number} machines, each asks again a second after 503: {dict(came)}; "
        f"it took {seconds(took)}")
    pair.settle()
    pair.clear()
    pair.remove([name])
    return number - came["right"]


def away(pair, number):
    """B is frozen, or dies, as a machine without power does. What is asked at A
    meanwhile waits until the MDS gives B up."""
    twice = 0
    for what, number_sent in (("frozen", signal.SIGSTOP),
                              ("dead", signal.SIGKILL)) * number:
        client, other = (next(pair.clients) for _ in range(2))
        pair.b.arm(client, "old")
        pair.b.ask(client, "HEAD")
        halted = pair.system.daemons["b"].process
        halted.send_signal(number_sent)
        took, came = {}, {}

        def ask(who):
            begun, tries = time.monotonic(), 0
            while time.monotonic() < begun + 400:
                came[who] = pair.a.ask(who)
                tries += 1
                if came[who] in ("old", "default"):
                    break
                time.sleep(.2)
            took[who] = time.monotonic() - begun, tries

        threads = [threading.Thread(target=ask, args=(who,))
                   for who in (client, other)]
        for thread in threads:
            thread.start()
            time.sleep(2)  # that one waits by now
        for thread in threads:
            thread.join()
        halted.send_signal(signal.SIGCONT)
        say(f"B {what}: A answers the armed client with {came[client]} after "
            f"{took[client][0]:.1f} s ({took[client][1]} tries), another one with "
            f"{came[other]} after {took[other][0]:.1f} s ({took[other][1]} tries)")
        if what == "frozen":
            text = pair.b.ask(client)
            say(f"B frozen: it goes on, and answers {text!r}")
            twice += text == "old"
        pair.system.remount(pair.b)
        twice += pair.b.ask(client) != "default"
    pair.settle()
    pair.clear()
    return twice


def crash(pair, number):
    """The MDS and the machine of A die right after A has answered.

    The link was armed durably; it must not be armed again."""
    came = collections.Counter()
    pair.system.configure("mds_reconnect_timeout", "5")
    for turn in range(number):
        client, server = next(pair.clients), pair.both[turn % 2]
        server.arm(client, "old")
        fd = os.open(server.tree.full("once"), os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
        first = pair.a.ask(client)
        for name in "mds", "a":
            pair.system.daemons[name].process.kill()
        pair.system.daemons["mds"].process.wait()
        pair.system.start_mds()
        pair.system.remount(pair.a)
        limit = time.monotonic() + 60
        while (second := pair.b.ask(client)) not in ("old", "default") and \
                time.monotonic() < limit:
            time.sleep(.5)
        came[f"{first}, then {second}"] += 1
    say(f"{dict(came)}")
    pair.settle()
    pair.clear()
    return number - came["old, then default"]


def evicted(pair, number):
    """The MDS throws out A's client, as after a cut of five minutes."""
    failures = 0
    for _ in range(number):
        client = next(pair.clients)
        pair.a.arm(client, "old")
        pair.system.evict(pair.a.mount)
        at_a = pair.a.ask(client), pair.a.ask(next(pair.clients))
        at_b = pair.b.ask(client)
        say(f"evicted A answers {at_a[0]!r}, default: {at_a[1]!r}; B: {at_b!r}")
        pair.system.remount(pair.a, restart=False)
        after = pair.a.ask(next(pair.clients))
        say(f"mounted anew, A answers {after!r}")
        pair.a.kill()
        again = pair.a.ask(client)
        say(f"started anew, A answers {again!r}")
        failures += "old" in at_a or at_b != "old" or again != "default"
    pair.settle()
    pair.clear()
    return failures


SCENARIOS = {
    "calls": (calls, 1),
    "locks": (locks, 1),
    "crowd": (crowd, 200),
    "away": (away, 1),
    "evicted": (evicted, 1),
    "crash": (crash, 5),
}
