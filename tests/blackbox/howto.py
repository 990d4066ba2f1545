# SPDX-License-Identifier: MIT
"""The pages in docs/howto/, as an administrator reads them."""
import os
import re

import place


def text(page):
    with open(os.path.join(place.SOURCE, "docs/howto", page)) as file:
        return file.read()


def block(page, kind, word):
    """The one fenced block of this kind that has this word."""
    blocks = re.findall(rf"^```{kind}\n(.*?)^```$", text(page),
                        re.MULTILINE | re.DOTALL)
    found, = [block for block in blocks if word in block]
    return found
