# SPDX-License-Identifier: MIT
"""The manual pages: that they are right, and say what the programs do."""
import glob
import os
import re
import subprocess

import pytest

import ctl
import place

PAGES = sorted(os.path.basename(path) for path in
               glob.glob(os.path.join(place.SOURCE, "man", "*")))


def page(name):
    return os.path.join(place.SOURCE, "man", name)


def as_text(name):
    return subprocess.run(["mandoc", "-T", "ascii", "-O", "width=200",
                           page(name)], capture_output=True, text=True,
                          check=True).stdout.replace("\b", "\0")


def plain(name):
    """Without what overstriking makes bold."""
    return re.sub(".\0", "", as_text(name))


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


def test_each_command_and_option_is_described():
    text = plain("pxesrvctl.8")
    for line in ctl.good("-h").lines:
        if not line.startswith("  ") or line.startswith("   "):
            continue
        command = line.split()[0]
        options = re.findall(r"^  (-\S+)", ctl.good(command, "-h").out,
                             re.MULTILINE)
        # One line is that of the overview.
        heads = re.findall(rf"^ +{command} .*", text, re.MULTILINE)
        assert len(heads) > 1, command
        for option in options:
            assert re.search(rf"^ +{option}\b", text, re.MULTILINE), option
            # -r stands with all of them.
            assert option == "-r" or any(option in head for head in heads), \
                (command, option)


@pytest.mark.parametrize("name", [
    "PXESRV_ROOT", "PXESRV_LOG", "PXESRV_ALLOW", "PXESRV_SEND",
    "PXESRV_ONCE_GRACE", "PXESRV_ONCE_EXPIRES", "PXESRV_IDENTIFY",
    "PXESRV_THREADS"])
def test_each_setting_is_described(name):
    assert re.search(rf"^ +{name}\b", plain("pxesrv.fcgi.8"), re.MULTILINE)


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
