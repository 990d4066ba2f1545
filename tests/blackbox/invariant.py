# SPDX-License-Identifier: MIT
"""What must hold of every once link, at each moment, whatever breaks.

Every arming is exactly one of: armed, in once/.claimed/ (an answer under way,
or a crash), in once/.served/. It is answered at most once, exactly once when
nothing failed, and what is answered is the text of the link that was armed.
"""
import collections
import contextlib
import os
import threading


class Ledger:
    """Arms clients with boot files of their own, and is told the answers."""

    def __init__(self, tree):
        self.tree = tree
        self.lock = threading.Lock()
        self.armings = {}  # name: client, in order
        self.present = {}  # the same, without those seen to be replaced
        self.latest = {}   # client: name
        self.answers = collections.Counter()

    def arm(self, client):
        """Arms a client anew. What it is to be answered."""
        with self.lock:
            name = f"n{len(self.armings)}"
            self.tree.add(f"os/{name}", name)
            self.tree.arm(client, f"../os/{name}")
            self.armings[name] = self.present[name] = client
            self.latest[client] = name
        return name

    def answered(self, client, body):
        """A whole answer was received."""
        name = body.decode()
        with self.lock:
            if name in self.armings:
                assert self.armings[name] == client, "another client's"
                self.answers[name] += 1
                assert self.answers[name] == 1, f"{name} twice"
            else:
                assert name == "default", name

    def places(self):
        """Where each link is. Nobody may move any meanwhile."""
        found = collections.defaultdict(list)
        for where in ("", "/.claimed", "/.served"):
            directory = self.tree.full("once" + where)
            for entry in os.scandir(directory):
                if entry.is_symlink():
                    name = os.path.basename(os.readlink(entry.path))
                    found[name].append(where[2:] or "armed")
        return found

    def is_served(self, client):
        return self.tree.link(f"once/.served/{client}") is not None

    def check(self, nothing_failed=False, under_way=False):
        """How many are where. Nobody may move any meanwhile.

        under_way: there may be answers that were not received yet."""
        with self.lock:
            places = self.places()
            counts = collections.Counter()
            assert places.keys() <= self.present.keys(), "one came back"
            for name, client in list(self.present.items()):
                here, answers = places[name], self.answers[name]
                story = f"{name} of {client}: {here}, answered {answers}"
                assert len(here) <= 1, story
                if not here:
                    # Replaced: by the next one, while it was armed, or by
                    # another one that came to once/.served after it.
                    if self.latest[client] == name:
                        assert answers or under_way, story
                        assert self.is_served(client), story
                    else:
                        del self.present[name]
                    continue
                counts[here[0]] += 1
                if answers:
                    assert here != ["armed"], story
                if nothing_failed:
                    assert here != ["claimed"], story
                    assert (here == ["served"]) == (answers == 1), story
            return counts


@contextlib.contextmanager
def frozen(programs):
    """Holds processes still in whatever they are doing."""
    for one in programs:
        one.halt()
    try:
        yield
    finally:
        for one in programs:
            one.go_on()
