# SPDX-License-Identifier: MIT
"""What the pages for a first boot say to do, taken as a reader takes it."""
import os
import re

import place
from pages import with_own_addresses


def _below(page, heading):
    with open(os.path.join(place.SOURCE, "docs", page)) as file:
        text = file.read()
    section, = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text,
                          re.MULTILINE | re.DOTALL)
    return with_own_addresses(section)


def commands(page, heading):
    """Each of the indented blocks below a heading."""
    found = re.findall(r"(?:^ {4,}\S.*\n)+", _below(page, heading),
                       re.MULTILINE)
    assert found, f"docs/{page}, {heading!r}: no commands"
    return [re.sub(r"^ +", "", block, flags=re.MULTILINE) for block in found]


def fenced(page, heading):
    block, = re.findall(r"^```\w+\n(.*?)^```$", _below(page, heading),
                        re.MULTILINE | re.DOTALL)
    return block
