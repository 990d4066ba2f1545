# SPDX-License-Identifier: MIT
"""What is asked of GlusterFS alone: an option of the volume is set."""
import collections
import time

from scenarios import Beside, alike, say, seconds

OPTION = "performance.open-behind"
CHANGE_LIMIT = 20  # seconds until all is as before


class Manager(Beside):
    """Starts a responder anew when it has ended, as a service manager does."""

    def __init__(self, pair):
        super().__init__()
        self.pair = pair
        self.started = collections.Counter()

    def run(self):
        while not self.over.wait(.05):
            for one in self.pair.both:
                if not one.one.is_running():
                    one.revive()
                    self.started[one.letter] += 1


def option(pair, number):
    """An option of the volume is set, and set back. Each time the mounts get new
    inodes.

    Each machine, armed or not, gets what it is to have, and nobody does anything
    about it."""
    failures, took, came = 0, [], collections.Counter()

    def get(one, client):
        begun = time.monotonic()
        while (got := one.ask(client)) not in ("old", "default"):
            came[got or "no answer"] += 1
            if time.monotonic() - begun > CHANGE_LIMIT:
                break
            time.sleep(.2)
        took.append(time.monotonic() - begun)
        return got

    with Manager(pair) as manager:
        for value in ("off", "on") * number:
            graphs = pair.system.graphs()
            pair.system.set(OPTION, value)
            pair.system.await_that(
                lambda: all(now != then for now, then in
                            zip(pair.system.graphs(), graphs)),
                "the mounts have changed")
            for one in pair.both:
                client = next(pair.clients)
                one.arm(client, "old")
                for who, want in ((next(pair.clients), "default"),
                                  (client, "old"), (client, "default")):
                    failures += get(one, who) != want
    say(f"{2 * number} times set: answered right after {seconds(took)}; meanwhile "
        f"{alike(came) or 'no other answer'}; the responders were started anew: "
        f"{dict(manager.started) or 'never'}")
    pair.clear()
    return failures


SCENARIOS = {
    "option": (option, 5),
}
