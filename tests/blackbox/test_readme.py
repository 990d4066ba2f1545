# SPDX-License-Identifier: MIT
"""What the README shows is what the tool says, on the example tree."""
import os
import re
import shlex
import subprocess

import checkout
import ctl
import place
from tree import Tree


def shown():
    """The commands of its section for operators, each with its lines."""
    with open(os.path.join(place.SOURCE, "README.md")) as file:
        text = file.read()
    section = re.search(r"^## Arm, look, understand\n(.*?)^## ", text,
                        re.MULTILINE | re.DOTALL).group(1)
    found = []
    for line in re.findall(r"^    (.*)$", section, re.MULTILINE):
        if line.startswith("$ "):
            found.append((shlex.split(line[2:]), []))
        else:
            found[-1][1].append(line)
    return found


def said(words):
    if words[0] != "pxesrvctl":
        subprocess.run(words, check=True)
        return []
    lines = ctl.on_a_terminal(*words[1:], NO_COLOR="1").splitlines()
    return [re.sub(r"  \d+ s  ", "  1 s  ", line) for line in lines]


def test_what_it_shows(tree: Tree):
    checkout.copy_public(place.ROOT)
    for name in "once", "until":
        os.chown(tree.full(name), *place.OWNER)
    examples = shown()
    assert len(examples) == 9
    for words, lines in examples:
        assert said(words) == lines, words
