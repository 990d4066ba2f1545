# SPDX-License-Identifier: MIT
"""What stands in docs/, taken out of the pages as an administrator would."""
import os
import re
import subprocess

import place
from network import Network, Network6

# The networks that all pages speak of.
EXAMPLES = {"192.0.2.": Network.prefix, "2001:db8::": Network6.prefix}


def with_own_addresses(text):
    for example, own in EXAMPLES.items():
        text = text.replace(example, own)
    return text


def blocks(page, heading, kind):
    """The fenced blocks of a kind (the fence's info string) that stand below
    a heading, with the addresses of the test's own network."""
    found, here, block = [], None, None
    with open(os.path.join(place.SOURCE, "docs", page)) as file:
        for line in file:
            if line.startswith("```"):
                if block is None:
                    block = []
                    wanted = here == heading and line[3:].strip() == kind
                else:
                    if wanted:
                        found.append("".join(block))
                    block = None
            elif block is not None:
                block.append(with_own_addresses(line))
            elif title := re.match(r"#+ (.*)", line):
                here = title[1].strip()
    assert block is None, f"{page}: a block has no end"
    return found


def block(page, heading, kind):
    """The only one."""
    found = blocks(page, heading, kind)
    assert len(found) == 1, (
        f"docs/{page}, {heading!r}: {len(found)} blocks of {kind}")
    return found[0]


def line(page, beginning):
    """The only indented line of a page that begins so."""
    with open(os.path.join(place.SOURCE, "docs", page)) as file:
        found = re.findall(rf"^    ({re.escape(beginning)}.*)$", file.read(),
                           re.MULTILINE)
    assert len(found) == 1, f"docs/{page}: {beginning}: {found}"
    return with_own_addresses(found[0])


def run_commands(section, directory):
    """What a page says to do on the server."""
    subprocess.run(["sh", "-euc", block(*section, "sh")], cwd=directory,
                   check=True)
