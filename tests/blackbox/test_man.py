# SPDX-License-Identifier: MIT
"""The manual pages: that they are right, also those in docs/man/."""
import glob
import os
import re
import subprocess

import pytest

import place

PAGES = sorted(os.path.basename(path) for path in
               glob.glob(os.path.join(place.SOURCE, "man", "*")))


def page(name):
    return os.path.join(place.SOURCE, "man", name)


def test_there_are_all():
    assert PAGES == ["pxesrv-tree.5", "pxesrv.8", "pxesrv.cgi.8",
                     "pxesrv.fcgi.8", "pxesrvctl.8"]


@pytest.mark.parametrize("name", PAGES)
def test_lint(name):
    # There, since it looks for the pages that one refers to beside it.
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "style", name],
                          cwd=os.path.dirname(page(name)),
                          capture_output=True, text=True)
    # Whether the system has the pages of others is not our page's fault.
    said = [line for line in (done.stdout + done.stderr).splitlines()
            if "outdated mandoc.db" not in line and not re.search(
                r"referenced manual not found: Xr (ln 1|inet_ntop 3)$", line)]
    assert said == []


def contents(directory):
    found = {}
    for name in os.listdir(directory):
        with open(os.path.join(directory, name)) as file:
            found[name] = file.read()
    return found


def test_the_pages_in_docs_are_rendered_anew(tmp_path):
    """If not: packaging/render-man."""
    subprocess.run([place.SOURCE + "/packaging/render-man", tmp_path],
                   check=True)
    found = contents(tmp_path)
    assert sorted(found) == [name + ".md" for name in PAGES]
    assert contents(os.path.join(place.SOURCE, "docs", "man")) == found
