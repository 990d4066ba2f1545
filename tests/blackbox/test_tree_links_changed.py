# SPDX-License-Identifier: MIT
"""Which links the web servers follow, where more is configured."""
import os

import pytest

import deployments
import place
import raw
from test_tree_links import MEMBER, OWNER, fill, own
from test_web_errors import is_comment
from tree import Link

pytestmark = pytest.mark.skipif(
    not place.AS_ROOT, reason="files are given to several users")

SERVERS = [name for name, kind in deployments.ALL.items()
           if issubclass(kind, deployments.WebServer)]


@pytest.mark.parametrize("name", SERVERS)
def test_a_root_that_is_a_link(variant, tree, name):
    link = "/run/servers/tree"
    if not os.path.lexists(link):
        os.symlink(place.ROOT, link)
    own(link, MEMBER)
    one = variant(name, lambda text: text.replace(place.ROOT, link))
    fill(tree, OWNER)
    tree.make({"link": Link("os/boot"), "static/file": "static"})
    assert one.ask().body == b"default"
    assert one.ask("/os/boot").body == one.ask("/link").body == b"os"
    got = one.ask("/static/file")
    # lighttpd looks for links in the whole path.
    assert got.status == (403 if name.startswith("lighttpd") else 200)


@pytest.mark.parametrize("name", ["lighttpd", "lighttpd-bin-path"])
def test_a_host_of_lighttpd_that_is_set_below(variant, tree, name):
    """It brings its own root, and what is hidden stays so."""
    one = variant(name, lambda text: text + f"""
        $HTTP["host"] =~ "" {{ server.document-root = "{place.ROOT}" }}
        """ if "server.errorlog" in text else text)
    fill(tree, OWNER)
    tree.make({".hidden/file": "hidden", ".file": "hidden"})
    assert one.ask("/os/boot").body == b"os"
    for path in ("/once/file", "/once/", "/.hidden/file", "/.file", "/.hidden/"):
        got = raw.get(one.port, path)
        assert got.status in (403, 404) and is_comment(got.body), path
    assert one.ask().body == b"default"
