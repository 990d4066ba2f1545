# SPDX-License-Identifier: MIT
"""What a web server refuses by itself when more is configured, or broken."""
import os

import pytest

import deployments
import place
import raw
from test_web_errors import TREE, is_comment
from tree import Link

CLIENT = "127.0.0.7"
SERVERS = [name for name, kind in deployments.ALL.items()
           if issubclass(kind, deployments.WebServer)]


def secret(name):
    """A server that wants a password, or (for lighttpd) has one file less."""
    if name == "nginx":
        return lambda text: text.replace(
            "gzip off;\n\n\t# The time", 'gzip off; auth_basic "x";'
            "auth_basic_user_file /dev/null;\n\n\t# The time"), []
    if name.startswith("lighttpd"):
        return lambda text: text.replace(
            '("mod_access")', '("mod_auth", "mod_authn_file")\n'
            'auth.backend = "htdigest"\n'
            'auth.backend.htdigest.userfile = "/dev/null"\n'
            'auth.require = ("/" => ("method" => "digest", "realm" => "x",'
            ' "require" => "valid-user"))'), []
    return lambda text: text + """
        <Location "/">
        AuthType Basic
        AuthName x
        AuthBasicProvider file
        AuthUserFile /dev/null
        Require valid-user
        </Location>""" if "DocumentRoot" in text else text, [
            "auth_basic", "authn_core", "authn_file", "authz_user"]


@pytest.mark.parametrize("name", SERVERS)
def test_a_password_that_is_missing(variant, tree, name):
    change, modules = secret(name)
    one = variant(name, change, modules=modules)
    tree.make({**TREE, f"once/{CLIENT}": Link("../os/boot")})
    for path in ("/redirect", "/grub/clear/2", "/os/boot", "/nothing"):
        got = raw.get(one.port, path)
        assert got.status == 401 and is_comment(got.body), (path, got)
        assert got.headers["www-authenticate"]
    assert tree.link(f"once/{CLIENT}")


@pytest.mark.parametrize("name", ["apache-cgi", "apache-fcgi"])
def test_a_request_that_does_not_come(variant, tree, name):
    one = variant(name, lambda text: text + "\nRequestReadTimeout header=1\n",
                  modules=["reqtimeout"])
    got = raw.parse(raw.send(one.port, "GET /redirect HTTP/1.1\r\nHost: x\r\n"))
    assert got.status == 408 and is_comment(got.body), got


HANGING = {"nginx": 503, "lighttpd": 504, "apache-fcgi": 504}


@pytest.mark.parametrize("name", HANGING)
def test_a_responder_that_hangs(variant, tree, name):
    """iPXE waits and asks again on a 503 with Retry-After."""
    one = variant(name, lambda text: text.replace(" timeout=60", " timeout=1")
                  .replace("read_timeout 60s", "read_timeout 1s")
                  .replace('"read-timeout" => 60', '"read-timeout" => 1'))
    tree.make(TREE)
    one.responder.halt()
    try:
        got = raw.get(one.port, "/redirect")
    finally:
        one.responder.go_on()
    assert got.status == HANGING[name] and is_comment(got.body), got
    assert got.headers.get("retry-after") == (
        "5" if one.says_retry_after else None)
    assert got.type.startswith("text/plain")


def test_a_cgi_program_that_cannot_be_started(variant, tree):
    one = variant("apache-cgi", lambda text: text)
    tree.make(TREE)
    for harm in (lambda: os.rename(place.CGI, place.CGI + ".away"),
                 lambda: os.symlink("/dev/null", place.CGI),
                 lambda: (os.unlink(place.CGI),
                          os.symlink("/bin/false", place.CGI))):
        harm()
        got = raw.get(one.port, "/redirect")
        assert got.status in (403, 404, 500, 503) and is_comment(got.body), got
    os.rename(place.CGI + ".away", place.CGI)
    assert one.ask().body == b"default"
