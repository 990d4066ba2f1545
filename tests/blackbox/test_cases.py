# SPDX-License-Identifier: MIT
"""The table of cases, by every way of deployment."""
import ipaddress
import os
import re
from datetime import datetime

import pytest

import place
from cases import CASES, DIRECT, TREE
from place import until
from tree import Link

URI_MAX = 1023  # bytes of a URI that the log has
CLIENTS = {"ipv4": "127.0.0.7", "ipv6": "fd00:77::7"}
LINE = re.compile(
    r'(?P<client>\S+) - - \[(?P<time>[^\]]+)\] "(?P<method>\S+) (?P<uri>\S+) '
    r'(?P<protocol>\S+)" (?P<status>\d+) (?P<bytes>\d+) (?P<seconds>\d+\.\d{4}) '
    r'(?P<decision>.*)')


def hex_of(client):
    address = ipaddress.ip_address(client)
    return f"{int(address):08X}" if address.version == 4 else "NONE"


class Filled:
    """A case with a client in it."""

    def __init__(self, case, client):
        self.case, self.client = case, client

    def __call__(self, what):
        if isinstance(what, dict):
            return {self(k): self(v) for k, v in what.items()}
        if not isinstance(what, str):
            return what
        directory = "once" if self.case.name.startswith("once") else "static"
        return type(what)(
            what.replace("DIR/", directory + "/").replace("CLIENT", self.client)
            .replace("HEX", hex_of(self.client)).replace("ROOT", place.ROOT)
            .replace("PXESRV_" + place.ROOT, "PXESRV_ROOT")
            .replace("DOCUMENT_" + place.ROOT, "DOCUMENT_ROOT"))


def check_tree(tree, fill, case):
    for name, want in fill(case.after).items():
        path = tree.full(name)
        if want == "file":
            assert os.path.isfile(path), name
        elif want is None:
            assert not os.path.lexists(path), name
        else:
            assert tree.link(name) == want, name
    assert tree.claimed() == []


def check_log(deployment, fill, case, answer):
    # It is the last thing that is done for a request.
    lines = until(deployment.log, "a line in the log")
    assert len(lines) == 1, lines
    line = LINE.fullmatch(lines[0])
    assert line, lines[0]
    datetime.strptime(line["time"], "%d/%b/%Y:%H:%M:%S %z")
    assert line["status"] == str(case.status)
    assert line["decision"] == fill(case.log)
    assert int(line["bytes"]) == len(answer.body)
    if "REQUEST_METHOD" not in case.params:
        assert line["method"] == case.method
    if "REQUEST_URI" not in case.params:
        assert line["uri"] == case.path[:URI_MAX]
    assert line["protocol"] == "HTTP/1.1"
    if "REMOTE_ADDR" not in case.params:
        assert line["client"] == fill.client


def run(deployment, tree, case, family):
    fill = Filled(case, CLIENTS[family])
    entries = {k: v for k, v in TREE.items() if k not in case.without}
    tree.make({**entries, **fill(case.tree)})
    deployment.clear_log()
    how = {"params": fill(case.params)} if case.params else {}

    answer = deployment.ask(case.path, case.method, fill.client, **how)

    want = fill(case.body).encode()
    assert answer.status == case.status, answer
    assert answer.body == (b"" if case.method == "HEAD" else want)
    assert answer.length == len(want)
    assert answer.type == case.type
    assert answer.headers["cache-control"] == "no-store"
    for name in ("last-modified", "etag", "accept-ranges", "location"):
        assert name not in answer.headers
    assert answer.headers.get("retry-after") is None
    assert answer.headers.get("allow") == (
        "GET, HEAD" if case.status == 405 else None)
    check_log(deployment, fill, case, answer)
    check_tree(tree, fill, case)


def families(case):
    return [case.only] if case.only else list(CLIENTS)


def table(cases):
    return pytest.mark.parametrize("case, family", [
        pytest.param(case, family, id=f"{family}: {case.name}")
        for case in cases for family in families(case)])


@table(CASES)
def test_case(deployment, tree, case, family):
    run(deployment, tree, case, family)


@table(DIRECT)
def test_direct(program, tree, case, family):
    with open(place.SERVERS + "/image", "w") as file:
        file.write("allowed")
    run(program, tree, case, family)


@pytest.mark.parametrize("family", CLIENTS)
def test_asking_twice_gives_the_target_then_the_default(
        deployment, tree, family):
    client = CLIENTS[family]
    tree.make({**TREE, f"once/{client}": Link("../os/boot")})
    first, second, third = (
        deployment.ask(client=client) for _ in range(3))
    assert first.body == TREE["os/boot"].encode()
    assert second.body == third.body == TREE["default"].encode()
    until(lambda: tree.link(f"once/.served/{client}") == "../os/boot",
          "it is settled")
