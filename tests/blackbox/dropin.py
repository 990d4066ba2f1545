# SPDX-License-Identifier: MIT
"""
The shipped routes, included in a server that somebody has. Whatever that server
sets by itself changes no answer of the routes, and the routes change nothing else.
"""
import http.client
import os
import re

import place
from place import until
from tree import Link

CLIENT = "127.0.0.7"
# Longer than what any filter leaves alone, and with words that filters look for.
BOOT = b"#!ipxe\n" + b"echo $x <!--#echo var='x' --> installer \xe4\n" * 200
DEFAULT = b"#!ipxe\necho default\n"
TREE = {"default": DEFAULT, "os/boot": BOOT, "os/boot.efi": b"MZ" * 2000,
        "once/file": "hidden", "once/.lock": ""}
ASKED = {"Accept-Encoding": "gzip, br, deflate", "Range": "bytes=1-3",
         "If-None-Match": "*", "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
# What an answer of PXESrv never has, whoever put it there.
NEVER = ("content-encoding", "etag", "last-modified", "expires", "age",
         "content-range", "transfer-encoding", "accept-ranges", "trailer")
HIDDEN = ("/once", "/once/", "/once/file", "/once/nothing", "//once/file",
          "/%6fnce/file", "/os/../once/file", f"/once/{CLIENT}",
          "/once/.lock", "/once/.served/x")


def is_comment(body):
    return re.fullmatch(rb"# [^\n]+\n", body) is not None


def ask(port, path="/redirect", method="GET", headers=ASKED, body=None):
    """Status, all headers in the order of their names, and the body."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=place.PATIENCE, source_address=(CLIENT, 0))
    try:
        connection.putrequest(method, path, skip_host="Host" in headers,
                              skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        found = sorted((k.lower(), v) for k, v in response.getheaders())
        return response.status, found, response.read()
    finally:
        connection.close()


def values(found, name):
    return [v for k, v in found if k == name]


def check_answer(got, content, content_type="text/plain; charset=utf-8"):
    """A 200 as PXESrv gives it."""
    status, found, body = got
    assert (status, body) == (200, content), got
    assert values(found, "content-type") == [content_type], found
    assert values(found, "content-length") == [str(len(content))], found
    assert values(found, "cache-control") == ["no-store"], found
    assert not [k for k, _ in found if k in NEVER], found


def check_error(got, status):
    """An error as GRUB may run it: one line that is a comment."""
    assert got[0] == status and is_comment(got[2]), got
    assert [v.split(";")[0] for v in values(got[1], "content-type")] == \
        ["text/plain"], got
    assert "content-encoding" not in dict(got[1])


def clear(tree):
    """An empty tree, when the answers before are settled."""
    until(lambda: not tree.claimed(), "no claim is left")
    tree.clear()


def check_routes(port, tree, prefix=""):
    """All that a machine may get from the routes."""
    route = prefix + "/redirect"
    clear(tree)
    tree.make({**TREE, "grub/2/grub.cfg-7F000007": "x"})
    tree.arm(CLIENT, "../os/boot")
    head = ask(port, route, "HEAD")
    assert head[0] == 200 and head[2] == b"", head
    assert values(head[1], "content-length") == [str(len(BOOT))]
    assert tree.link(f"once/{CLIENT}"), "HEAD uses nothing up"
    check_answer(ask(port, route), BOOT)
    until(lambda: tree.link(f"once/.served/{CLIENT}"), "settled")
    check_answer(ask(port, route), DEFAULT)
    tree.arm(CLIENT, "../os/boot.efi")
    check_answer(ask(port, route), TREE["os/boot.efi"], "application/efi")
    until(lambda: not tree.is_there(f"once/{CLIENT}"), "claimed")
    check_error(ask(port, route, "POST", body=b""), 405)
    got = ask(port, f"{prefix}/grub/clear/2")
    assert got[0] == 200 and got[2].startswith(b"Delete "), got
    got = ask(port, f"{prefix}/grub/clear/2")
    assert got[0] == 400 and got[2].startswith(b"Missing "), got
    tree.add(f"static/{CLIENT}", Link("../nothing"))
    check_error(ask(port, route), 404)
    until(lambda: not tree.claimed(), "no claim is left")
    os.unlink(tree.full(f"static/{CLIENT}"))


def check_hidden(port, tree, prefix=""):
    """Nothing of once/ can be downloaded, or found out."""
    clear(tree)
    tree.make({**TREE, "once/.served/x": Link("../../os/boot")})
    tree.arm(CLIENT, "../os/boot")
    for path in HIDDEN:
        got = ask(port, prefix + path, headers={})
        check_error(got, 404)
    assert tree.link(f"once/{CLIENT}") == "../os/boot"


# What the owner's server has, and what it answers for that is its own affair.
OWNED = {**TREE, "index.html": "<p>index\n", "initrd.img": "initrd",
         "images/pxeboot/initrd.img": "initrd", "x.iso": "iso", "boot.efi": "MZ",
         "redirect.txt": "text", "oncetold": "text", "page.html": "<p>page\n",
         ".well-known/acme-challenge/token": "token", ".hidden": "dot",
         "os/.hidden": "dot", "os/once/file": "other", "static/app.css": "css",
         "static/127.0.0.9": Link("../os/boot"), "link": Link("os/boot"),
         "etc": Link("/etc"), "ks.cfg": "ks", "archive.tar.gz": "tar",
         "private/x.iso": "private"}
OWNED_PATHS = (
    "/", "/index.html", "/default", "/os/boot", "/os/boot.efi", "/boot.efi",
    "/initrd.img", "/images/pxeboot/initrd.img", "/x.iso", "/private/x.iso",
    "/.well-known/acme-challenge/token", "/.well-known/acme-challenge/nothing",
    "/.hidden", "/os/.hidden", "/os/once/file", "/oncetold", "/redirect.txt",
    "/redirectx", "/redirect/", "/redirect/x", "/grub/clear", "/grub/x",
    "/static/app.css", "/static/127.0.0.9", "/link", "/etc/hostname",
    "/page.html", "/ks.cfg", "/archive.tar.gz", "/nothing", "/nothing.iso",
    "/os", "/os/", "/sub/", "/nothing/", "/x.iso?a=b", "/%zz", "/.htaccess",
    "/BOOT.EFI", "/static/", "/static")
PASSING = ("date", "last-modified", "etag", "connection", "keep-alive")


def everything_else(port, prefix=""):
    """What the owner's server answers for all that is his, to be compared."""
    answers = {}
    for path in OWNED_PATHS:
        for method in ("GET", "HEAD", "POST", "PUT"):
            status, found, body = ask(
                port, prefix + path, method, headers={},
                body=b"" if method in ("POST", "PUT") else None)
            answers[method, path] = (
                status, [(k, v) for k, v in found if k not in PASSING], body)
        answers["range", path] = ask(
            port, prefix + path, headers={"Range": "bytes=1-2"})[0]
    return answers


def make_owned(tree):
    """The owner's tree; what everything_else() asks for lies in it."""
    clear(tree)
    tree.make(OWNED)
    os.mkdir(tree.full("sub"))
