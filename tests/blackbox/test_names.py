# SPDX-License-Identifier: MIT
"""Several identities of one machine, which has one once link by its name.

And how a link that expires, or that is done, ends for all of them.
"""
import concurrent.futures
import os
import threading
import time

import pytest

import answer
import fastcgi
import place
from deployments import meta_variables
from place import until
from tree import Directory, Link

CARDS = ("127.0.0.7", "127.0.0.8")
MAC = "00:00:5e:00:53:07"
NAME = "node7"
TREE = {"default": "default", "os/boot": "os", "once/.lock": "",
        "once/.claimed": Directory(), "once/.served": Directory(),
        **{f"names/{card}": Link(NAME) for card in (*CARDS, MAC)}}
LIMIT = 100  # seconds: PXESRV_ONCE_EXPIRES


def ask(path, client, uri="/redirect", method="GET", **params):
    variables = {**meta_variables(method, uri, client), **params}
    return answer.from_cgi(fastcgi.ask(path, variables))


def by_address(one, client):
    return lambda: ask(one.path, client)


def by_mac(one):
    """From an address that nobody knows."""
    return lambda: ask(one.path, "127.0.0.9", f"/redirect?mac={MAC}",
                       PXESRV_IDENTIFY="mac")


def at_once(pool, asks):
    """The answers to requests that are sent at the same time."""
    barrier = threading.Barrier(len(asks))

    def wait_and_ask(one):
        barrier.wait()
        return one()

    return list(pool.map(wait_and_ask, asks))


@pytest.fixture
def pair(responder):
    """Two processes."""
    return [responder(PXESRV_THREADS="4"),
            responder(PXESRV_THREADS="4", path="/run/pxesrv/second.sock")]


@pytest.mark.parametrize("with_mac", [False, True], ids=["cards", "a MAC"])
def test_exactly_one_identity_wins(pair, tree, with_mac):
    """Eight requests at a time over two identities and two processes."""
    tree.make(TREE)
    asks = [ask_one for one in pair for _ in range(2) for ask_one in (
        by_address(one, CARDS[0]),
        by_mac(one) if with_mac else by_address(one, CARDS[1]))]
    winners = set()
    with concurrent.futures.ThreadPoolExecutor(len(asks)) as pool:
        for number in range(300):
            target = f"../os/boot{number}"
            tree.add(target[3:], f"os {number}")
            tree.arm(NAME, target)
            got = at_once(pool, asks)
            assert all(g.status == 200 for g in got), got
            bodies = [g.body for g in got]
            assert sorted(bodies) == [b"default"] * 7 + [b"os %d" % number]
            winners.add(bodies.index(b"os %d" % number) % 2)
            until(lambda: tree.link(f"once/.served/{NAME}") == target,
                  "it is settled")
            assert tree.claimed() == []
            assert tree.link(f"once/{NAME}") is None
    assert winners == {0, 1}, "one identity alone was ever fast enough"


def test_a_name_and_an_address_are_two_links(pair, tree):
    """Each is served once, the name's first, whoever asks."""
    tree.make({**TREE, "os/own": "own"})
    asks = [by_address(one, card) for one in pair for card in CARDS] * 2
    with concurrent.futures.ThreadPoolExecutor(len(asks)) as pool:
        for _ in range(100):
            tree.arm(NAME, "../os/boot")
            tree.arm(CARDS[0], "../os/own")
            bodies = [g.body for g in at_once(pool, asks)]
            assert bodies.count(b"os") == 1
            assert bodies.count(b"own") <= 1
            if b"own" not in bodies:
                assert ask(pair[0].path, CARDS[0]).body == b"own"
            until(lambda: not tree.claimed(), "it is settled")
            assert tree.link(f"once/{CARDS[0]}") is None


def test_a_grace_is_for_each_identity(responder, tree):
    one = responder(PXESRV_ONCE_GRACE="3600")
    tree.make(TREE)
    tree.arm(NAME, "../os/boot")
    assert [ask(one.path, card).body for card in CARDS * 2] == [b"os"] * 4
    assert tree.link(f"once/.served/{NAME}") == "../os/boot"


def test_one_of_many_says_that_it_is_done(pair, tree):
    """One link is moved once, whoever says so first."""
    tree.make({**TREE, "until": Directory()})
    asks = [lambda one=one, card=card: ask(one.path, card, "/done")
            for one in pair for card in CARDS] * 2
    with concurrent.futures.ThreadPoolExecutor(len(asks)) as pool:
        for number in range(100):
            target = f"../os/boot{number}"
            os.symlink(target, tree.full(f"until/{NAME}"))
            got = at_once(pool, asks)
            assert sorted((g.status, g.body) for g in got) == [
                (200, f"Done until/{NAME}\n".encode())] + [
                    (400, b"Missing\n")] * 7
            assert tree.link(f"until/.done/{NAME}") == target
            assert tree.link(f"until/{NAME}") is None


def test_a_link_with_two_names_is_done_as_well(responder, tree):
    """As ln(1) makes it again: rename(2) would leave both."""
    one = responder()
    tree.make({**TREE, f"until/.done/{NAME}": Link("../os/boot")})
    os.link(tree.full(f"until/.done/{NAME}"), tree.full(f"until/{NAME}"),
            follow_symlinks=False)
    assert ask(one.path, CARDS[0]).body == b"os"
    assert ask(one.path, CARDS[0], "/done").status == 200
    assert tree.link(f"until/{NAME}") is None
    assert tree.link(f"until/.done/{NAME}") == "../os/boot"
    assert ask(one.path, CARDS[0], "/done").status == 400


# What lies where finished links are to go

@pytest.mark.parametrize("what", [
    Link("../static"), Link(place.ROOT + "/static"), Link("nowhere"), "a file"],
    ids=["a link", "an absolute link", "a dangling link", "a file"])
@pytest.mark.parametrize("when", ["before the start", "while it runs"])
def test_no_link_leads_elsewhere(responder, tree, what, when):
    """Else whoever may arm a machine could write where he may not."""
    tree.make({**TREE, "static": Directory(), "until": Directory(),
               f"until/{NAME}": Link("../os/boot")})
    if when == "before the start":
        tree.add("until/.done", what)
    one = responder()
    if when == "while it runs":
        os.rmdir(tree.full("until/.done"))
        tree.add("until/.done", what)
    got = ask(one.path, CARDS[0], "/done")
    assert got.status == 503 and got.headers["retry-after"] == "5"
    assert got.body == f"# until/{NAME}: Not a directory\n".encode()
    assert tree.link(f"until/{NAME}") == "../os/boot"
    assert os.listdir(tree.full("static")) == []
    assert ask(one.path, CARDS[0]).body == b"os"
    os.unlink(tree.full("until/.done"))
    assert ask(one.path, CARDS[0], "/done").status == 200
    assert tree.link(f"until/.done/{NAME}") == "../os/boot"


@pytest.mark.skipif(not place.AS_ROOT, reason="only root can be several users")
def test_where_nobody_can_be_done(responder, tree):
    tree.make({**TREE, f"until/{NAME}": Link("../os/boot")})
    os.chown(tree.full("until"), 0, 0)
    os.chmod(tree.full("until"), 0o755)
    one = responder()
    got = ask(one.path, CARDS[0], "/done")
    assert got.status == 503 and got.headers["retry-after"] == "5"
    assert tree.link(f"until/{NAME}") == "../os/boot"
    with open(place.LOG) as log:
        assert "until: links cannot be done with: Permission denied" in \
            log.read()


# A link that expires

def age(tree, seconds, name=NAME):
    """Has the link be so old, and says when."""
    moment = time.time() - seconds
    os.utime(tree.full(f"once/{name}"), (moment, moment),
             follow_symlinks=False)
    return moment


@pytest.mark.parametrize("older, want", [
    (-1, b"os"), (-0.5, b"os"), (0.001, b"default"), (1, b"default")])
def test_around_the_last_second(responder, tree, older, want):
    one = responder(PXESRV_ONCE_EXPIRES=str(LIMIT))
    tree.make(TREE)
    tree.arm(NAME, "../os/boot")
    age(tree, LIMIT + older)
    assert ask(one.path, CARDS[0], method="HEAD").length == len(want)
    assert ask(one.path, CARDS[0]).body == want
    until(lambda: not tree.claimed(), "it is settled")
    if want == b"default":
        assert tree.link(f"once/{NAME}") == "../os/boot"
        # Armed again it is new.
        tree.arm(NAME, "../os/boot")
        assert ask(one.path, CARDS[1]).body == b"os"


def test_links_that_expire_while_they_are_asked_for(pair, tree):
    """Each is served at most once, and never after its time."""
    tree.make(TREE)
    late, served = [], 0

    def ask_until_it_is_over(one, card, end):
        while True:
            sent = time.time()
            body = ask(one.path, card, PXESRV_ONCE_EXPIRES=str(LIMIT)).body
            if body == b"os":
                return sent
            if sent > end:
                return None

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for number in range(60):
            os.symlink("../os/boot", tree.full("once/.new"))
            end = time.time() + 0.02
            os.utime(tree.full("once/.new"), (end - LIMIT,) * 2,
                     follow_symlinks=False)
            # Some come just before its time, and some just after.
            time.sleep(max(0, end - time.time() - 0.01 + number % 4 * 0.005))
            os.rename(tree.full("once/.new"), tree.full(f"once/{NAME}"))
            sent = [s for s in pool.map(
                lambda args: ask_until_it_is_over(*args, end),
                [(one, card) for one in pair for card in CARDS]) if s]
            assert len(sent) <= 1, "served twice"
            late += [s for s in sent if s > end]
            served += len(sent)
            until(lambda: not tree.claimed(), "it is settled")
            left = tree.link(f"once/{NAME}")
            assert (left is None) == (len(sent) == 1)
            if left:
                os.unlink(tree.full(f"once/{NAME}"))
    assert not late
    assert 0 < served < 60, f"{served} of 60: no race"
