# SPDX-License-Identifier: MIT
"""Which links of the tree the web servers follow: whose, where, and to what."""
import os

import pytest

import place
from deployments import Lighttpd
from test_web_errors import is_comment
from tree import Link

pytestmark = pytest.mark.skipif(
    not place.AS_ROOT, reason="files are given to several users")

ROOT, OWNER, MEMBER = (0, 0), place.OWNER, (12345, 12345)
OUTSIDE = "/run/servers/outside"
SERVED, REFUSED = "served", "refused"
LIMIT = "served by lighttpd"  # which can't tell whose a link is
# A link, its text, its owner; what is asked for; who owns what it leads to; and
# whether that is served.
LINKS = [
    # In static/ links are PXESrv's, whoever made them, and wherever they lead.
    ("static/evil", "/etc/passwd", MEMBER, "static/evil", None, REFUSED),
    ("static/evil", "/etc/passwd", ROOT, "static/evil", None, REFUSED),
    ("static/etc", "/etc", MEMBER, "static/etc/passwd", None, REFUSED),
    ("static/etc", "/etc", ROOT, "static/etc/passwd", None, REFUSED),
    ("static/o", "../once", MEMBER, "static/o/file", OWNER, REFUSED),
    ("static/o", "../once", OWNER, "static/o/file", OWNER, REFUSED),
    ("static/o", "../once/file", OWNER, "static/o", OWNER, REFUSED),
    ("static/d/o", "../../once", OWNER, "static/d/o/file", OWNER, REFUSED),
    ("static/d/evil", "/etc/passwd", ROOT, "static/d/evil", None, REFUSED),
    ("static/127.0.0.7", "../os/boot", OWNER, "static/127.0.0.7", OWNER, REFUSED),
    ("static/127.0.0.7", "../os/boot", MEMBER, "static/127.0.0.7", OWNER, REFUSED),
    ("static/x.efi", "../os/boot", OWNER, "static/x.efi", OWNER, REFUSED),
    # Elsewhere: links in the tree, as its owner makes them.
    ("link", "os/boot", OWNER, "link", OWNER, SERVED),
    ("os/link", "boot", OWNER, "os/link", OWNER, SERVED),
    ("link", place.ROOT + "/os/boot", OWNER, "link", OWNER, SERVED),
    ("current", "os", OWNER, "current/boot", OWNER, SERVED),
    ("current", place.ROOT + "/os", OWNER, "current/boot", OWNER, SERVED),
    ("boot.efi", "os/boot", OWNER, "boot.efi", OWNER, SERVED),
    ("link", "os/boot", ROOT, "link", ROOT, SERVED),
    ("link", "os/boot", MEMBER, "link", MEMBER, SERVED),
    ("link", "nothing", OWNER, "link", OWNER, REFUSED),
    ("link", "link", OWNER, "link", OWNER, REFUSED),
    # Those of somebody else.
    ("link", "os/boot", MEMBER, "link", OWNER, LIMIT),
    ("link", "os/boot", MEMBER, "link", ROOT, LIMIT),
    ("link", "os/boot", ROOT, "link", OWNER, LIMIT),
    ("evil", "/etc/passwd", MEMBER, "evil", None, LIMIT),
    ("evil", "/etc/passwd", OWNER, "evil", None, LIMIT),
    ("etc", "/etc", MEMBER, "etc/passwd", None, LIMIT),
    ("o", "once", MEMBER, "o/file", OWNER, LIMIT),
    # What its owner leads out of the tree, of his own.
    ("out", OUTSIDE, OWNER, "out/file", OWNER, SERVED),
    ("out", OUTSIDE, MEMBER, "out/file", OWNER, LIMIT),
    ("evil", "/etc/passwd", ROOT, "evil", None, SERVED),
]


def own(path, owner):
    os.chown(path, *owner, follow_symlinks=False)


def fill(tree, owner):
    """The tree's files, and one outside, of this owner."""
    tree.make({"default": "default", "os/boot": "os", "once/file": "hidden"})
    os.makedirs(OUTSIDE, exist_ok=True)
    with open(OUTSIDE + "/file", "w") as file:
        file.write("outside")
    for path in ("os", "os/boot", "once", "once/file"):
        own(tree.full(path), owner or OWNER)
    for path in (OUTSIDE, OUTSIDE + "/file"):
        own(path, owner or OWNER)


def numbered(number, link, text, maker, path, *rest):
    """By a name of its own: lighttpd remembers for a second what one was."""
    new = f"{link}-{number}"
    return pytest.param(
        new, new if text == link else text, maker, path.replace(link, new, 1),
        *rest, id=f"{path} by {link} -> {text} of {maker[0]}, {number}")


@pytest.mark.parametrize("link, text, maker, path, owner, want", [
    numbered(number, *row) for number, row in enumerate(LINKS)])
def test_a_link(web_server, tree, link, text, maker, path, owner, want):
    fill(tree, owner)
    tree.add(link, Link(text))
    own(tree.full(link), maker)
    got = web_server.ask("/" + path)
    if want == LIMIT:
        want = SERVED if isinstance(web_server, Lighttpd) else REFUSED
    if want == SERVED:
        with open(tree.full(path), "rb") as file:
            assert (got.status, got.body) == (200, file.read())
    else:
        # lighttpd says 500 to a link that leads in a circle.
        assert got.status in (403, 404, 500) and is_comment(got.body), got


def test_a_file_in_static(web_server, tree):
    fill(tree, OWNER)
    for owner in (OWNER, MEMBER, ROOT):
        for name, want in (("file", "text/plain"), ("x.efi", "application/efi"),
                           ("d/file", "text/plain")):
            tree.add(f"static/{owner[0]}/{name}", "content")
            own(tree.full(f"static/{owner[0]}/{name}"), owner)
            got = web_server.ask(f"/static/{owner[0]}/{name}")
            assert (got.status, got.body) == (200, b"content")
            assert got.type.split(";")[0] == want


def test_once_by_another_name_is_closed_by_its_mode(web_server, tree):
    """As the packages have it: the responder is another user."""
    fill(tree, ROOT)
    os.chmod(tree.full("once"), 0o3770)
    for name, text in (("hidden", "once"), ("hidden2", place.ROOT + "/once")):
        tree.add(name, Link(text))
        own(tree.full(name), ROOT)
        got = web_server.ask(f"/{name}/file")
        assert got.status in (403, 404) and is_comment(got.body)


def test_names_that_are_switched_at_once(web_server, tree):
    """As Kubernetes does with a ConfigMap: all links are root's."""
    tree.make({"..2026/default": "default", "..2026/os/boot": "os",
               "..data": Link("..2026"), "default": Link("..data/default"),
               "os": Link("..data/os")})
    for name in ("..2026/default", "..2026/os/boot", "..2026/os", "..2026",
                 "..data", "default", "os"):
        own(tree.full(name), ROOT)
    assert web_server.ask("/default").body == b"default"
    assert web_server.ask("/os/boot").body == b"os"
    assert web_server.ask("/..data/default").status == 404
    assert web_server.ask().body == b"default"
