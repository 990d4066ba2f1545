# SPDX-License-Identifier: MIT
"""Which request targets reach PXESrv through a web server, and which don't."""
import pytest

import raw
from deployments import Lighttpd
from place import until
from tree import Link

CLIENT, BYSTANDER = "127.0.0.7", "127.0.0.8"
CONFIG = "grub/2/grub.cfg-7F000007"
TREE = {"default": "default", "os/boot": "os"}

# What is a route, and what it does.
REDIRECT = """
    /redirect /redirect? /redirect?a=b /redirect?/../x /redirect?/grub/clear/2
    //redirect ///redirect /./redirect /x/../redirect /once/../redirect
    /.x/../redirect /redirect/../redirect /redirect/x/../../redirect
    /%72edirect /redirec%74 /%2fredirect /x/%2e%2e/redirect
    http://pxesrv/redirect http://pxesrv/redirect?x""".split()
CLEAR = """
    /grub/clear/2 /grub/clear/2?x /grub//clear/2 //grub/clear/2 /x/../grub/clear/2
    /grub/clear/%32 /%67rub/clear/2
    http://pxesrv/grub/clear/2""".split()
# Beneath a documented path, so PXESrv says that it is no version.
NO_VERSION = """
    /grub/clear/ /grub/clear/2/ /grub/clear/2/redirect /grub/clear/x/../2
    /grub/clear/../../redirect""".split()
# Everything else is the web server's own, and no route whatever it looks like.
ELSEWHERE = r"""
    /redirect/ /redirect/x /redirect/redirect /redirect//redirect /redirectx
    /redirect.efi /Redirect /REDIRECT /redirect; /redirect;x
    /redirect;x=/redirect /redirect%2f /redirect%2fredirect /redirect%2Fx
    /redirect%20 /redirect%3f /redirect%3fx=/redirect /redirect%00
    /redirect%0a /redirect\ /redirect\..\redirect /redirect/. /redirect/..
    /redirect/./redirect /redirect/%2e%2e /x/redirect /boot/redirect
    /once/redirect /%6fnce/redirect //once//redirect /x/../once/redirect
    /once/127.0.0.7/redirect /.x/redirect /os/.x/redirect /static/redirect
    /os/redirect /os/boot/redirect /default/redirect /nothing/redirect
    /default?/redirect /a?/redirect /?/redirect http://pxesrv/once/redirect
    http://pxesrv/x/redirect?/redirect /grub/clear /grub/clearx
    /grub/clear%3f2 /x/grub/clear/2 /once/grub/clear/2 /.x/grub/clear/2
    /os/grub/clear/2 /GRUB/clear/2 /grub/Clear/2 /grub/./clear
    /grub/clear;/2 /done/redirect /redirect/grub/clear/2
    /redirect/once/127.0.0.7 /.pxesrv /.pxesrv/redirect
    /.pxesrv-file/redirect /.pxesrv-file/default /.pxesrv-error""".split()
# These lighttpd hides by asking PXESrv, which answers that they are no route.
IN_ONCE = r"""
    /once/redirect /%6fnce/redirect //once//redirect /x/../once/redirect
    /once/127.0.0.7/redirect http://pxesrv/once/redirect
    /once/grub/clear/2""".split()


@pytest.fixture
def ask(web_server, tree):
    """Asks for a target that reaches PXESrv, or does not."""
    tree.make({**TREE, CONFIG: "x", f"once/{CLIENT}": Link("../os/boot")})
    web_server.clear_log()

    def ask(target, reaches):
        got = raw.get(web_server.port, target)
        # A line is written after the answer, and this one's is the last.
        assert web_server.ask(client=BYSTANDER).body == b"default"
        until(lambda: len(web_server.log()) > reaches, "the log's lines")
        mine = [line for line in web_server.log()
                if not line.startswith(BYSTANDER)]
        assert len(mine) == reaches
        return got

    return ask


def check_kept(tree, *, link=True, config=True):
    assert (tree.link(f"once/{CLIENT}") is not None) == link
    assert (tree.link(f"once/.served/{CLIENT}") is None) == link
    assert tree.is_there(CONFIG) == config


@pytest.mark.parametrize("target", REDIRECT)
def test_a_target_that_is_redirect(ask, tree, target):
    got = ask(target, reaches=1)
    assert (got.status, got.body, got.length) == (200, b"os", 2)
    check_kept(tree, link=False)


@pytest.mark.parametrize("target", CLEAR)
def test_a_target_that_is_grub_clear(ask, tree, target):
    got = ask(target, reaches=1)
    assert (got.status, got.body) == (200, f"Delete {CONFIG}\n".encode())
    check_kept(tree, config=False)


@pytest.mark.parametrize("target", NO_VERSION)
def test_a_target_without_a_version(ask, tree, target):
    got = ask(target, reaches=1)
    assert (got.status, got.body) == (400, b"Missing\n")
    check_kept(tree)


@pytest.mark.parametrize("target", ELSEWHERE)
def test_a_target_that_is_no_route(ask, web_server, tree, target):
    got = ask(target, reaches=int(
        isinstance(web_server, Lighttpd) and target in IN_ONCE))
    if target == "/default?/redirect":
        assert (got.status, got.body) == (200, b"default")
    else:
        assert got.status in (400, 403, 404) and got.body.startswith(b"# ")
    check_kept(tree)
