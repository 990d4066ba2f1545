# SPDX-License-Identifier: MIT
"""Two responders, each on a mount of its own of one shared tree.

What is asked of them does not know the file system; whoever calls main() has
mounted it twice, and can break it and repair it.
"""
import collections
import itertools
import os
import random
import subprocess
import threading
import time

import answer
import fastcgi
import place
from deployments import meta_variables
from held import HeldSocket
from invariant import Ledger
from place import clean_env
from tree import Directory, Tree

PROGRAMS = "/run/programs"
place.FCGI = PROGRAMS + "/pxesrv.fcgi"
CTL = PROGRAMS + "/pxesrvctl"
ASKERS = 4  # on each of the two
FAULT_EVERY = 20  # seconds
ANSWER_LIMIT = 120  # seconds: a fault may take that long to be overcome
SETTLE_LIMIT = 30


class Server:
    """A responder on one of the mounts."""

    def __init__(self, mount, letter):
        self.mount, self.letter = mount, letter
        self.tree = Tree(mount, place.OWNER)
        self.log = f"/run/{letter}.log"
        os.makedirs(f"/run/server-{letter}")
        os.close(os.open(self.log, os.O_CREAT, 0o600))
        os.chown(self.log, *place.OWNER)
        self.held = HeldSocket(
            f"/run/server-{letter}", f"/run/server-{letter}/socket",
            {"PXESRV_ROOT": mount, "PXESRV_LOG": self.log,
             "PXESRV_THREADS": "16"})
        self.one = self.held.start()

    def ask(self, client, method="GET"):
        """The name of the boot file, or what else came of it."""
        try:
            with fastcgi.Connection(self.held.path, ANSWER_LIMIT) as peer:
                peer.send(fastcgi.request(
                    meta_variables(method, "/redirect", client)))
                got = answer.from_cgi(peer.read_answer())
        except (OSError, fastcgi.Closed, AssertionError) as failure:
            return f"no answer: {failure!r}"[:70]
        if got.status != 200:
            return f"{got.status} {got.body.decode(errors='replace').strip()}"
        return str(got.length) if method == "HEAD" else got.body.decode()

    def kill(self):
        """As by a crash; its socket goes on, and another one takes it over."""
        self.one.process.kill()
        self.one.process.wait()
        self.one = self.held.start()

    def ctl(self, *arguments):
        done = subprocess.run(
            [CTL, *arguments], env=clean_env(PXESRV_ROOT=self.mount),
            capture_output=True, text=True, timeout=ANSWER_LIMIT)
        assert done.returncode == 0, done.stderr

    def arm(self, client, name):
        """As ln -s does, which fails when the client is armed."""
        path = self.tree.full(f"once/{client}")
        os.symlink(f"../os/{name}", path)

    def replace(self, client, name):
        """As ln -sfn does."""
        self.tree.arm(client, f"../os/{name}")

    def is_armed(self, client):
        return self.tree.is_there(f"once/{client}")


class Pair:
    """Both, and the tree, which is made through the first."""

    def __init__(self, system, mounts):
        self.system = system
        tree = Tree(mounts[0], place.OWNER)
        os.chmod(mounts[0], 0o755)
        tree.make({"default": "default", "static": Directory(),
                   "once": Directory(), "os": Directory(),
                   **{f"os/{name}": name for name in ("old", "new")}})
        self.a, self.b = (Server(mount, letter)
                          for mount, letter in zip(mounts, "AB"))
        self.both = self.a, self.b
        self.clients = (f"10.{i}.{j}.{k}" for i in range(256)
                        for j in range(256) for k in range(1, 255))

    def settle(self):
        """Waits until no answer is under way. What a crash left stays."""
        limit = time.monotonic() + SETTLE_LIMIT
        before = None
        while True:
            now = self.a.tree.claimed(), self.b.tree.claimed()
            if now == ([], []):
                return 0
            if now == before and time.monotonic() > limit:
                return len(now[0])
            before = now
            time.sleep(0.05)

    def clear(self):
        for part in "once", "once/.claimed", "once/.served":
            with os.scandir(self.a.tree.full(part)) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        os.unlink(entry.path)

    def clear_os(self):
        for name in os.listdir(self.a.tree.full("os")):
            if name not in ("old", "new"):
                os.unlink(self.a.tree.full(f"os/{name}"))

    def close(self):
        for one in self.both:
            one.held.close()


def percentiles(seconds):
    ordered = sorted(seconds) or [0]
    return ", ".join(
        f"{label} {1000 * ordered[min(len(ordered) - 1, int(len(ordered) * p))]:.1f}"
        for label, p in (("p50", .5), ("p99", .99), ("max", 1))) + " ms"


# Sequences: a server may remember a name that the other one has changed. Each
# yields what the first GET was answered, then asks the second time.

def rearmed(first, before, again):
    """A client is armed, asked for at A, armed anew on A, and asked for at B."""
    def sequence(pair, client):
        first(pair).arm(client, "old")
        before(pair, client)
        one = pair.a.ask(client)
        again(pair, client)
        return one, pair.b.ask(client)
    return sequence


def nothing(_pair, _client):
    pass


SEQUENCES = {
    "armed on B, GET at A, ln -s on A, GET at B": rearmed(
        lambda pair: pair.b, nothing,
        lambda pair, client: pair.a.arm(client, "new")),
    "armed on A, HEAD at B, GET at A, ln -s on A, GET at B": rearmed(
        lambda pair: pair.a,
        lambda pair, client: pair.b.ask(client, "HEAD"),
        lambda pair, client: pair.a.arm(client, "new")),
    "armed on A, list on B, GET at A, ln -s on A, GET at B": rearmed(
        lambda pair: pair.a, lambda pair, client: pair.b.ctl("list"),
        lambda pair, client: pair.a.arm(client, "new")),
    "armed on B, GET at A, pxesrvctl once on A, GET at B": rearmed(
        lambda pair: pair.b, nothing,
        lambda pair, client: pair.a.ctl("once", client, "os/new")),
    "armed on B, GET at A, pxesrvctl rearm on A, GET at B": rearmed(
        lambda pair: pair.b, nothing,
        lambda pair, client: (pair.settle(), pair.a.ctl("rearm", client))),
    "armed on B, GET at A, GET at B": rearmed(
        lambda pair: pair.b, nothing, nothing),
}
SECOND = {name: "new" for name in SEQUENCES}
SECOND["armed on B, GET at A, pxesrvctl rearm on A, GET at B"] = "old"
SECOND["armed on B, GET at A, GET at B"] = "default"


def sequences(pair, number):
    failures = 0
    for name, sequence in SEQUENCES.items():
        came = collections.Counter()
        for _ in range(number):
            client = next(pair.clients)
            first, second = sequence(pair, client)
            want = SECOND[name]
            if (first, second) == ("old", want):
                # Nobody may get it again, and it must not be armed any more.
                third = pair.a.ask(client), pair.b.ask(client)
                came["right" if third == ("default", "default") else
                     f"answered again: {third}"] += 1
                continue
            pair.settle()
            if first == "old" and second in ("old", "default"):
                came["wrong" if second == "old" else
                     "unanswered, armed" if pair.a.is_armed(client) else
                     "unanswered, gone"] += 1
            else:
                came[f"{first}, then {second}"] += 1
        failures += number - came["right"]
        print(f"  {name}: {dict(came)}", flush=True)
    return failures


class Faults:
    """Breaks something every 20 seconds, while it is entered."""

    def __init__(self, pair):
        self.pair, self.over = pair, threading.Event()
        self.count = collections.Counter()
        self.thread = threading.Thread(target=self.run)
        self.failure = None
        self.outages = []

    def run(self):
        kinds = itertools.cycle(("file system", "responder A", "file system",
                                 "responder B", "all"))
        while not self.over.wait(FAULT_EVERY):
            kind = next(kinds)
            try:
                for one in self.pair.both:
                    if kind in ("all", "responder " + one.letter):
                        one.kill()
                if kind in ("all", "file system"):
                    begun = time.monotonic()
                    self.pair.system.break_it()
                    self.outages.append(time.monotonic() - begun)
            except BaseException as failure:
                self.failure = failure
                return
            self.count[kind] += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        assert self.failure is None, self.failure


class Alternating(Tree):
    """Armed through one mount and the other in turn."""

    def __init__(self, trees):
        super().__init__(trees[0].path, trees[0].owner)
        self.turns = itertools.cycle(trees)

    def arm(self, client, target):
        next(self.turns).arm(client, target)


def judge(pair, ledger, came, nothing_failed):
    """The invariant, as each of the two mounts shows it."""
    left = pair.settle()
    for one in pair.both:
        ledger.tree = one.tree
        try:
            places = ledger.check(nothing_failed=nothing_failed)
            print(f"    on {one.letter}: {dict(places)}")
        except AssertionError as broken:
            came[f"BROKEN on {one.letter}: {broken}"] += 1
    return left


def race(pair, number, faults=None):
    """Rounds of one armed link and eight requests at a time, four on each."""
    pair.clear()
    ledger = Ledger(Alternating([one.tree for one in pair.both]))
    names = [next(pair.clients) for _ in range(64)]
    came, others = collections.Counter(), collections.Counter()
    took, waited = collections.defaultdict(list), []
    start = threading.Barrier(2 * ASKERS + 1)
    end = threading.Barrier(2 * ASKERS + 1)
    job, got = [None], [None] * 2 * ASKERS

    def asker(index):
        one = pair.both[index % 2]
        while True:
            start.wait()
            if job[0] is None:
                return
            begun = time.monotonic()
            got[index] = one.ask(job[0])
            took["won" if got[index].startswith("n") else "not"].append(
                time.monotonic() - begun)
            end.wait()

    threads = [threading.Thread(target=asker, args=(i,), daemon=True)
               for i in range(2 * ASKERS)]
    for thread in threads:
        thread.start()
    begun = time.monotonic()
    for turn in range(number):
        client = names[turn % len(names)]
        asked = time.monotonic()
        try:
            name = ledger.arm(client)
        except OSError as failure:
            came[f"arming: {failure.strerror}"] += 1
            continue
        waited.append(time.monotonic() - asked)
        job[0] = client
        start.wait()
        end.wait()
        winners = got.count(name)
        came[f"{winners} winners"] += 1
        for text in got:
            if text in ledger.armings:
                try:
                    ledger.answered(client, text.encode())
                except AssertionError as wrong:
                    came[f"BROKEN: {wrong}"] += 1
                if text != name:
                    came["an older one was answered"] += 1
            elif text != "default":
                others[text.replace(client, "CLIENT").replace(
                    name, "NAME")] += 1
    spent = time.monotonic() - begun
    job[0] = None
    start.wait()
    for thread in threads:
        thread.join()
    left = judge(pair, ledger, came, nothing_failed=faults is None)
    print(f"    {number} armings in {spent:.0f} s: {dict(came)}; left in "
          f".claimed: {left}; arming {percentiles(waited)}; answer "
          f"{percentiles(took['won'])}, the others {percentiles(took['not'])}"
          f"; other answers: {dict(others)}", flush=True)
    pair.clear()
    pair.clear_os()
    broken = sum(count for what, count in came.items()
                 if "BROKEN" in what or "older" in what or
                 what.endswith("winners") and int(what.split()[0]) > 1)
    return broken if faults else broken + number - came["1 winners"]


def faults(pair, number):
    with Faults(pair) as breaking:
        failures = race(pair, number, breaking)
    print(f"    faults: {dict(breaking.count)}; the file system was back "
          f"after {percentiles(breaking.outages)}", flush=True)
    return failures


class Storm:
    """One operator who re-arms a client without a pause, and eight askers."""

    def __init__(self, pair):
        self.pair, self.client = pair, next(pair.clients)
        self.over = threading.Event()
        self.answers, self.others = [], collections.Counter()
        self.lock = threading.Lock()

    def asker(self, one):
        while not self.over.is_set():
            method = "HEAD" if random.random() < .2 else "GET"
            begun = time.monotonic()
            text = one.ask(self.client, method)
            ended = time.monotonic()
            if method == "HEAD" and text.isdigit():
                continue
            with self.lock:
                if text[0] == "n" and text[1:].isdigit():
                    self.answers.append((int(text[1:]), begun, ended))
                elif text != "default":
                    self.others[text] += 1

    def run(self, operator):
        threads = [threading.Thread(target=self.asker, args=(one,))
                   for one in self.pair.both for _ in range(ASKERS)]
        for thread in threads:
            thread.start()
        try:
            operator()
            time.sleep(1)  # they take the last one
        finally:
            self.over.set()
            for thread in threads:
                thread.join()
        self.left = self.pair.settle()


def operator(pair, number):
    failures = operator_waits(pair, number) + operator_replaces(pair, number)
    pair.clear_os()
    return failures


def prepare(pair, number):
    pair.clear()
    pair.clear_os()
    for i in range(number):
        pair.a.tree.add(f"os/n{i}", f"n{i}")


def operator_waits(pair, number):
    """ln -s alone: each arming shows that the one before was claimed, so each
    must be answered exactly once."""
    prepare(pair, number)
    storm = Storm(pair)
    refused = 0

    def arm():
        nonlocal refused
        done = 0
        while done < number:
            try:
                random.choice(pair.both).arm(storm.client, f"n{done}")
                done += 1
            except FileExistsError:
                refused += 1

    storm.run(arm)
    counts = collections.Counter(name for name, _, _ in storm.answers)
    came = {"answered once": sum(n == 1 for n in counts.values()),
            "more than once": sum(n > 1 for n in counts.values()),
            "unanswered": number - len(counts)}
    print(f"    ln -s, {number} armings ({refused} refused): {came}; left in "
          f".claimed: {storm.left}; other answers: {dict(storm.others)}",
          flush=True)
    return number - came["answered once"]


def operator_replaces(pair, number):
    """ln -sfn and cancelling: an answer must be one that was armed at some
    moment between the request and its answer."""
    prepare(pair, number)
    storm = Storm(pair)
    since, until = {}, {}

    def change():
        for i in range(number):
            one = random.choice(pair.both)
            since[i] = time.monotonic()
            one.replace(storm.client, f"n{i}")
            until[i - 1] = time.monotonic()
            if random.random() < .2:
                try:
                    os.unlink(one.tree.full(f"once/{storm.client}"))
                except FileNotFoundError:
                    pass
                until[i] = time.monotonic()
            if random.random() < .5:
                time.sleep(random.random() * .02)

    storm.run(change)
    counts = collections.Counter(name for name, _, _ in storm.answers)
    stale = sum(ended < since[name] or begun > until.get(name, ended)
                for name, begun, ended in storm.answers)
    twice = sum(n > 1 for n in counts.values())
    print(f"    ln -sfn, {number} armings: answered {len(counts)}, more than "
          f"once {twice}, not armed any more {stale}; left in .claimed: "
          f"{storm.left}; other answers: {dict(storm.others)}", flush=True)
    return stale + twice


def prompt(pair, number):
    """How long until B shows what A did."""
    a, b = pair.a, pair.b

    def put(name, text):
        with open(a.tree.full(name), "w") as file:
            file.write(text)

    def move(name, text):
        put(name + ".new", text)
        os.rename(a.tree.full(name + ".new"), a.tree.full(name))

    def cancel(client):
        os.unlink(a.tree.full(f"once/{client}"))

    def known(client):
        a.arm(client, "old")
        b.ask(client, "HEAD")

    a.tree.add("os/long", "long boot file")
    unknown = lambda client: b.ask(client, "HEAD")
    cases = {
        "a new link": (unknown, lambda c: a.arm(c, "long"), 14),
        "another link": (known, lambda c: a.replace(c, "long"), 14),
        "a cancelled link": (known, cancel, 7),
        "a claimed link": (known, a.ask, 7),
        "an overwritten boot file": (
            lambda c: (put("os/old", "old"), known(c)),
            lambda c: put("os/old", "longer than old"), 15),
        "default overwritten": (
            lambda c: (put("default", "default"), unknown(c)),
            lambda c: put("default", "default, too"), 12),
        "default moved into place": (
            lambda c: (move("default", "default"), unknown(c)),
            lambda c: move("default", "default, too"), 12),
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
                length = b.ask(client, "HEAD")
                if length == str(want):
                    break
                seen[length.replace(client, "CLIENT")] += 1
                if time.monotonic() - begun > 60:
                    late += 1
                    break
            took.append(time.monotonic() - begun)
        print(f"    {name}: {percentiles(took)}; before it: {dict(seen)}",
              flush=True)
        put("os/old", "old")
        put("default", "default")
    return late


SCENARIOS = {
    "sequences": (sequences, 50),
    "race": (race, 3000),
    "operator": (operator, 1000),
    "prompt": (prompt, 50),
    "faults": (faults, 10000),
}


def main(system, mounts, wanted):
    """Runs SCENARIO or SCENARIO=NUMBER. The exit status."""
    pair = Pair(system, mounts)
    failed = 0
    try:
        for one in wanted or SCENARIOS:
            name, _, number = one.partition("=")
            scenario, usual = SCENARIOS[name]
            begun = time.monotonic()
            print(f"{name}:", flush=True)
            failures = scenario(pair, int(number or usual))
            failed += failures != 0
            print(f"{name}: {'ok' if not failures else f'{failures} FAILED'}, "
                  f"{time.monotonic() - begun:.0f} s", flush=True)
    finally:
        pair.close()
    return 1 if failed else 0
