# SPDX-License-Identifier: MIT
"""What two responders do with one tree, each on a mount of its own of it.

Nothing here knows the file system. Whoever calls main() has mounted the tree twice,
and hands over an object that can break the file system and repair it:

    faults     {name: function}; each returns when the file system works again
    forget()   optional: both mounts forget what they remember

What runs is place.FCGI and place.CTL, and what it writes is in /run.
"""
import collections
import itertools
import os
import random
import re
import subprocess
import threading
import time

import answer
import fastcgi
import place
from deployments import meta_variables
from held import HeldSocket
from tree import Directory, Tree
from waiting import CLOCK, Waiting

ASKERS = 4  # on each mount
ANSWER_LIMIT = 180  # seconds: so long may a fault hold up an answer
ARMED_LIMIT = 120  # seconds until a link that nobody got is got after all
AGREE_LIMIT = 90  # seconds until both mounts show the same
FAULT_EVERY = 20  # seconds
PROMPT_LIMIT = 90
RETRY_AFTER = 5  # seconds, as the header says
TOLD_LIMIT = 20  # seconds until pxesrvctl wait says it; it looks each second
CLIENTS = 24  # that take turns in a race, so each is armed again and again


def shown(tree):
    """{name: [where it is]}, of all once links of a tree."""
    found = collections.defaultdict(list)
    for where in ("once", "once/.claimed", "once/.served"):
        if not tree.is_there(where):
            continue
        for entry in os.scandir(tree.full(where)):
            if entry.is_symlink():
                name = os.path.basename(os.readlink(entry.path))
                found[name].append(os.path.basename(where))
    return dict(found)


class Server:
    """A responder on one of the mounts."""

    def __init__(self, mount, letter):
        self.letter = letter
        self.mount = mount
        self.tree = Tree(mount, place.OWNER)
        directory = f"/run/server-{letter}"
        self.log = directory + "/log"
        os.makedirs(directory, exist_ok=True)
        with open(self.log, "w"):
            os.chown(self.log, *place.OWNER)
        self.held = HeldSocket(directory, directory + "/socket",
                               {"PXESRV_ROOT": mount, "PXESRV_LOG": self.log,
                                "PXESRV_THREADS": "16"})
        self.one = self.held.start()

    def ask(self, client, method="GET", path="/redirect"):
        """The boot file's text, its length for HEAD; or None: no whole answer;
        or a status that is not 200, with what is said of it."""
        try:
            with fastcgi.Connection(self.held.path, ANSWER_LIMIT) as peer:
                peer.send(fastcgi.request(
                    meta_variables(method, path, client)))
                got = answer.from_cgi(peer.read_answer())
        except (OSError, fastcgi.Closed):
            return None
        if got.status != 200:
            return f"{got.status} {got.body.decode(errors='replace').strip()}"
        return str(got.length) if method == "HEAD" else got.body.decode()

    def kill(self):
        """It crashes. Its socket stays, as systemd keeps it, for the next one."""
        self.one.process.kill()
        self.revive()

    def revive(self):
        """It has ended, or is about to, and another one takes its place."""
        self.one.process.wait(ANSWER_LIMIT)
        self.held.running.remove(self.one)
        self.one = self.held.start()

    def ctl(self, *arguments):
        done = subprocess.run(
            [place.CTL, *arguments], capture_output=True, text=True,
            env=place.clean_env(PXESRV_ROOT=self.mount), timeout=ANSWER_LIMIT)
        assert done.returncode == 0, done.stderr

    def once(self, client):
        return self.tree.full("once/" + client)

    def arm(self, client, name):
        """As ln -s does: it fails where the client is armed."""
        os.symlink(f"../os/{name}", self.once(client))

    def replace(self, client, name):
        """As ln -sfn does."""
        self.tree.arm(client, f"../os/{name}")

    def cancel(self, client):
        os.unlink(self.once(client))

    def is_armed(self, client):
        return self.tree.is_there("once/" + client)

    def shows(self):
        return shown(self.tree)


class Pair:
    def __init__(self, system, mounts):
        self.system = system
        # Not all at once: the first makes the tree, the second has to see it.
        tree = Tree(mounts[0], place.OWNER)
        os.chmod(mounts[0], 0o755)
        for name, what in {"default": "default", "static": Directory(),
                           "once": Directory(), "os": Directory(),
                           "until": Directory(),
                           "once/.claimed": Directory(),
                           "once/.served": Directory(), "os/old": "old",
                           "os/new": "newer"}.items():
            if not tree.is_there(name):
                tree.add(name, what)
        self.forget()
        self.a, self.b = (Server(mount, letter)
                          for mount, letter in zip(mounts, "AB"))
        self.both = (self.a, self.b)
        self.clients = (f"10.{i}.{j}.{k}" for i in range(256)
                        for j in range(256) for k in range(1, 255))
        self.names = map("n{}".format, itertools.count())

    def forget(self):
        getattr(self.system, "forget", lambda: None)()

    def settle(self):
        """Waits for both mounts to show the same for a second. What they show."""
        limit = time.monotonic() + AGREE_LIMIT
        before = None
        while time.monotonic() < limit:
            self.forget()
            now = [one.shows() for one in self.both]
            if now[0] == now[1] == before:
                return before
            before = now[0]
            time.sleep(1)
        raise AssertionError("the mounts do not agree")

    def clear(self):
        self.settle()
        for part in ("once", "once/.claimed", "once/.served"):
            for entry in os.scandir(self.a.tree.full(part)):
                if entry.is_symlink():
                    os.unlink(entry.path)
        self.forget()

    def remove(self, names):
        for name in names:
            os.unlink(self.a.tree.full("os/" + name))

    def close(self):
        for one in self.both:
            one.held.close()


def alike(counts):
    """Counts of texts, without what each alone says."""
    out = collections.Counter()
    for text, count in counts.items():
        out[re.sub(r"\d+\.\d+\.\d+\.\d+", "CLIENT",
                   re.sub(r"\bn\d+", "NAME", text))] += count
    return dict(out)


def say(text):
    print("    " + text, flush=True)


def seconds(values):
    """Percentiles, to be read."""
    values = sorted(values)
    if not values:
        return "none"
    return ", ".join(f"{label} {values[int((len(values) - 1) * part)]:.3f}"
                     for label, part in (("p50", .5), ("p99", .99),
                                         ("max", 1))) + " s"


# Sequences in which a server may remember a name that the other one has changed.

def again(first, between, arm_again):
    """A client is armed, asks at A, is armed anew at A, and asks at B."""
    def sequence(pair, client):
        first(pair).arm(client, "old")
        between(pair, client)
        got = pair.a.ask(client)
        arm_again(pair, client)
        return got, pair.b.ask(client)
    return sequence


def nothing(_pair, _client):
    pass


def at_a(pair):
    return pair.a


def at_b(pair):
    return pair.b


def link(pair, client):
    pair.a.arm(client, "new")


SEQUENCES = {
    "armed on B, GET at A, ln -s on A, GET at B": again(at_b, nothing, link),
    "armed on A, HEAD at B, GET at A, ln -s on A, GET at B": again(
        at_a, lambda pair, client: pair.b.ask(client, "HEAD"), link),
    "armed on A, pxesrvctl list on B, GET at A, ln -s on A, GET at B": again(
        at_a, lambda pair, client: pair.b.ctl("list"), link),
    "armed on B, GET at A, pxesrvctl once on A, GET at B": again(
        at_b, nothing,
        lambda pair, client: pair.a.ctl("once", client, "os/new")),
}
OUTCOMES = ("right", "wrong", "unanswered", "later", "other")


def outcome(pair, client, first, second):
    """What came of a sequence. The new link is the right one.

    wrong: the old one was answered twice. unanswered: the new one is gone, and
    nobody had it. later: it is still armed, and answered in the end."""
    if first != "old":
        return "other"
    if second == "newer":
        # Once is once: nobody gets it again.
        third = [one.ask(client) for one in pair.both]
        return "right" if third == ["default"] * 2 else "wrong"
    if second == "old":
        return "wrong"
    if second != "default":
        return "other"
    limit = time.monotonic() + ARMED_LIMIT
    while time.monotonic() < limit:
        if pair.b.ask(client) == "newer":
            return "later"
        if pair.a.ask(client) == "newer":
            return "later"
        pair.forget()
        if not pair.a.is_armed(client):
            break
        time.sleep(.2)
    return "unanswered"


def sequences(pair, number):
    failures = 0
    for name, sequence in SEQUENCES.items():
        came, gone = collections.Counter(), 0
        for _ in range(number):
            client = next(pair.clients)
            first, second = sequence(pair, client)
            what = outcome(pair, client, first, second)
            if what == "wrong" and second == "old":
                # It has taken the new one's place.
                pair.forget()
                gone += not pair.a.is_armed(client)
            if what == "other":
                say(f"{client}: {first}, then {second}")
            came[what] += 1
        say(f"{name}: " + ", ".join(
            f"{came[what]} {what}" for what in OUTCOMES if came[what]) +
            (f" ({gone} of them with the new link used up)" if gone else ""))
        failures += number - came["right"] - came["later"]
        pair.clear()
    return failures


class Beside:
    """Has its run() beside the block of a with. When the block ends, over is set."""

    def __init__(self):
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class Faults(Beside):
    """Breaks something every 20 seconds: in turn, each responder, and the file
    system in each of its ways."""

    def __init__(self, pair):
        super().__init__()
        kinds = []
        for name, fault in pair.system.faults.items():
            kinds += [(f"{one.letter} killed", one.kill) for one in pair.both]
            kinds.append((name, fault))
        self.kinds = itertools.cycle(kinds)
        self.count = collections.Counter()
        self.took = collections.defaultdict(list)
        self.failure = None

    def run(self):
        while not self.over.wait(FAULT_EVERY):
            name, fault = next(self.kinds)
            begun = time.monotonic()
            try:
                fault()
            except BaseException as failure:
                self.failure = failure
                raise
            self.count[name] += 1
            self.took[name].append(time.monotonic() - begun)

    def counts(self):
        return ", ".join(f"{name} {count} times"
                         for name, count in self.count.items()) or "none"


class Book:
    """Which link was armed for whom, and who was answered with it.

    A link is armed only where none is, as ln -s does. So whatever was armed for a
    client before it was claimed, and must have been answered, unless a crash or a
    cut-off answer can account for it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.client = {}    # name: client
        self.since = {}     # name: when it was armed
        self.until = {}     # name: when the next one was armed for the client
        self.latest = {}    # client: name
        self.answers = collections.Counter()  # name
        self.cut = collections.defaultdict(list)  # client: begin and end
        self.wrong = []

    def arming(self, client, name):
        with self.lock:
            self.client[name] = client
            self.since[name] = time.monotonic()

    def armed(self, client, name):
        with self.lock:
            self.until[self.latest.get(client)] = time.monotonic()
            self.latest[client] = name

    def unarmed(self, name):
        with self.lock:
            del self.client[name]

    def answered(self, client, text, begun):
        """A request ended; text as of Server.ask()."""
        with self.lock:
            if text is None:
                self.cut[client].append((begun, time.monotonic()))
            elif text in self.client:
                self.answers[text] += 1
                if self.client[text] != client:
                    self.wrong.append(f"{client} got {text}, another's")

    def is_accounted_for(self, name):
        """Whether an answer that never came may have been this one."""
        return any(end >= self.since[name] and begun <= self.until.get(name, end)
                   for begun, end in self.cut[self.client[name]])

    def judge(self, places):
        """places: of Server.shows(). What is wrong, and what is where."""
        came = collections.Counter()
        wrong = list(self.wrong)
        for name in places.keys() - self.client.keys() - {"old", "new"}:
            wrong.append(f"{name} came back")
        for name, client in self.client.items():
            here, answers = places.get(name, []), self.answers[name]
            story = f"{name} of {client}: in {here}, answered {answers} times"
            if answers > 1:
                wrong.append("twice: " + story)
            elif len(here) > 1:
                wrong.append("two places: " + story)
            elif answers and here == ["once"]:
                wrong.append("answered, and armed: " + story)
            elif answers:
                came["answered once"] += 1
            elif here in (["once"], [".claimed"]):
                came[{"once": "armed", ".claimed": "claimed"}[here[0]]] += 1
            elif self.is_accounted_for(name):
                came["cut off"] += 1
            else:
                wrong.append("lost: " + story)
        return wrong, came


class Crowd:
    """Askers on both mounts that all ask for the same client at once."""

    def __init__(self, pair):
        self.pair = pair
        self.start = threading.Barrier(2 * ASKERS + 1)
        self.end = threading.Barrier(2 * ASKERS + 1)
        self.client = None
        self.got = [None] * 2 * ASKERS
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True)
                        for i in range(2 * ASKERS)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        while True:
            self.start.wait()
            if self.client is None:
                return
            begun = time.monotonic()
            text = self.pair.both[number % 2].ask(self.client)
            self.got[number] = (text, begun, time.monotonic() - begun)
            self.end.wait()

    def ask(self, client):
        """Of each: text, when it began, and the seconds that it took."""
        self.client = client
        self.start.wait()
        self.end.wait()
        return list(self.got)

    def close(self):
        self.client = None
        self.start.wait()
        for thread in self.threads:
            thread.join()


def arm(book, server, client, name):
    """Arms a client that may be armed, on a file system that may break."""
    server.tree.add("os/" + name, name)
    book.arming(client, name)
    try:
        server.arm(client, name)
    except FileExistsError:
        # Or the file system made it, and made it again.
        if server.tree.link("once/" + client) != f"../os/{name}":
            book.unarmed(name)
            return False
    book.armed(client, name)
    return True


def race(pair, number, breaking=None):
    """Rounds: a client is armed, and eight requests come at once. Exactly one
    gets the link."""
    pair.clear()
    book, crowd = Book(), Crowd(pair)
    clients = [next(pair.clients) for _ in range(CLIENTS)]
    names = []
    came, others = collections.Counter(), collections.Counter()
    took, begun = [], time.monotonic()
    for turn in range(number):
        client, name = clients[turn % CLIENTS], next(pair.names)
        names.append(name)
        at = pair.both[turn // CLIENTS % 2]
        if not arm(book, at, client, name):
            came["it was armed"] += 1
            continue
        if turn % 3 == 0:
            # The other one remembers the link.
            pair.both[at is pair.a].ask(client, "HEAD")
        winners, limit = 0, time.monotonic() + ARMED_LIMIT
        while True:
            for text, since, spent in crowd.ask(client):
                book.answered(client, text, since)
                winners += text == name
                if text == name:
                    took.append(spent)
                if text is None:
                    others["no answer"] += 1
                elif text != "default" and text not in book.client:
                    others[text] += 1
            if winners or not breaking or time.monotonic() > limit or \
                    not any(one.is_armed(client) for one in pair.both):
                break
            time.sleep(.5)
        came[f"{winners} winners"] += 1
    spent = time.monotonic() - begun
    crowd.close()
    if breaking:
        breaking.over.set()
        breaking.thread.join()
    places = pair.settle()
    wrong, where = book.judge(places)
    say(f"{len(book.client)} armings in {spent:.0f} s: {dict(came)}; "
        f"links: {dict(where)}; the winner's answer took {seconds(took)}")
    if others:
        say(f"other answers: {alike(others)}")
    for one in wrong[:10]:
        say("WRONG: " + one)
    if breaking:
        say("faults: " + breaking.counts())
        assert breaking.failure is None, breaking.failure
        failures = len(wrong)
    else:
        failures = len(wrong) + number - came["1 winners"]
    pair.clear()
    pair.remove(names)
    return failures


def many(pair, number):
    """So many machines are armed, and all ask at once, at either server. Each asks
    again after 503, when Retry-After says."""
    pair.clear()
    took, others, refused = [], collections.Counter(), []

    def ask(client, server):
        limit = time.monotonic() + ARMED_LIMIT
        text, first = "503", time.monotonic()
        while text.startswith("503") and time.monotonic() < limit:
            begun = time.monotonic()
            text = server.ask(client) or "no answer"
            if text == "old":
                took.append(time.monotonic() - first)
                break
            others[text] += 1
            refused.append(time.monotonic() - begun)
            time.sleep(RETRY_AFTER)

    threads = []
    for one in range(number):
        client = next(pair.clients)
        pair.a.arm(client, "old")
        threads.append(threading.Thread(
            target=ask, args=(client, pair.both[one % 2]), daemon=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(f"{len(took)} of {number} machines have their answer, after "
        f"{seconds(took)}")
    if others:
        say(f"other answers: {alike(others)}, after {seconds(refused)}")
    pair.clear()
    return number - len(took)


def faults(pair, number):
    """The race, while the file system and the responders break."""
    with Faults(pair) as breaking:
        return race(pair, number, breaking)


class Storm:
    """Eight askers for one client, without pause, a fifth by HEAD."""

    def __init__(self, pair):
        self.pair = pair
        self.client = next(pair.clients)
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.answers = collections.defaultdict(list)  # name: begin and end
        self.others = collections.Counter()
        self.requests = 0
        self.threads = [threading.Thread(target=self.run, args=(one,), daemon=True)
                        for one in pair.both for _ in range(ASKERS)]

    def run(self, server):
        while not self.over.is_set():
            method = "HEAD" if random.random() < .2 else "GET"
            begun = time.monotonic()
            text = server.ask(self.client, method)
            with self.lock:
                self.requests += 1
                if text is not None and text[0] == "n":
                    self.answers[text].append((begun, time.monotonic()))
                elif text is None or " " in text:
                    self.others[text or "no answer"] += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        time.sleep(2)  # they get the last one
        self.over.set()
        for thread in self.threads:
            thread.join()


def operator(pair, number):
    """One operator arms, replaces and cancels without pause, on either mount.

    An answer must be a link that was armed at some moment of the request. What
    ln -s came after was claimed, so it must have been answered."""
    pair.clear()
    names = [next(pair.names) for _ in range(number)]
    for name in names:
        pair.a.tree.add("os/" + name, name)
    since, until = {}, {}
    due, cancelled, refused = set(), set(), 0
    last, left = None, iter(names)
    name = next(left)
    with Storm(pair) as storm:
        begun = time.monotonic()
        while name is not None:
            server, what = random.choice(pair.both), random.random()
            now = time.monotonic()
            try:
                if what < .2:
                    server.cancel(storm.client)
                    cancelled.add(last)
                    until[last] = time.monotonic()
                    continue
                since[name] = now
                if what < .6:
                    server.arm(storm.client, name)
                    if last not in cancelled:
                        due.add(last)
                else:
                    server.replace(storm.client, name)
            except (FileExistsError, FileNotFoundError):
                refused += 1
                continue
            until.setdefault(last, time.monotonic())
            last, name = name, next(left, None)
            time.sleep(random.random() * .05)
        spent = time.monotonic() - begun
    places = pair.settle()
    due.discard(None)
    wrong = collections.Counter()
    for one, moments in storm.answers.items():
        wrong["twice"] += len(moments) > 1
        wrong["cancelled, and answered"] += one in cancelled
        if one in cancelled:
            say(f"WRONG: {one}, armed at {since[one] - begun:.3f} s, cancelled by "
                f"{until[one] - begun:.3f} s, answered "
                + ", ".join(f"{start - begun:.3f} to {end - begun:.3f} s"
                            for start, end in moments))
        wrong["not armed meanwhile"] += any(
            end < since[one] or start > until.get(one, start)
            for start, end in moments)
    wrong["unanswered"] = sum(
        one not in storm.answers and places.get(one) != ["once"]
        for one in due | {last} - cancelled)
    say(f"{number} armings in {spent:.0f} s ({refused} refused, "
        f"{len(cancelled)} cancelled), {storm.requests} requests: "
        f"{len(storm.answers)} answered; wrong: {dict(+wrong) or 'none'}")
    if storm.others:
        say(f"other answers: {alike(storm.others)}")
    pair.clear()
    pair.remove(names)
    return sum(wrong.values())


def prompt(pair, number):
    """How long until B answers by what A has changed."""
    a, b = pair.a, pair.b

    def put(name, text):
        with open(a.tree.full(name), "w") as file:
            file.write(text)

    def move(name, text):
        put(name + ".part", text)
        os.rename(a.tree.full(name + ".part"), a.tree.full(name))

    def known(client):
        a.arm(client, "old")
        b.ask(client, "HEAD")

    def unknown(client):
        b.ask(client, "HEAD")

    cases = {
        "a link where B had found none": (
            unknown, lambda c: a.arm(c, "new"), "newer"),
        "another link in the place of one": (
            known, lambda c: a.replace(c, "new"), "newer"),
        "a link is cancelled": (known, a.cancel, "default"),
        "a link is claimed": (known, a.ask, "default"),
        "a link's boot file is overwritten": (
            known, lambda c: put("os/old", "over old"), "over old"),
        "default is overwritten": (
            unknown, lambda c: put("default", "over default"), "over default"),
        "default is moved into its place": (
            unknown, lambda c: move("default", "over default"),
            "over default"),
    }
    late = 0
    for name, (before, change, want) in cases.items():
        took, seen = [], collections.Counter()
        for _ in range(number):
            client = next(pair.clients)
            before(client)
            change(client)
            begun = time.monotonic()
            while True:
                # HEAD claims nothing; but the lengths differ.
                got = b.ask(client, "HEAD")
                if got == str(len(want)):
                    break
                seen["no answer" if got is None else got[:3]] += 1
                if time.monotonic() - begun > PROMPT_LIMIT:
                    late += 1
                    break
                time.sleep(.01)
            took.append(time.monotonic() - begun)
            if a.is_armed(client):
                a.cancel(client)
            move("os/old", "old")
            move("default", "default")
            pair.forget()
        errors = sum(count for status, count in seen.items() if status == "503")
        say(f"{name}: {seconds(took)}" +
            (f"; meanwhile {errors} answers of 503" if errors else ""))
    pair.clear()
    return late


def stale(pair, number):
    """A boot file is replaced by mv on A, again and again, while B is asked."""
    came = collections.Counter()
    over = threading.Event()

    def ask(client, armed):
        while not over.is_set():
            text = pair.b.ask(client, "HEAD")
            came[(armed, "right" if text is not None and text.isdigit() else
                  text or "no answer")] += 1

    armed = next(pair.clients)
    pair.a.arm(armed, "old")
    threads = [threading.Thread(target=ask, args=one, daemon=True)
               for one in ((next(pair.clients), "default"), (armed, "once"))]
    for thread in threads:
        thread.start()
    for turn in range(number):
        for name in ("default", "os/old"):
            path = pair.a.tree.full(name)
            with open(path + ".part", "w") as file:
                file.write("x" * (turn % 7 + 1))
            os.rename(path + ".part", path)
        time.sleep(.05)
    over.set()
    for thread in threads:
        thread.join()
    pair.a.tree.add("default.part", "default")
    os.rename(pair.a.tree.full("default.part"), pair.a.tree.full("default"))
    pair.a.tree.add("os/part", "old")
    os.rename(pair.a.tree.full("os/part"), pair.a.tree.full("os/old"))
    pair.clear()
    for (source, text), count in sorted(came.items()):
        say(f"{source}: {count} of {text}")
    return sum(count for (_, text), count in came.items() if text != "right")


def hear(pair, acts):
    """pxesrvctl wait on B, while something is done to each client.

    acts: {client: (what it says then, function)}. {client: when it was done},
    {client: (when, what it said)}, its exit status, its messages."""
    done, heard = {}, {}
    one = Waiting("-r", pair.b.mount, "--timeout", f"{ARMED_LIMIT}s", *acts)

    def read():
        for line in one.process.stdout:
            client, _, text = line.rstrip("\n").partition(": ")
            heard[client] = time.monotonic(), text

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        # Not before its first look is over. While that waits for FUSE, it seems
        # to be asleep already.
        place.until(lambda: not one.by_inotify(),
                    "it knows that inotify misses what others do")
        for client, (_, act) in acts.items():
            time.sleep(random.random())  # at any moment of its second
            act(client)
            done[client] = time.monotonic()
        one.process.wait(ARMED_LIMIT + PROMPT_LIMIT)
    finally:
        one.process.kill()
        reader.join()
        status, _, messages = one.end()
    return done, heard, status, messages


def is_told(pair, acts, took, wanted):
    """Whether B says it of each client, and ends so; took: {word: [seconds]}."""
    done, heard, *end = hear(pair, acts)
    right = end == wanted
    if not right:
        say(f"WRONG: {end}, not {wanted}")
    for client, (text, _) in acts.items():
        when, said = heard.get(client, (done[client], "nothing"))
        late = when - done[client]
        took[text.split()[0]].append(max(0, late))
        if not re.fullmatch(text, said) or late > TOLD_LIMIT:
            say(f"WRONG: {client}: {said!r} after {late:.3f} s, not {text!r}")
            right = False
    return right


def waits(pair, number):
    """pxesrvctl wait on B, of machines that are armed on A and ask at A: served,
    done, and cancelled there."""
    a, took, wrong = pair.a, collections.defaultdict(list), 0

    def serve(client):
        assert a.ask(client) == "old"

    def finish(client):
        serve(client)
        assert a.ask(client, path="/done") == f"Done until/{client}\n"

    for _ in range(number):
        acts = {}
        for _ in range(4):
            client, other = next(pair.clients), next(pair.clients)
            a.arm(client, "old")
            acts[client] = f"served os/old at {CLOCK}", serve
            os.symlink("../os/old", a.tree.full("until/" + other))
            acts[other] = f"done os/old at {CLOCK}", finish
        wrong += not is_told(pair, acts, took, [0, []])
        client = next(pair.clients)
        a.arm(client, "old")
        wrong += not is_told(
            pair, {client: ("cancelled", a.cancel)}, took,
            [1, ["pxesrvctl: 1 of 1 missing:",
                 f"pxesrvctl: {client}: not served: cancelled"]])
    for word, values in took.items():
        say(f"B says {word} after {seconds(values)}, {len(values)} times")
    for name in os.listdir(a.tree.full("until/.done")):
        os.unlink(a.tree.full("until/.done/" + name))
    pair.clear()
    return wrong


def take_down(mounts, daemons, patience):
    """Ends a file system: what it is mounted on, and its daemons (Program), the
    last one first. patience: seconds for each."""
    for mount in mounts:
        subprocess.run(["umount", "-l", mount], check=False)
    for daemon in reversed(daemons):
        if daemon.is_running():
            daemon.process.terminate()
    for daemon in daemons:
        try:
            daemon.process.wait(patience)
        except subprocess.TimeoutExpired:
            daemon.process.kill()


SCENARIOS = {  # the usual number
    "sequences": (sequences, 50),
    "race": (race, 1000),
    "many": (many, 100),
    "operator": (operator, 500),
    "prompt": (prompt, 5),
    "stale": (stale, 200),
    "waits": (waits, 10),
    "faults": (faults, 10000),
}


def main(system, mounts, wanted=()):
    """Runs each SCENARIO or SCENARIO=NUMBER, or all. The exit status."""
    failed = 0
    pair = Pair(system, mounts)
    try:
        for one in wanted or SCENARIOS:
            name, _, number = one.partition("=")
            scenario, usual = SCENARIOS[name]
            begun = time.monotonic()
            print(f"  {name}", flush=True)
            failures = scenario(pair, int(number or usual))
            print(f"  {name}: {f'FAILED, {failures} wrong' if failures else 'ok'}"
                  f", {time.monotonic() - begun:.0f} s", flush=True)
            failed |= failures > 0
    finally:
        pair.close()
    return int(failed)
