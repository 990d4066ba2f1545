# SPDX-License-Identifier: MIT
"""What the README shows is what the tool says, on the example tree."""
import os
import re
import shlex
import subprocess

import answer
import checkout
import ctl
import fastcgi
import place
from deployments import meta_variables
from tree import Tree


def shown():
    """The commands of its section on daily use, each with its lines."""
    with open(os.path.join(place.SOURCE, "README.md")) as file:
        text = file.read()
    section = re.search(r"^## Use it\n(.*?)^## ", text,
                        re.MULTILINE | re.DOTALL).group(1)
    found = []
    for line in re.findall(r"^    (.*)$", section, re.MULTILINE):
        if line.startswith("$ "):
            found.append((shlex.split(line[2:]), []))
        else:
            found[-1][1].append(line)
    return found


def boots(responder, client):
    got = answer.from_cgi(fastcgi.ask(
        responder.path, meta_variables("GET", "/redirect", client)))
    assert got.status == 200


def said(words, responder):
    if words[0] != "pxesrvctl":
        subprocess.run(words, check=True)
        return []
    if words[1] == "wait":
        boots(responder, words[2])
        lines = ctl.good(*words[1:]).lines
    else:
        lines = ctl.on_a_terminal(*words[1:], NO_COLOR="1").splitlines()
    return [re.sub(r"  \d+ s  ", "  1 s  ",
                   re.sub(r" at \d\d:\d\d:\d\d$", " at 14:03:27", line))
            for line in lines]


def test_what_it_shows(tree: Tree, responder):
    checkout.copy_public(place.ROOT)
    os.chown(tree.full("once"), *place.OWNER)
    one = responder()
    examples = shown()
    assert len(examples) == 8
    for words, lines in examples:
        assert said(words, one) == lines, words
