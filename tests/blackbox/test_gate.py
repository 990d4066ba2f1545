# SPDX-License-Identifier: MIT
"""What a peer may do to the responder: nothing but ask.

Whoever can open the socket can send anything. After each of these streams the
process lives, the next request is answered, and no link is used up.
"""
import os
import resource
import signal
import struct
import subprocess
import time

import pytest

import answer
import fastcgi
import place
import strace
from deployments import meta_variables
from fastcgi import Connection, begin, length, pairs, record
from place import until
from tree import Link

CLIENT = "127.0.0.7"
ASKED = meta_variables("GET", "/redirect", CLIENT)
TREE = {"default": "default", "os/boot": "os",
        f"once/{CLIENT}": Link("../os/boot")}


def ask_default(responder):
    """A well-behaved peer, not the client that is armed."""
    params = {**ASKED, "REMOTE_ADDR": "127.0.0.8"}
    got = answer.from_cgi(fastcgi.ask(responder.path, params))
    assert (got.status, got.body) == (200, b"default")


def descriptors_at_rest(responder):
    """How many it has when it is started and has nothing to do."""
    params = {**ASKED, "REMOTE_ADDR": "127.0.0.8"}
    with Connection(responder.path) as peer:
        peer.send(fastcgi.request(params))
        peer.read_answer()
        assert peer.is_closed()
    return responder.descriptors()


def is_armed(tree):
    return tree.link(f"once/{CLIENT}") == "../os/boot" and not tree.claimed()


PARAMS = record(fastcgi.PARAMS, pairs(ASKED)) + record(fastcgi.PARAMS)
WHOLE = fastcgi.request(ASKED)
MANAGEMENT = record(fastcgi.GET_VALUES, pairs({"FCGI_MAX_CONNS": ""}), 0)
PADDED = MANAGEMENT[:4] + bytes(4)  # a whole one without content
REFUSED = {
    "management record in the padding of BEGIN":
        begin()[:6] + bytes([8, 0]) + begin()[8:] + PADDED + PARAMS +
        record(fastcgi.STDIN),
    "management record in the padding of PARAMS":
        begin() + PARAMS[:-2] + bytes([8, 0]) + PADDED + record(fastcgi.STDIN),
    "management record in the padding of STDIN":
        WHOLE[:-2] + bytes([8, 0]) + PADDED,
    "not FastCGI": b"GET /redirect HTTP/1.0\r\n\r\n",
    "zeros": bytes(64),
    "version 2": record(fastcgi.BEGIN, bytes(8), version=2),
    "management record first": MANAGEMENT,
    "management record after BEGIN": begin() + MANAGEMENT,
    "management record among PARAMS":
        begin() + record(fastcgi.PARAMS, pairs(ASKED)) + MANAGEMENT +
        record(fastcgi.PARAMS) + record(fastcgi.STDIN),
    "management record after the request": WHOLE + MANAGEMENT,
    "unknown management record": record(77, b"", 0),
    "authorizer": begin(fastcgi.AUTHORIZER) + PARAMS,
    "filter": begin(fastcgi.FILTER) + PARAMS + record(fastcgi.STDIN) +
        record(fastcgi.DATA),
    "PARAMS first": PARAMS,
    "a second BEGIN": begin() + begin(),
    "another request's PARAMS":
        begin() + record(fastcgi.PARAMS, pairs(ASKED), 2),
    "STDIN while PARAMS are open": begin() + record(fastcgi.STDIN),
    "ABORT in PARAMS": begin() + record(fastcgi.PARAMS, pairs(ASKED)) +
        record(fastcgi.ABORT),
    "ABORT after PARAMS": begin() + PARAMS + record(fastcgi.ABORT),
    "ABORT after the request": WHOLE + record(fastcgi.ABORT),
    "a value of 2 GiB": begin() + record(
        fastcgi.PARAMS, b"\x01" + struct.pack(">I", 0xffffffff) + b"ax") +
        record(fastcgi.PARAMS) + record(fastcgi.STDIN),
    "a name and a value of 2 GiB": begin() + record(
        fastcgi.PARAMS, b"\xff" * 8 + b"ax") + record(fastcgi.PARAMS) +
        record(fastcgi.STDIN),
    "a value that is cut off": begin() + record(
        fastcgi.PARAMS, length(11) + length(100) + b"REMOTE_ADDRx") +
        record(fastcgi.PARAMS) + record(fastcgi.STDIN),
    "a name with =": fastcgi.request({**ASKED, "PXESRV_ROOT=/tmp": ""}),
    "a value with NUL": fastcgi.request({**ASKED, "X": "a\0b"}),
    "an empty name": fastcgi.request({**ASKED, "": "x"}),
    "too many params": fastcgi.request({**ASKED, "X": "x" * 70000}),
    "too large a body": fastcgi.request(ASKED, stdin=bytes(70000)),
    "two requests at once": WHOLE + WHOLE,
    "two kept requests at once":
        fastcgi.request(ASKED, keep=True) + fastcgi.request(ASKED, keep=True),
}


@pytest.mark.parametrize("stream", REFUSED.values(), ids=REFUSED)
def test_refused(responder, tree, stream):
    r = responder(PXESRV_THREADS="1")
    tree.make(TREE)
    descriptors = descriptors_at_rest(r)
    with Connection(r.path) as peer:
        try:
            peer.send(stream)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert peer.is_closed()
        ask_default(r)
    assert is_armed(tree)
    until(lambda: r.descriptors() <= descriptors, "descriptors are back")
    with open(place.LOG) as log:
        assert " refused: " in log.read()


def test_a_stream_cut_off_at_each_byte_uses_up_nothing(responder, tree):
    r = responder(PXESRV_THREADS="1")
    tree.make(TREE)
    descriptors = descriptors_at_rest(r)
    for n in range(len(WHOLE)):
        with Connection(r.path) as peer:
            peer.send(WHOLE[:n])
    ask_default(r)
    assert is_armed(tree)
    until(lambda: r.descriptors() <= descriptors, "descriptors are back")


def test_a_request_in_small_pieces_is_answered(responder, tree):
    r = responder(PXESRV_THREADS="1")
    tree.make(TREE)
    with Connection(r.path) as peer:
        step = 7
        for n in range(0, len(WHOLE), step):
            peer.send(WHOLE[n:n + step])
        assert answer.from_cgi(peer.read_answer()).body == b"os"


def test_idle_connections_cost_no_thread(responder, tree):
    """More kept-alive connections than threads, each used again and again."""
    r = responder(PXESRV_THREADS="1")
    tree.make(TREE)
    request = fastcgi.request({**ASKED, "REMOTE_ADDR": "127.0.0.8"}, keep=True)
    peers = [Connection(r.path) for _ in range(64)]
    for _ in range(3):
        for peer in peers:
            peer.send(request)
        for peer in peers:
            assert answer.from_cgi(peer.read_answer()).body == b"default"
    for peer in peers:
        peer.close()


def test_kept_connections_may_be_silent_for_long(responder, tree):
    """Longer than a request may take to come; it came in two pieces."""
    r = responder(PXESRV_THREADS="4")
    tree.make(TREE)
    request = fastcgi.request({**ASKED, "REMOTE_ADDR": "127.0.0.8"}, keep=True)
    peers = [Connection(r.path) for _ in range(100)]
    for _ in range(10):
        for peer in peers:
            peer.send(request[:50])
            peer.send(request[50:])
        for peer in peers:
            peer.read_answer()
    time.sleep(11)
    for peer in peers:
        peer.send(request)
        assert answer.from_cgi(peer.read_answer()).body == b"default"
        peer.close()


def test_a_kept_connection_needs_no_other_threads_accept(responder, tree):
    r = responder(PXESRV_THREADS="8")
    tree.make(TREE)
    request = fastcgi.request({**ASKED, "REMOTE_ADDR": "127.0.0.8"}, keep=True)
    with Connection(r.path) as peer:
        for _ in range(2000):
            peer.send(request)
            assert answer.from_cgi(peer.read_answer()).body == b"default"


def test_a_body_does_not_spoil_the_next_request(responder, tree):
    r = responder(PXESRV_THREADS="1")
    tree.make(TREE)
    post = {**ASKED, "REQUEST_METHOD": "POST"}
    with Connection(r.path) as peer:
        for size in (1, 100, 8192, 40000):
            peer.send(fastcgi.request(post, keep=True, stdin=b"\1" * size))
            assert answer.from_cgi(peer.read_answer()).status == 405
        peer.send(fastcgi.request(ASKED, keep=True))
        assert answer.from_cgi(peer.read_answer()).body == b"os"


def test_a_small_answer_comes_in_one_piece(responder, tree):
    r = responder()
    tree.make({**TREE, "default": "x" * 1500})
    with Connection(r.path) as peer:
        peer.send(fastcgi.request({**ASKED, "REMOTE_ADDR": "127.0.0.8"}))
        piece = peer.socket.recv(65536)
    assert piece[-16:-8] == record(fastcgi.END, bytes(8))[:8]


def test_the_end_of_a_connection_is_not_waited_for(responder, tree):
    """libfcgi lingers up to two seconds for a peer that stays."""
    r = responder(PXESRV_THREADS="1")
    tree.make(TREE)
    times = []
    for _ in range(5):
        start = time.monotonic()
        with Connection(r.path) as peer:
            peer.send(WHOLE)
            peer.read_answer()
            assert peer.is_closed()
            ask_default(r)
            times.append(time.monotonic() - start)
    assert min(times) < 1


def test_a_half_closed_peer_uses_up_no_link(responder, tree):
    """lighttpd says so that its client has hung up."""
    r = responder()
    tree.make(TREE)
    with Connection(r.path) as peer:
        r.halt()
        peer.send(WHOLE)
        peer.socket.shutdown(1)
        r.go_on()
        assert peer.is_closed()
    assert is_armed(tree)
    with Connection(r.path) as peer:
        peer.send(fastcgi.request({**ASKED, "REMOTE_ADDR": "127.0.0.8"}))
        peer.socket.shutdown(1)
        assert answer.from_cgi(peer.read_answer()).body == b"default"


@pytest.mark.skipif(place.IS_SANITIZED,
                    reason="the sanitizers have threads of their own")
def test_a_request_that_comes_in_with_its_end_is_seen(
        responder, tree, tmp_path):
    """It was not there at the first look, and then the peer had finished."""
    r = responder(PXESRV_THREADS="1")
    tree.make(TREE)
    until(lambda: strace.is_waiting(strace.worker(r.pid)), "it waits")
    blind = strace.Strace(strace.worker(r.pid), str(tmp_path / "calls"),
                          "recvfrom:error=EAGAIN:when=1")
    try:
        with Connection(r.path) as peer:
            r.halt()
            peer.send(fastcgi.request({**ASKED, "REMOTE_ADDR": "127.0.0.8"}))
            peer.socket.shutdown(1)
            r.go_on()
            assert answer.from_cgi(peer.read_answer()).body == b"default"
    finally:
        blind.detach()
    assert blind.has_injected()


@pytest.mark.parametrize("rearmed", [False, True])
def test_an_answer_that_breaks_off_puts_the_link_back(
        responder, tree, rearmed):
    r = responder(PXESRV_THREADS="1")
    tree.make({**TREE, "os/large": bytes(8 << 20)})
    tree.arm(CLIENT, "../os/large")
    with Connection(r.path) as peer:
        peer.send(WHOLE)
        peer._exactly(100000)
        assert tree.link(f"once/{CLIENT}") is None
        assert len(tree.claimed()) == 1
        if rearmed:
            tree.arm(CLIENT, "../os/boot")
    until(lambda: not tree.claimed(), "the claim is settled")
    if rearmed:
        assert tree.link(f"once/{CLIENT}") == "../os/boot"
        assert tree.link(f"once/.served/{CLIENT}") == "../os/large"
    else:
        assert tree.link(f"once/{CLIENT}") == "../os/large"
        assert tree.link(f"once/.served/{CLIENT}") is None


def test_a_file_that_shrinks_does_not_look_whole(responder, tree):
    r = responder(PXESRV_THREADS="1")
    tree.make({**TREE, "os/large": bytes(8 << 20)})
    tree.arm(CLIENT, "../os/large")
    with Connection(r.path) as peer:
        peer.send(WHOLE)
        peer.read_record()
        os.truncate(tree.full("os/large"), 1 << 20)
        with pytest.raises(fastcgi.Closed):
            peer.read_answer()
    until(lambda: tree.link(f"once/{CLIENT}") == "../os/large", "put back")


def test_silent_peers_do_not_take_the_descriptors_of_answers(responder, tree):
    soft = 40
    r = responder(
        PXESRV_THREADS="2",
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (soft, soft)))
    tree.make(TREE)
    peers = []
    for _ in range(100):
        peers.append(Connection(r.path))
        peers[-1].send(b"\x01")
    ask_default(r)
    for peer in peers:
        peer.close()
    ask_default(r)
    assert is_armed(tree)


def limit_descriptors(responder, number):
    """Below what it has open: whatever it asks for then is refused."""
    subprocess.run(["prlimit", f"--nofile={number}:", "--pid",
                    str(responder.pid)], check=True, **place.AS_USER)


def test_no_descriptor_is_left_for_accept(responder, tree):
    """EMFILE from accept ends the usual libfcgi loop."""
    r = responder(PXESRV_THREADS="2")
    tree.make(TREE)
    descriptors_at_rest(r)
    limit_descriptors(r, 3)
    with Connection(r.path) as peer:
        peer.send(fastcgi.request({**ASKED, "REMOTE_ADDR": "127.0.0.8"}))
        peer.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            peer.read_record()
        assert r.is_running()
        limit_descriptors(r, 1000)
        peer.socket.settimeout(place.PATIENCE)
        assert answer.from_cgi(peer.read_answer()).body == b"default"


def test_a_silent_connection_gives_its_descriptor(responder, tree):
    r = responder(PXESRV_THREADS="1")
    tree.make(TREE)
    with Connection(r.path) as silent, Connection(r.path) as peer:
        for one in (silent, peer):
            one.send(fastcgi.request({**ASKED, "REMOTE_ADDR": "127.0.0.8"},
                                     keep=True))
            one.read_answer()
        # Its line comes when the descriptors of an answer are closed.
        until(lambda: open(place.LOG).read().count("GET") == 2, "both lines")
        limit_descriptors(r, r.descriptors())
        # It can be accepted, but there is none for its file.
        assert answer.from_cgi(
            fastcgi.ask(r.path, ASKED)).status == 503
        assert silent.is_closed()
    assert is_armed(tree)


def test_no_descriptor_is_left_for_an_answer(responder, tree):
    r = responder(PXESRV_THREADS="2")
    tree.make(TREE)
    with Connection(r.path) as peer:
        peer.send(fastcgi.request({**ASKED, "REMOTE_ADDR": "127.0.0.8"}, True))
        peer.read_answer()
        limit_descriptors(r, 3)
        peer.send(fastcgi.request(ASKED, keep=True))
        got = answer.from_cgi(peer.read_answer())
        assert got.status == 503 and got.headers["retry-after"] == "5"
        assert is_armed(tree)
        limit_descriptors(r, 1000)
        peer.send(fastcgi.request(ASKED, keep=True))
        assert answer.from_cgi(peer.read_answer()).body == b"os"


def test_the_backlog_holds_a_rack(responder, tree):
    r = responder()
    tree.make(TREE)
    r.halt()
    try:
        peers = []
        for _ in range(600):
            peers.append(Connection(r.path))
    finally:
        r.go_on()
    for peer in peers:
        peer.send(fastcgi.request({**ASKED, "REMOTE_ADDR": "127.0.0.8"}))
    for peer in peers:
        assert answer.from_cgi(peer.read_answer()).status == 200
        peer.close()
