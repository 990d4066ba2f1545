# SPDX-License-Identifier: MIT
"""One address for two servers with nginx, by the keepalived.conf that is shipped.

200 machines ask while the server that has the address goes down. Each has a once link
of its own, which is served once. None waits for longer than iPXE does."""
import os
import re
import sys
import threading
import time

import pytest

import place
import two_servers
from ipxe import GIVES_UP_AFTER, LAST_SYN_AT, GaveUp, Ipxe
from place import until
from two_servers import ADDRESS, PORT, Site, ip
from tree import Directory, Tree

sys.path.insert(0, os.path.join(place.SOURCE, "tests", "shared"))
from scenarios import Book, shown  # noqa: E402

MACHINES = 200
SPREAD = 4  # seconds in which they begin
SLOW = 8  # machines whose answer is under way when the server goes down
BEFORE = 40  # machines that are answered before
LARGE = 32 << 20  # bytes: more than nginx and the kernel take at once
TAKES_OVER = 4  # seconds, at most, until a server that wants the address has it
AT_LAST = 60  # seconds until all have their answer

_why = two_servers.refused()
pytestmark = pytest.mark.skipif(bool(_why), reason=_why or "")


@pytest.fixture(scope="module")
def site():
    # The responder learns the file system of once/ when it starts.
    tree = Tree(place.ROOT, place.OWNER)
    tree.add("once", Directory())
    site = Site()
    for number in range(MACHINES):
        ip("address", "add", f"{own(number)}/16", "dev", two_servers.BRIDGE)
    try:
        for server in site.servers:
            server.start()
        yield site
    finally:
        site.stop()


@pytest.fixture
def boot_tree(site):
    """An empty one, when both servers are well."""
    for server in site.servers:
        until(server.is_well, "its checks")
    tree = Tree(place.ROOT, place.OWNER)
    for part in "once", "once/.claimed", "once/.served", "os":
        if tree.is_there(part):
            for entry in os.scandir(tree.full(part)):
                if entry.is_symlink() or entry.name[0] == "n":
                    os.unlink(entry.path)
    if not tree.is_there("default"):
        tree.add("default", "default")
    return tree


def own(number):
    return f"10.77.1.{number + 1}"


class Crowd:
    """The machines, each armed with a link of its own, and what became of them."""

    def __init__(self, tree, slow):
        self.tree, self.book = tree, Book()
        self.go_on = threading.Event()
        self.lock = threading.Lock()
        self.answered = 0
        self.under_way = 0  # of the slow ones
        self.gave_up = []
        self.waits = {}  # of each that did not give up: seconds
        self.last = {}  # what each was answered
        for number in range(MACHINES):
            name = f"n{number}"
            tree.add(f"os/{name}", name)
            if number < slow:
                os.truncate(tree.full(f"os/{name}"), LARGE)
            self.book.arming(own(number), name)
            tree.arm(own(number), f"../os/{name}")
            self.book.armed(own(number), name)
        self.threads = [
            threading.Thread(target=self.boot, args=(n, n < slow), daemon=True)
            for n in range(MACHINES)]

    def start(self):
        self.begun = time.monotonic()
        for thread in self.threads:
            thread.start()

    def pause(self):
        with self.lock:
            self.under_way += 1
        assert self.go_on.wait(AT_LAST)

    def boot(self, number, slow):
        if not slow:
            time.sleep(SPREAD * number / MACHINES)
        machine, pauses = Ipxe(own(number), ADDRESS, PORT), [self.pause] * slow
        begun = time.monotonic()
        while time.monotonic() < self.begun + AT_LAST:
            since = time.monotonic()
            try:
                text = machine.boot(*pauses).rstrip(b"\0").decode()
            except GaveUp as failure:
                # It is switched on again.
                with self.lock:
                    failure.number = number
                    self.gave_up.append(failure)
                if failure.connected:
                    self.book.answered(own(number), None, since)
                pauses = []
                time.sleep(.5)
                continue
            self.book.answered(own(number), text, since)
            with self.lock:
                self.answered += 1
                self.last[number] = text
                if not any(one.number == number for one in self.gave_up):
                    self.waits[number] = time.monotonic() - begun
            return

    def end(self):
        """All have an answer. What became of the links."""
        for thread in self.threads:
            thread.join(AT_LAST + 60)
        assert self.answered == MACHINES, f"{self.answered} are answered"
        # Once is once: nobody gets it again.
        again = [Ipxe(own(n), ADDRESS, PORT).boot() for n in range(MACHINES)]
        for number, text in enumerate(again):
            self.book.answered(own(number), text.rstrip(b"\0").decode(),
                               time.monotonic())
        wrong, came = self.book.judge(shown(self.tree))
        assert not wrong, wrong
        return came

    def waited_for(self, seconds):
        return [wait for wait in self.waits.values() if wait > seconds]


def go_down(site, tree, how, slow=SLOW):
    """The machines ask, and the server goes down. The crowd, and where the links
    are in the end."""
    holder, other = site.holder()
    crowd = Crowd(tree, slow)
    crowd.start()
    until(lambda: crowd.under_way == slow and crowd.answered >= BEFORE,
          "the answers before")
    crowd.down = time.monotonic()
    how(holder)
    if how is not lost_power:
        crowd.go_on.set()
    until(other.has_address, "the other server has the address")
    crowd.moved = time.monotonic()
    # What they send to a dead server gets no answer: they would ask whether it
    # lives after 15 seconds only.
    crowd.go_on.set()
    moved = crowd.moved - crowd.down
    came = crowd.end()
    under_way = sum(one.was_under_way(crowd.moved) for one in crowd.gave_up)
    refused = {one.number for one in crowd.gave_up if one.why == "refused"}
    place.figure(
        f"keepalived: {how.__name__.replace('_', ' ')}: the address moved after "
        f"{moved:.1f} s; of {MACHINES} machines {len(crowd.waited_for(1))} waited "
        f"for more than a second, at most {max(crowd.waits.values()):.1f} s; "
        f"{under_way} answers were cut off, {len(refused)} machines refused; "
        f"links: {dict(came)}")
    assert moved < LAST_SYN_AT and max(crowd.waits.values()) < GIVES_UP_AFTER
    # A link that nobody got belongs to an answer that was under way.
    assert came["claimed"] + came["cut off"] <= under_way
    assert came["answered once"] + came["claimed"] + came["cut off"] == MACHINES
    return crowd, came


def only_under_way_gave_up(crowd):
    assert not [(one.why, one.begun - crowd.down) for one in crowd.gave_up
                if not one.was_under_way(crowd.moved)]


def lost_power(server):
    server.lose_power()


def link_down(server):
    ip("link", "set", server.veth, "down")


def responder_killed(server):
    server.kill("responder")


def nginx_killed(server):
    server.kill("nginx")


def keepalived_stopped(server):
    server.stop_keepalived()


def is_back(server):
    """It is well again, and leaves the address where it is."""
    until(server.is_well, "its checks")
    assert not server.has_address()
    assert not server.complaints()


def test_the_server_dies(site, boot_tree):
    down, _ = site.holder()
    crowd, came = go_down(site, boot_tree, lost_power)
    down.start()
    only_under_way_gave_up(crowd)
    assert all(crowd.last[number] == "default" for number in range(SLOW))
    # The links of those are used up, and can be found.
    assert came["claimed"] >= SLOW
    # The test is one of a server that was missed.
    assert len(crowd.waited_for(1)) > MACHINES // 4
    is_back(down)


@pytest.mark.deep
def test_the_responder_dies(site, boot_tree):
    down, _ = site.holder()
    crowd, came = go_down(site, boot_tree, responder_killed)
    down.start_responder()
    only_under_way_gave_up(crowd)
    assert came["claimed"] >= SLOW
    # nginx has told them when to ask again.
    assert len(crowd.waited_for(5)) > MACHINES // 10
    is_back(down)


@pytest.mark.deep
def test_nginx_dies(site, boot_tree):
    """No connection is refused until its check fails: iPXE would give up at once."""
    down, _ = site.holder()
    crowd, came = go_down(site, boot_tree, nginx_killed)
    down.start_nginx()
    only_under_way_gave_up(crowd)
    # The test is one of a web server that was missed.
    assert len(crowd.waited_for(1)) > MACHINES // 10
    # The responder saw that its answers were not taken, and armed them again.
    assert not came["claimed"]
    assert all(crowd.last[number] == f"n{number}" for number in range(SLOW))
    is_back(down)


@pytest.mark.deep
def test_nginx_is_restarted(site, boot_tree):
    """Nobody is refused meanwhile, and the address stays."""
    holder, _ = site.holder()
    crowd = Crowd(boot_tree, slow=0)
    crowd.start()
    until(lambda: crowd.answered >= BEFORE, "the answers before")
    holder.stop_nginx()
    began_to_wait = crowd.answered
    # Longer than a restart takes, so that some ask meanwhile.
    time.sleep(.5)
    assert crowd.answered <= began_to_wait + 1
    holder.start_nginx()
    came = crowd.end()
    assert not crowd.gave_up and came["answered once"] == MACHINES
    assert holder.has_address()
    until(holder.is_well, "its checks")


@pytest.mark.deep
def test_the_link_goes_down(site, boot_tree):
    down, _ = site.holder()
    crowd, _ = go_down(site, boot_tree, link_down, slow=0)
    ip("link", "set", down.veth, "up")
    only_under_way_gave_up(crowd)
    is_back(down)


@pytest.mark.deep
def test_keepalived_is_stopped(site, boot_tree):
    down, _ = site.holder()
    crowd, _ = go_down(site, boot_tree, keepalived_stopped, slow=0)
    down.start_keepalived()
    only_under_way_gave_up(crowd)
    is_back(down)
    time.sleep(TAKES_OVER)
    assert not down.has_address()


@pytest.mark.deep
def test_both_responders_die(site, boot_tree):
    """One server keeps the address: its 503 makes the machines wait."""
    holder, other = site.holder()
    for server in holder, other:
        server.kill("responder")
    for server in holder, other:
        until(lambda: not server.is_well(), "its check fails")
    now, other = site.holder()
    status, headers, _ = Ipxe(own(0), ADDRESS, PORT).get()
    assert (status, headers["Retry-After"]) == (503, "5")
    other.start_responder()
    until(other.has_address, "the address is where PXESrv answers")
    assert Ipxe(own(0), ADDRESS, PORT).boot() == b"default"
    now.start_responder()
    is_back(now)


@pytest.mark.deep
def test_the_check_uses_nothing_up(site, boot_tree):
    """And without a default, PXESrv answers all the same."""
    before = [server.said().count("effective priority")
              for server in site.servers]
    os.unlink(boot_tree.full("default"))
    logged = [len(server.log()) for server in site.servers]

    def checked(status):
        return all(len(re.findall(
            rf'^127.0.0.1 .*"HEAD /redirect HTTP/1.1" {status} ',
            server.log()[length:], re.MULTILINE)) > 2
            for server, length in zip(site.servers, logged))

    until(lambda: checked(404), "some checks")
    boot_tree.add("os/n", "n")
    boot_tree.arm("127.0.0.1", "../os/n")
    until(lambda: checked(200), "some checks")
    assert boot_tree.link("once/127.0.0.1") == "../os/n"
    os.unlink(boot_tree.full("once/127.0.0.1"))
    assert before == [server.said().count("effective priority")
                      for server in site.servers]


@pytest.mark.deep
def test_without_multicast(site, boot_tree):
    """With the lines for it, which are comments in the shipped file."""
    a, b = site.servers
    for server, peer in ((a, b), (b, a)):
        server.stop_keepalived()
        server.write_keepalived({
            **two_servers.SITE,
            "#unicast_src_ip 192.0.2.11": f"unicast_src_ip {server.own}",
            "#unicast_peer {": "unicast_peer {",
            "#\t192.0.2.12\n\t#}": f"\t{peer.own}\n\t}}"})
    for server in site.servers:
        server.start_keepalived()
    holder, other = site.holder()
    until(other.is_well, "the other one")
    assert not holder.complaints() and not other.complaints()
    holder.stop_keepalived()
    until(other.has_address, "it moves")
    assert "pxesrv" not in holder.nft("list", "tables")
    holder.start_keepalived()
    assert "pxesrv" in holder.nft("list", "tables")
    is_back(holder)
    assert Ipxe(own(0), ADDRESS, PORT).boot() == b"default"
