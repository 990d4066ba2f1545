# SPDX-License-Identifier: MIT
"""Each system call of a request fails in turn, in every way it can.

The calls are those that strace sees in one request of a kind. Each is then
made to fail with each error, once and for ever after; the invariant must
hold, and the responder must answer as if nothing had been afterwards.
"""
import collections
import concurrent.futures
import fcntl
import itertools
import os
import select
import struct
import termios
import time

import pytest

import answer
import fastcgi
import place
import strace
from deployments import meta_variables
from place import until
from responder import Responder
from tree import Directory, Link, Tree

# strace(1) and the man pages of the calls; all for each, since file systems
# and security modules bring more than the man pages know.
ERRORS = ["EINTR", "EIO", "ENOMEM", "EMFILE", "ENFILE", "ENOSPC", "EDQUOT",
          "EROFS", "EACCES", "EPERM", "ENOENT", "ESTALE", "EXDEV", "ELOOP",
          "EPIPE", "EAGAIN"]
# Those that will pass: the client is told to come again, never "not found".
PASSING = {"EINTR", "EIO", "ENOMEM", "EMFILE", "ENFILE", "ENOSPC", "EDQUOT",
           "EROFS", "ESTALE", "EPIPE", "EAGAIN"}

# With data there it does not say that there is none; nor does a socket that
# has room, or it would tell epoll of that.
IMPOSSIBLE = {("recvfrom", "EAGAIN"), ("sendto", "EAGAIN")}
# Without these there is no connection any more; nor is there with its other
# reads, which are libfcgi's. Nor is there an answer without the rest of a file.
CONNECTION = {"epoll_ctl", "recvfrom", "read", "sendto"}
REPEATED = {"recvfrom", "sendto", "pread64"}

ONCE, STATIC, OTHER = "127.0.0.7", "127.0.0.8", "127.0.0.9"
NAMED, NAME, UNTIL = "127.0.0.10", "node10", "127.0.0.11"
KEYS = {NAMED: NAME}  # of an entry, where it is not the address
LANES = 6  # each waits most of the time
GLANCE = 0.05  # seconds: how long an answer is waited for before strace goes
# Bytes: more than a socket takes, and less than it takes twice; much more.
LATER, ENDLESS = 50000, 8 << 20

Kind = collections.namedtuple(
    "Kind", "name client params path method keep hangs_up size",
    defaults=[{}, "/redirect", "GET", False, False, 0])

X_ACCEL = {"PXESRV_SEND": "x-accel-redirect"}
KINDS = [
    Kind("default", OTHER), Kind("default anew", OTHER),
    Kind("root anew", OTHER), Kind("default HEAD", OTHER, method="HEAD"),
    Kind("default x-accel", OTHER, X_ACCEL),
    Kind("default x-accel HEAD", OTHER, X_ACCEL, method="HEAD"),
    Kind("static", STATIC), Kind("static HEAD", STATIC, method="HEAD"),
    Kind("static x-accel", STATIC, X_ACCEL),
    Kind("static x-accel HEAD", STATIC, X_ACCEL, method="HEAD"),
    Kind("once", ONCE), Kind("once HEAD", ONCE, method="HEAD"),
    Kind("once x-accel", ONCE, X_ACCEL),
    Kind("once x-accel HEAD", ONCE, X_ACCEL, method="HEAD"),
    Kind("once kept alive", ONCE, keep=True),
    Kind("once later", ONCE, size=LATER),
    Kind("once later kept alive", ONCE, keep=True, size=LATER),
    Kind("once cut off", ONCE, hangs_up=True, size=ENDLESS),
    Kind("once again by grace", ONCE, {"PXESRV_ONCE_GRACE": "3600"}),
    Kind("once absolute link", ONCE),
    Kind("once by name", NAMED), Kind("once by name HEAD", NAMED, method="HEAD"),
    Kind("once by name again by grace", NAMED, {"PXESRV_ONCE_GRACE": "3600"}),
    Kind("once that may expire", ONCE, {"PXESRV_ONCE_EXPIRES": "3600"}),
    Kind("once that has expired", ONCE, {"PXESRV_ONCE_EXPIRES": "3600"}),
    Kind("until", UNTIL), Kind("until HEAD", UNTIL, method="HEAD"),
    Kind("grub clear", ONCE, path="/grub/clear/2"),
    Kind("done", UNTIL, path="/done"),
    Kind("done HEAD", UNTIL, path="/done", method="HEAD"),
    Kind("done by name", NAMED, path="/done"),
]
points = collections.Counter()


def key_of(kind):
    return KEYS.get(kind.client, kind.client)


def armed_key(kind):
    """Whose link each request of the kind finds in once/."""
    return key_of(kind) if is_once(kind) else ONCE


def is_once(kind):
    return kind.client in (ONCE, NAMED) and kind.path == "/redirect"


class Lane:
    """A tree and a responder of its own, for one fault at a time."""

    def __init__(self, number, directory):
        self.directory = os.path.join(directory, f"lane{number}")
        os.mkdir(self.directory)
        self.above = Tree(os.path.join(place.ROOT, f"lane{number}"),
                          place.OWNER)
        os.mkdir(self.above.path)
        os.chown(self.above.path, *place.OWNER)
        self.above.make({"tree": Directory(), "root": Link("tree"),
                         "other/default": "default"})
        self.tree = Tree(self.above.full("tree"), place.OWNER)
        self.tree.make({
            "default": "default", "once/.lock": "",
            "once/.claimed": Directory(), "once/.served": Directory(),
            "grub/2": Directory(), "os/default": "static",
            f"names/{NAMED}": Link(NAME), "until/.done": Directory(),
            f"static/{STATIC}": Link("../os/default")})
        self.path = f"/run/pxesrv/lane{number}.sock"
        self.log = f"/var/log/lane{number}.log"
        self.armings = itertools.count()
        self.responder = None
        self.start()

    def start(self):
        if self.responder:
            self.responder.stop()
        self.responder = Responder(
            os.path.join(self.directory, "stderr"), path=self.path,
            env={"PXESRV_ROOT": self.above.full("root"), "PXESRV_LOG": self.log,
                 "PXESRV_THREADS": "1"})
        self.thread = strace.worker(self.responder.pid)
        # The first request sets up the memory of the thread, and what is kept:
        # a default that is not quite new. The first claim begins its names.
        default = self.tree.full("default")
        until(lambda: time.time() - os.stat(default).st_ctime > 0.2,
              "it is no new one")
        self.descriptors = None
        self.tree.arm(OTHER, "../default")
        for _ in range(2):
            self.ask(OTHER)
        self.settle()
        os.unlink(self.tree.full(f"once/.served/{OTHER}"))
        self.descriptors = self.responder.descriptors()

    def is_settled(self):
        # Fewer: a fault may be why nothing is kept (see tree_cache.c).
        return strace.is_waiting(self.thread) and (
            self.descriptors is None or
            self.responder.descriptors() <= self.descriptors)

    def settle(self, leaks=False):
        """Waits for the end of a request; its connection is closed."""
        until(lambda: not self.responder.is_running() or
              (strace.is_waiting(self.thread) if leaks
               else self.is_settled()), "no descriptor leaks")
        assert self.responder.is_running(), (
            f"it ended: {self.responder.process.returncode} "
            f"{self.responder.messages()}")

    def is_sending(self):
        """Whether an answer waits for its peer, and the thread for either."""
        return self.responder.is_sending() and strace.is_waiting(self.thread)

    def has_sent(self):
        return not self.responder.is_sending() and \
            strace.is_waiting(self.thread)

    def has_accepted(self, before):
        return self.responder.descriptors() > before and \
            strace.is_waiting(self.thread)

    def point(self, name):
        """Has the root be another directory."""
        self.above.add("new", Link(name))
        os.rename(self.above.full("new"), self.above.full("root"))

    def ask(self, client, **params):
        variables = {**meta_variables("GET", "/redirect", client), **params}
        return answer.from_cgi(fastcgi.ask(self.path, variables))

    def places(self, name):
        """Where the link in once/ is whose text ends in name."""
        return self.places_in("once", ("", "/.claimed", "/.served"), name)

    def until_places(self, name):
        return self.places_in("until", ("", "/.done"), name)

    def places_in(self, top, parts, name):
        found = []
        for where in parts:
            directory = self.tree.full(top + where)
            for entry in os.listdir(directory):
                full = os.path.join(directory, entry)
                if os.path.islink(full) and \
                        os.readlink(full).endswith("/" + name):
                    found.append(where[2:] or "armed")
        return found

    def arm(self, kind):
        """What there is before the request; the name of the boot file."""
        # After a fault, too, what is kept is kept again.
        assert self.ask(OTHER).body == b"default"
        name = f"n{next(self.armings)}"
        self.tree.add(f"os/{name}", name.encode() + bytes(kind.size))
        target = f"../os/{name}"
        if kind.name == "once absolute link":
            target = self.tree.full(f"os/{name}")
        self.tree.arm(armed_key(kind), target)
        if kind.name == "once that has expired":
            hour_ago = time.time() - 3601
            os.utime(self.tree.full(f"once/{ONCE}"), (hour_ago, hour_ago),
                     follow_symlinks=False)
        if kind.name.endswith("again by grace"):
            assert self.ask(kind.client).body == name.encode()
        if kind.path.startswith("/grub"):
            self.tree.add("grub/2/grub.cfg-7F000007", "x")
        if kind.client == UNTIL or kind.path == "/done":
            self.tree.add(f"until/{key_of(kind)}", Link(target))
        if kind.name == "default anew":
            os.utime(self.tree.full("default"))
        if kind.name == "root anew":
            self.point("other")
            assert self.ask(OTHER).body == b"default"
            self.point("tree")
        self.settle()
        open(self.log, "w").close()
        return name

    def tidy(self, name):
        for path in (f"os/{name}", "grub/2/grub.cfg-7F000007",
                     *(where + key for key in (ONCE, NAME, UNTIL)
                       for where in ("once/", "once/.served/", "until/",
                                     "until/.done/")),
                     *(f"once/.claimed/{c}" for c in self.tree.claimed())):
            if os.path.lexists(self.tree.full(path)):
                os.unlink(self.tree.full(path))


class Connection(fastcgi.Connection):
    """One that can take what lies in its socket, to look at it later."""

    taken = b""

    def take(self):
        waiting = fcntl.ioctl(self.socket, termios.FIONREAD, bytes(4))
        self.taken += super()._exactly(*struct.unpack("i", waiting))

    def _exactly(self, n):
        out, self.taken = self.taken[:n], self.taken[n:]
        return out + super()._exactly(n - len(out))


class Peer:
    """The web server's side of one request of a kind."""

    def __init__(self, lane, kind):
        self.lane, self.kind = lane, kind
        variables = meta_variables(kind.method, kind.path, kind.client)
        variables.update(kind.params)
        if kind.keep:
            # A connection that has had an answer before.
            self.connection = Connection(lane.path)
            self.connection.send(fastcgi.request(
                {**variables, "REMOTE_ADDR": OTHER}, keep=True))
            self.connection.read_answer()
            until(lambda: strace.is_waiting(lane.thread), "it is kept")
        self.request = fastcgi.request(variables, keep=kind.keep)

    def send(self, has_failed):
        """In two steps, so that each request of a kind makes the same calls."""
        self.has_failed = has_failed
        if not self.kind.keep:
            before = self.lane.responder.descriptors()
            self.connection = Connection(self.lane.path)
            until(lambda: self.lane.has_accepted(before) or has_failed(),
                  "it is accepted")
        try:
            self.connection.send(self.request)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused already, which read() will tell

    def take(self):
        """Takes the beginning of an answer, which has the rest sent.

        In two steps, too: each answer is then cut at the same calls."""
        until(lambda: self.lane.is_sending() or self.has_failed() or
              not self.lane.responder.is_running(), "it waits for its peer")
        if self.has_failed():
            return
        if self.kind.hangs_up:
            self.close()
            return
        self.connection.take()
        until(lambda: self.lane.has_sent() or self.has_failed() or
              not self.lane.responder.is_running(), "it has sent the rest")

    def glance(self):
        """Whether something has come within a moment."""
        ready, _, _ = select.select(
            [self.connection.socket], [], [], GLANCE)
        return bool(ready)

    def read(self):
        """The answer, or None when the connection was closed without."""
        try:
            return self.read_open()
        finally:
            self.close()

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def read_open(self):
        if self.connection is None:
            return None
        try:
            if self.kind.hangs_up:
                self.connection._exactly(1000)
                return None
            return answer.from_cgi(self.connection.read_answer())
        except (fastcgi.Closed, ConnectionResetError):
            return None


def calls_of(lane, kind):
    """The calls that one request of a kind makes when nothing fails."""
    name = lane.arm(kind)
    peer = Peer(lane, kind)
    watching = strace.Strace(
        lane.thread, os.path.join(lane.directory, "calls"))
    peer.send(lambda: False)
    if kind.size:
        peer.take()
    if kind.keep:
        peer.read_open()
        until(lambda: strace.is_waiting(lane.thread), "it is kept")
    else:
        peer.read()
        lane.settle()
    watching.detach()
    peer.close()
    lane.tidy(name)
    return strace.calls_of_a_request(watching.text())


def faulty_request(lane, kind, call, error, when):
    peer = Peer(lane, kind)
    injecting = strace.Strace(
        lane.thread, os.path.join(lane.directory, "strace"),
        f"{call.name}:error={error}:when={call.number}{when}")
    try:
        peer.send(injecting.has_injected)
        if kind.size:
            peer.take()
        until(lambda: injecting.has_injected() or
              not lane.responder.is_running(), "the call")
        # What fails for ever may hold the answer up for as long.
        if when and not kind.hangs_up:
            peer.glance()
    finally:
        injecting.detach()
    got = peer.read()
    if call.name == "close" and lane.responder.is_running():
        # Descriptors don't tell. But its only thread comes to this last.
        assert lane.ask(OTHER).body == b"default"
    lane.settle(leaks=call.name == "close")
    return got, injecting.text().count("(INJECTED)")


def served_text(got):
    """The name of the boot file in an answer, whichever way it comes."""
    if got is None or got.status != 200:
        return None
    path = got.headers.get("x-accel-redirect")
    if path:
        return path.rpartition("/")[2]
    # One to a HEAD has none.
    assert not got.body or len(got.body) == got.length
    return got.body.rstrip(b"\0").decode()


def check_answer(kind, call, error, when, got):
    if got is None:
        assert kind.hangs_up or call.name in CONNECTION or (
            call.name == "pread64" and call.number > 1), "no answer"
        assert kind.hangs_up or (error, when) != ("EINTR", "") or \
            call.name not in REPEATED, "interrupted, and no answer"
        return
    allowed = {200, 503}
    if error not in PASSING:
        allowed |= {403, 404}
    if kind.path != "/redirect":
        allowed |= {400}
    assert got.status in allowed, f"status {got.status}"
    if got.status == 503:
        assert got.headers["retry-after"] == "5"
    if got.status != 200 and kind.method == "GET" and got.status != 400:
        assert got.body.startswith(b"# ") and got.body.endswith(b"\n")


def check_invariant(lane, kind, call, error, got, name):
    """Where the link is, against what the client was told."""
    with open(lane.log) as file:
        log = file.read()
    places = lane.places(name)
    text = served_text(got)
    first = {STATIC: "static", OTHER: "default"}.get(kind.client, name)
    if kind.name == "once that has expired":
        first = "default"
    if kind.client == UNTIL:
        assert lane.until_places(name) == ["armed"]
    if kind.method == "HEAD":
        assert places == ["armed"]
        return
    lost = "was removed" in log
    assert len(places) == (0 if lost else 1), f"the link is at {places}"
    # The file's name is what nginx is told, where its path can be told.
    if text == "default" and kind.client == STATIC:
        text = "static"
    if error == "ENOENT" and call.name in ("readlinkat", "renameat",
                                           "newfstatat", "openat"):
        # Then there is no such entry, and the next one decides.
        assert text in (None, first, "default"), text
    else:
        assert text in (None, first), text
    if not is_once(kind):
        return
    if kind.name == "once that has expired":
        assert places == ["armed"], places
        return
    if kind.name.endswith("again by grace"):
        assert places == ["served"] or places == ["armed"], places
        return
    assert text == name or "served" not in places, "served without an answer"
    if text == name:
        assert "armed" not in places, "answered and armed"
    elif "claimed" in places:
        # The log tells, if that can still be written.
        assert call.name in ("write", "renameat2") or "left at" in log or \
            "stays at" in log, log


def check_redirect(lane, kind, call, error, when):
    name = lane.arm(kind)
    try:
        got, injected = faulty_request(lane, kind, call, error, when)
        check_answer(kind, call, error, when, got)
        check_invariant(lane, kind, call, error, got, name)
        if call.name == "close":
            # strace lets the call fail without closing, as no kernel does.
            lane.start()
        assert lane.ask(OTHER).body == b"default"
        armed = "armed" in lane.places(name)
        if not kind.hangs_up:
            want = name.encode() + bytes(kind.size) if armed else b"default"
            asker = kind.client if is_once(kind) else ONCE
            assert lane.ask(asker).body == want
            lane.settle()
    finally:
        lane.tidy(name)
    return injected


def check_grub(lane, kind, call, error, when):
    name = lane.arm(kind)
    file = lane.tree.full("grub/2/grub.cfg-7F000007")
    try:
        got, injected = faulty_request(lane, kind, call, error, when)
        check_answer(kind, call, error, when, got)
        if got and got.status != 200:
            assert os.path.exists(file), "removed, but not told"
        if got and got.status == 200:
            assert not os.path.exists(file), "told, but not removed"
        if call.name == "close":
            lane.start()
    finally:
        lane.tidy(name)
    return injected


def check_done(lane, kind, call, error, when):
    """Done is what is in until/.done/, whatever the machine was told."""
    name = lane.arm(kind)
    try:
        got, injected = faulty_request(lane, kind, call, error, when)
        check_answer(kind, call, error, when, got)
        places = lane.until_places(name)
        assert len(places) == 1, f"the link is at {places}"
        if kind.method == "HEAD":
            assert places == ["armed"]
        elif got:
            assert (got.status == 200) == (places == ["done"]), got.status
            assert got.status != 400 or error == "ENOENT", "it is not missing"
        if call.name == "close":
            lane.start()
        # What is not done goes on, and can be done.
        is_armed = places == ["armed"]
        assert lane.ask(kind.client).body == (
            name.encode() if is_armed else b"default")
        again = lane.ask(kind.client, REQUEST_URI="/done")
        assert again.status == (200 if is_armed else 400)
        assert lane.until_places(name) == ["done"]
        lane.settle()
    finally:
        lane.tidy(name)
    return injected


@pytest.fixture(scope="module")
def lanes(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("faults"))
    lanes = [Lane(number, directory) for number in range(LANES)]
    yield lanes
    for lane in lanes:
        lane.responder.stop()
        os.unlink(lane.log)
        lane.above.clear()
        os.rmdir(lane.above.path)
    place.figure(
        f"faults: {points['points']} points ({points['calls']} calls of "
        f"{len(KINDS)} kinds of request, {len(ERRORS)} errors, once and for "
        "ever)")


def check_points(lanes, kind, errors, whens):
    """Each call of a request of a kind fails with each of the errors."""
    calls = calls_of(lanes[0], kind)
    assert len(calls) > 10, calls
    assert "accept4" in {c.name for c in calls} or kind.keep
    todo = collections.deque(
        (call, error, when)
        for call, error, when in itertools.product(calls, errors, whens)
        if (call.name, error) not in IMPOSSIBLE)
    failures = []
    check = {"/redirect": check_redirect, "/done": check_done}.get(
        kind.path, check_grub)

    def work(lane):
        while todo and len(failures) < 20:
            call, error, when = todo.popleft()
            try:
                injected = check(lane, kind, call, error, when)
                assert injected, "nothing was injected"
                points["points"] += 1
            except (AssertionError, TimeoutError) as failure:
                failures.append(
                    f"{call.name} {call.number}{when} {error}: {failure}")
                if not lane.responder.is_running():
                    lane.responder = None
                lane.start()

    with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        for done in [pool.submit(work, lane) for lane in lanes]:
            done.result()
    points["calls"] += len(calls)
    assert not failures, "\n".join(failures)


@pytest.mark.deep
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_call_fails(lanes, kind):
    check_points(lanes, kind, ERRORS, ["", "+"])


@pytest.mark.parametrize("name", ["once", "done by name"])
def test_each_call_fails_in_one_way(lanes, name):
    """A sample of the others, which shows that they would notice."""
    (kind,) = [kind for kind in KINDS if kind.name == name]
    check_points(lanes, kind, ["EIO"], [""])
